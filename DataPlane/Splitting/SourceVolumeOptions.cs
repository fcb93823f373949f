using System.Security.Cryptography;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>A disk of the source. The caller owns the device and disposes it after the volume.</summary>
/// <param name="Path">The disk's path, for operators and for the replica.</param>
/// <param name="Device">The device; while the volume is open, nothing else may write to it.</param>
/// <param name="Look">
/// Returns an observation of the disk: its identity and when it changed, so that a disk that was written by another
/// program, replaced or restored is detected at the next opening. Null, or a null result: not checked.
/// </param>
public sealed record SourceDisk(string Path, IBlockDevice Device, Func<DiskObservation?>? Look = null)
{
    /// <summary>
    /// Whether only writes of this machine move the file's times, and immediately. False for a block device, which has
    /// no such times, and on a remote file system.
    /// </summary>
    public bool TimesAreItsOwn { get; init; } = true;
}

/// <summary>The options for opening a volume.</summary>
public sealed record SourceVolumeOptions
{
    /// <summary>The identifier of the VM.</summary>
    public required ProtectedVmId Vm { get; init; }

    /// <summary>
    /// The volume's own directory: state, maps and log. The caller ensures that one process at a time uses it.
    /// </summary>
    public required IStorageDirectory Directory { get; init; }

    /// <summary>The disks of the VM, always in the same order.</summary>
    public required IReadOnlyList<SourceDisk> Disks { get; init; }

    /// <summary>
    /// The boot ID of the machine, <c>/proc/sys/kernel/random/boot_id</c>: while it is the same, files hold all data
    /// written to them, synced or not.
    /// </summary>
    public required string BootId { get; init; }

    /// <summary>The start time of that boot, by the machine's clock; null if unknown.</summary>
    public DateTimeOffset? BootedAt { get; init; }

    /// <summary>Creates the random name of this opening.</summary>
    public Func<Guid> NewIncarnation { get; init; } = () => new Guid(RandomNumberGenerator.GetBytes(16));

    /// <summary>The source of time.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>The term of a new volume; an existing one has its own.</summary>
    public Term FirstTerm { get; init; } = Term.First;

    /// <summary>The maximum size of the log in bytes; above it the volume switches to its dirty map.</summary>
    public long CacheLimitBytes { get; init; } = 16L << 30;

    /// <summary>The approximate size of a log file in bytes. Smaller if the limit is.</summary>
    public long SegmentBytes { get; init; } = 64L << 20;

    /// <summary>The part of a disk's size that its backlog in the log may reach (RES-4).</summary>
    public double BacklogLimit { get; init; } = 0.5;

    /// <summary>
    /// The time that map bits wait for a guest's own flush before the volume syncs the disk to lower them.
    /// </summary>
    public TimeSpan SettleInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The callback for changes of the condition, on any thread; it must neither block nor call the volume.
    /// </summary>
    public Action<SourceCondition>? ConditionChanged { get; init; }

    /// <summary>
    /// Creates the order of changes of an opening; the simulator provides one whose waiting it schedules.
    /// </summary>
    public Func<WriteOrder> Order { get; init; } = () => new WriteOrder();
}
