using System.Collections.Immutable;
using System.Text;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// What a volume must know when it is opened again. Changed only through <see cref="VolumeStateFile"/>.
/// </summary>
internal sealed record VolumeState
{
    /// <summary>The VM.</summary>
    public required ProtectedVmId Vm { get; init; }

    /// <summary>The disks.</summary>
    public required ImmutableArray<VolumeStateDisk> Disks { get; init; }

    /// <summary>The term under which the volume writes.</summary>
    public required Term Term { get; init; }

    /// <summary>The newest generation that was begun, or is about to be.</summary>
    public Generation Generation { get; init; }

    /// <summary>Whether the log carries the writes.</summary>
    public SourceMode Mode { get; init; }

    /// <summary>Why the volume is in its mode.</summary>
    public SourceCause Cause { get; init; }

    /// <summary>The boot of the machine under which the volume was last open for writing.</summary>
    public required string BootId { get; init; }

    /// <summary>The volume was closed with everything durable.</summary>
    public bool Clean { get; init; }

    /// <summary>Writes are refused (FOV-8).</summary>
    public bool Fenced { get; init; }

    /// <summary>A replica was attached: positions at or above the floor are this volume's own.</summary>
    public bool Attached { get; init; }

    /// <summary>A sync of a source disk failed: all of the log is to be applied again (I28).</summary>
    public bool SyncFailed { get; init; }

    /// <summary>
    /// The newest number given out when this was stored; the last change of the log when closed clean.
    /// </summary>
    public Lsn Newest { get; init; }

    /// <summary>Every change up to here is on the source's disks.</summary>
    public Lsn Completed { get; init; }

    /// <summary>The replica durably holds all up to here; no Active bit of a later change was ever cleared.</summary>
    public ChangePosition AcknowledgedFloor { get; init; }

    /// <summary>The configured limit of the log, for whoever reads the file.</summary>
    public long CacheLimitBytes { get; init; }

    /// <summary>The encoded form.</summary>
    public byte[] Encode()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write(Vm.Value);
        writer.Write(BootId);
        writer.Write(Term.Value);
        writer.Write(Generation.Value);
        writer.Write((byte)Mode);
        writer.Write((byte)Cause);
        writer.Write((byte)((Clean ? 1 : 0) | (Fenced ? 2 : 0) | (Attached ? 4 : 0) | (SyncFailed ? 8 : 0)));
        writer.Write(Newest.Value);
        writer.Write(Completed.Value);
        writer.Write(AcknowledgedFloor.Generation.Value);
        writer.Write(AcknowledgedFloor.Lsn.Value);
        writer.Write(CacheLimitBytes);
        writer.Write((ushort)Disks.Length);
        foreach (var disk in Disks)
        {
            writer.Write(disk.Path);
            writer.Write(disk.SizeBytes);
            writer.Write(disk.Fingerprint);
        }

        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>Reads the encoded form, whose checksum was right.</summary>
    public static VolumeState Decode(byte[] bytes)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        var state = new VolumeState
        {
            Vm = new ProtectedVmId(reader.ReadString()),
            BootId = reader.ReadString(),
            Term = new Term(reader.ReadInt64()),
            Disks = [],
            Generation = new Generation(reader.ReadInt64()),
            Mode = (SourceMode)reader.ReadByte(),
            Cause = (SourceCause)reader.ReadByte(),
        };
        var flags = reader.ReadByte();
        state = state with
        {
            Clean = (flags & 1) != 0,
            Fenced = (flags & 2) != 0,
            Attached = (flags & 4) != 0,
            SyncFailed = (flags & 8) != 0,
            Newest = new Lsn(reader.ReadInt64()),
            Completed = new Lsn(reader.ReadInt64()),
            AcknowledgedFloor = new ChangePosition(new Generation(reader.ReadInt64()), new Lsn(reader.ReadInt64())),
            CacheLimitBytes = reader.ReadInt64(),
        };
        var disks = new VolumeStateDisk[reader.ReadUInt16()];
        for (var i = 0; i < disks.Length; i++)
        {
            disks[i] = new VolumeStateDisk(reader.ReadString(), reader.ReadInt64(), reader.ReadString());
        }

        return state with { Disks = [.. disks] };
    }
}

/// <summary>A disk as it was when last seen; the fingerprint is empty when none was taken.</summary>
internal readonly record struct VolumeStateDisk(string Path, long SizeBytes, string Fingerprint);
