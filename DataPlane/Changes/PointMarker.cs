using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Changes;

/// <summary>How consistent a recovery point is.</summary>
public enum PointConsistency : byte
{
    /// <summary>What was on the disks at that instant (RCP-1).</summary>
    Crash = 1,

    /// <summary>The application was frozen around the instant (RCP-2).</summary>
    Application = 2,
}

/// <summary>The data of a <see cref="ChangeKind.Marker"/> record: 16 bytes point id (big-endian GUID), 1 byte
/// consistency.</summary>
public readonly record struct PointMarker(RecoveryPointId Id, PointConsistency Consistency)
{
    /// <summary>Bytes of the encoded form.</summary>
    public const int Size = 24;

    /// <summary>Writes the encoded form.</summary>
    public void Write(Span<byte> target)
    {
        target[..Size].Clear();
        Id.Value.TryWriteBytes(target, bigEndian: true, out _);
        target[16] = (byte)Consistency;
    }

    /// <summary>Reads the encoded form.</summary>
    public static PointMarker Read(ReadOnlySpan<byte> source) =>
        new(new RecoveryPointId(new Guid(source[..16], bigEndian: true)), (PointConsistency)source[16]);
}
