using System.Security.Cryptography;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicaStore;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>What the target side of one VM needs of its host.</summary>
public sealed record TargetSurroundings
{
    /// <summary>The VM.</summary>
    public required string Vm { get; init; }

    /// <summary>The VM's own directory.</summary>
    public required IStorageDirectory Directory { get; init; }

    /// <summary>Another for each start of the machine: what was not synced before may be gone.</summary>
    public required string BootId { get; init; }

    /// <summary>The clocks.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>Who serves the disks of recovered machines.</summary>
    public required IMachineServer Server { get; init; }

    /// <summary>Makes the random name of each opening of a failed-over machine's splitter.</summary>
    public Func<Guid> NewIncarnation { get; init; } = () => new Guid(RandomNumberGenerator.GetBytes(16));

    /// <summary>The replica's limits; null for the usual ones.</summary>
    public ReplicaStoreOptions? Store { get; init; }

    /// <summary>The most that the replication log of a failed-over machine may take.</summary>
    public long LiveCacheBytes { get; init; } = 4L << 30;

    /// <summary>The size of a file of that log.</summary>
    public long LiveSegmentBytes { get; init; } = 64L << 20;

    /// <summary>How often a wait for the stream looks again.</summary>
    public TimeSpan PollEvery { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The room on the file system of the directory; null when not known.</summary>
    public Func<TargetRoom?> Room { get; init; } = () => null;

    /// <summary>Why there are no descriptors left for a replica of so many disks, as one sentence with the remedy; null
    /// when there are.</summary>
    public Func<int, string?> NoRoomFor { get; init; } = _ => null;

    /// <summary>Told when something changed that a VM's state may not know.</summary>
    public Action Changed { get; init; } = () => { };
}

/// <summary>Serves the disks of recovered machines to whoever runs them.</summary>
public interface IMachineServer
{
    /// <summary>Serves a machine's disks; answers them with their addresses.</summary>
    /// <param name="machine">The machine's name within its VM.</param>
    /// <param name="disks">The path of the source's disk that each stands for, and the disk.</param>
    /// <param name="ct">Gives up.</param>
    Task<IReadOnlyList<RecoveredDisk>> ServeAsync(
        string machine, IReadOnlyList<(string Path, IBlockDevice Device)> disks, CancellationToken ct);

    /// <summary>Ends serving a machine's disks; afterwards they are used no more.</summary>
    Task StopAsync(RecoveredMachine machine);
}

/// <summary>The one data session of a VM at a time: with its source as the sender, or the other way after a
/// failover.</summary>
public interface ITargetSessions
{
    /// <summary>Whether a source is connected and sending.</summary>
    bool Receiving { get; }

    /// <summary>The stream back to the source; null while there is none.</summary>
    ReverseStream? Reverse { get; }

    /// <summary>Ends the session that there is; afterwards nothing is applied or sent by it.</summary>
    Task EndAsync();
}

/// <summary>A stream from a failed-over machine back to its source.</summary>
/// <param name="Streaming">Nothing is left to compare or copy: it carries the log.</param>
/// <param name="Durable">What the source side holds durably.</param>
/// <param name="WireBytes">Bytes sent.</param>
/// <param name="ChangedBytes">Bytes that were found to differ, or written since.</param>
public sealed record ReverseStream(bool Streaming, ChangePosition Durable, long WireBytes, long ChangedBytes);
