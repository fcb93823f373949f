using System.Security.Cryptography;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>A disk of the source. The caller owns the device and disposes it after the volume.</summary>
/// <param name="Path">Its path, for people and for the replica.</param>
/// <param name="Device">The device, used by nobody else for writing while the volume is open.</param>
/// <param name="Look">
/// Looks at the disk as it is now: which it is and when it changed, so that one that somebody else wrote, replaced or
/// put back is noticed at the next opening. Null, or a null result: not checked.
/// </param>
public sealed record SourceDisk(string Path, IBlockDevice Device, Func<DiskObservation?>? Look = null)
{
    /// <summary>Whether a file's times move with writes of this machine alone, at once: not so for a block device,
    /// which has none, and on a remote file system.</summary>
    public bool TimesAreItsOwn { get; init; } = true;
}

/// <summary>How a volume is opened.</summary>
public sealed record SourceVolumeOptions
{
    /// <summary>The VM.</summary>
    public required ProtectedVmId Vm { get; init; }

    /// <summary>
    /// The volume's own directory: state, maps and log. One process at a time, which the caller sees to.
    /// </summary>
    public required IStorageDirectory Directory { get; init; }

    /// <summary>The disks, always in the same order.</summary>
    public required IReadOnlyList<SourceDisk> Disks { get; init; }

    /// <summary>
    /// The machine's boot, <c>/proc/sys/kernel/random/boot_id</c>: while it is the same, files hold all that was
    /// written to them, synced or not.
    /// </summary>
    public required string BootId { get; init; }

    /// <summary>When that boot began, by the machine's clock; null when it is not known.</summary>
    public DateTimeOffset? BootedAt { get; init; }

    /// <summary>Makes the random name of this opening.</summary>
    public Func<Guid> NewIncarnation { get; init; } = () => new Guid(RandomNumberGenerator.GetBytes(16));

    /// <summary>The clock.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>The term of a volume that is made; an existing one knows its own.</summary>
    public Term FirstTerm { get; init; } = Term.First;

    /// <summary>The most bytes the log may take; beyond, the volume goes over to its dirty map.</summary>
    public long CacheLimitBytes { get; init; } = 16L << 30;

    /// <summary>About the size of a log file. Smaller when the limit is.</summary>
    public long SegmentBytes { get; init; } = 64L << 20;

    /// <summary>The part of a disk's size that its backlog in the log may reach (RES-4).</summary>
    public double BacklogLimit { get; init; } = 0.5;

    /// <summary>
    /// How long map bits wait for a guest's own flush before the volume syncs the disk to lower them.
    /// </summary>
    public TimeSpan SettleInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Called after the condition changed, on whatever thread changed it; it must neither block nor call the volume.
    /// </summary>
    public Action<SourceCondition>? ConditionChanged { get; init; }

    /// <summary>Makes the order of changes of an opening; the simulator gives one whose waiting it schedules.</summary>
    public Func<WriteOrder> Order { get; init; } = () => new WriteOrder();
}
