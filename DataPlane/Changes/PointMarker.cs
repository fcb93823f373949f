using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.DataPlane.Changes;

/// <summary>The data of a <see cref="ChangeKind.Marker"/> record: 16 bytes point id (big-endian GUID), 1 byte
/// kind.</summary>
internal readonly record struct PointMarker(RecoveryPointId Id, PointKind Kind)
{
    /// <summary>The size of the encoded form in bytes.</summary>
    public const int Size = 24;

    /// <summary>Writes the encoded form.</summary>
    public void Write(Span<byte> target)
    {
        target[..Size].Clear();
        Id.Value.TryWriteBytes(target, bigEndian: true, out _);
        target[16] = (byte)Kind;
    }

    /// <summary>Reads the encoded form.</summary>
    public static PointMarker Read(ReadOnlySpan<byte> source) =>
        new(new RecoveryPointId(new Guid(source[..16], bigEndian: true)), (PointKind)source[16]);
}
