using System.Collections.Immutable;
using System.Text;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// The durable state of a volume, needed when it is opened again. Changed only through <see cref="VolumeStateFile"/>.
/// </summary>
internal sealed record VolumeState
{
    /// <summary>The number of openings kept: a replica whose latest sender was an older one is compared.</summary>
    public const int MostIncarnations = 64;

    /// <summary>The identifier of the VM.</summary>
    public required ProtectedVmId Vm { get; init; }

    /// <summary>The disks of the VM.</summary>
    public required ImmutableArray<VolumeStateDisk> Disks { get; init; }

    /// <summary>The term under which the volume writes.</summary>
    public required Term Term { get; init; }

    /// <summary>The newest generation that was started, or is about to be.</summary>
    public Generation Generation { get; init; }

    /// <summary>Whether the log holds the writes.</summary>
    public CaptureMode Mode { get; init; }

    /// <summary>The cause of the volume's mode.</summary>
    public DirtyCause Cause { get; init; }

    /// <summary>The boot of the machine under which the volume was last open for writing.</summary>
    public required string BootId { get; init; }

    /// <summary>Whether the volume was closed with everything durable.</summary>
    public bool Clean { get; init; }

    /// <summary>Whether writes are refused (FOV-8).</summary>
    public bool Fenced { get; init; }

    /// <summary>Whether a replica was attached: positions at or above the floor are this volume's own.</summary>
    public bool Attached { get; init; }

    /// <summary>Whether a sync of a source disk failed, so that the whole log must be applied again (I28).</summary>
    public bool SyncFailed { get; init; }

    /// <summary>
    /// The newest assigned number when the state was stored; after a clean shutdown, the last change of the log.
    /// </summary>
    public Lsn Newest { get; init; }

    /// <summary>The number up to which every change is on the source's disks.</summary>
    public Lsn Completed { get; init; }

    /// <summary>
    /// The position up to which the replica durably holds everything; no Active bit of a later change was ever cleared.
    /// </summary>
    public ChangePosition AcknowledgedFloor { get; init; }

    /// <summary>The mark of the record at the floor; unknown if the log did not hold it.</summary>
    public HistoryMark FloorMark { get; init; }

    /// <summary>The newest record when the log was last emptied.</summary>
    public MarkedPosition LastLogged { get; init; }

    /// <summary>The random names of the volume's openings, the present one last.</summary>
    public ImmutableArray<Guid> Incarnations { get; init; } = [];

    /// <summary>The name of the present opening.</summary>
    public Guid Incarnation => Incarnations.IsEmpty ? Guid.Empty : Incarnations[^1];

    /// <summary>Returns the openings with one more.</summary>
    public ImmutableArray<Guid> With(Guid incarnation) =>
        [.. Incarnations.Skip(Math.Max(0, Incarnations.Length + 1 - MostIncarnations)), incarnation];

    /// <summary>The configured limit of the log in bytes, for readers of the file.</summary>
    public long CacheLimitBytes { get; init; }

    /// <summary>Encodes the state for the file.</summary>
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
        writer.Write(FloorMark.Value);
        writer.Write(LastLogged.Position.Generation.Value);
        writer.Write(LastLogged.Position.Lsn.Value);
        writer.Write(LastLogged.Mark.Value);
        writer.Write(CacheLimitBytes);
        writer.Write((ushort)Incarnations.Length);
        foreach (var incarnation in Incarnations)
        {
            writer.Write(incarnation.ToByteArray(bigEndian: true));
        }

        writer.Write((ushort)Disks.Length);
        foreach (var disk in Disks)
        {
            writer.Write(disk.Path);
            writer.Write(disk.SizeBytes);
            writer.Write(disk.Seen is not null);
            if (disk.Seen is { } seen)
            {
                writer.Write(seen);
            }
        }

        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>Decodes the state; the caller has checked the checksum.</summary>
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
            Mode = (CaptureMode)reader.ReadByte(),
            Cause = (DirtyCause)reader.ReadByte(),
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
            AcknowledgedFloor = Position(reader),
            FloorMark = new HistoryMark(reader.ReadUInt64()),
            LastLogged = new MarkedPosition(Position(reader), new HistoryMark(reader.ReadUInt64())),
            CacheLimitBytes = reader.ReadInt64(),
        };
        var incarnations = new Guid[reader.ReadUInt16()];
        for (var i = 0; i < incarnations.Length; i++)
        {
            incarnations[i] = new Guid(reader.ReadBytes(16), bigEndian: true);
        }

        var disks = new VolumeStateDisk[reader.ReadUInt16()];
        for (var i = 0; i < disks.Length; i++)
        {
            disks[i] = new VolumeStateDisk(
                reader.ReadString(), reader.ReadInt64(), reader.ReadBoolean() ? reader.ReadObservation() : null);
        }

        return state with { Disks = [.. disks], Incarnations = [.. incarnations] };
    }

    private static ChangePosition Position(BinaryReader reader) =>
        new(new Generation(reader.ReadInt64()), new Lsn(reader.ReadInt64()));
}

/// <summary>A disk as it was when the volume was opened, or closed with a clean shutdown.</summary>
/// <param name="Path">The path of the disk.</param>
/// <param name="SizeBytes">The protected size in bytes.</param>
/// <param name="Seen">The observation of the disk at that time; null if it was not observed.</param>
internal readonly record struct VolumeStateDisk(string Path, long SizeBytes, DiskObservation? Seen);
