using System.Security.Cryptography;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>The services and settings that the target side of one VM needs from its host.</summary>
public sealed record TargetSurroundings
{
    /// <summary>The name of the VM.</summary>
    public required string Vm { get; init; }

    /// <summary>The VM's own directory.</summary>
    public required IStorageDirectory Directory { get; init; }

    /// <summary>An id of the machine's boot. After another boot, data that was not synced may be lost.</summary>
    public required string BootId { get; init; }

    /// <summary>The time source.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>The server of recovered machines' disks.</summary>
    public required IMachineServer Server { get; init; }

    /// <summary>Creates the random id of each opening of a failed-over machine's splitter.</summary>
    public Func<Guid> NewIncarnation { get; init; } = () => new Guid(RandomNumberGenerator.GetBytes(16));

    /// <summary>The replica's limits; null for the defaults.</summary>
    public ReplicaStoreOptions? Store { get; init; }

    /// <summary>The maximum size of a failed-over machine's replication log, in bytes.</summary>
    public long LiveCacheBytes { get; init; } = 4L << 30;

    /// <summary>The size of a file of that log, in bytes.</summary>
    public long LiveSegmentBytes { get; init; } = 64L << 20;

    /// <summary>The polling interval of waits for the stream.</summary>
    public TimeSpan PollEvery { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Returns the room on the file system of the directory; null when unknown.</summary>
    public Func<TargetRoom?> Room { get; init; } = () => null;

    /// <summary>
    /// Returns why the host has too few descriptors for a replica of the given number of disks, as one sentence with
    /// the remedy; null when it has enough.
    /// </summary>
    public Func<int, string?> NoRoomFor { get; init; } = _ => null;

    /// <summary>Called when something changed that a VM's state may not contain.</summary>
    public Action Changed { get; init; } = () => { };
}

/// <summary>Serves the disks of recovered machines.</summary>
public interface IMachineServer
{
    /// <summary>Serves a machine's disks and returns them with their addresses.</summary>
    /// <param name="machine">The name of the machine within its VM.</param>
    /// <param name="disks">The disks, each with the path of the source's disk that it replaces.</param>
    /// <param name="ct">Cancels the operation.</param>
    Task<IReadOnlyList<RecoveredDisk>> ServeAsync(
        string machine, IReadOnlyList<(string Path, IBlockDevice Device)> disks, CancellationToken ct);

    /// <summary>Stops serving a machine's disks. Afterwards they are no longer used.</summary>
    Task StopAsync(RecoveredMachine machine);
}

/// <summary>The single data session of a VM: its source sends, or after a failover the other way round.</summary>
public interface ITargetSessions
{
    /// <summary>Whether a source is connected and sending.</summary>
    bool Receiving { get; }

    /// <summary>The stream back to the source; null while there is none.</summary>
    ReverseStream? Reverse { get; }

    /// <summary>Ends the current session. Afterwards it applies and sends nothing.</summary>
    Task EndAsync();
}

/// <summary>A stream from a failed-over machine back to its source.</summary>
/// <param name="Streaming">Whether the stream carries only the log, with nothing left to compare or copy.</param>
/// <param name="Durable">The position up to which the source side is durable.</param>
/// <param name="WireBytes">The number of bytes sent.</param>
/// <param name="ChangedBytes">The number of bytes that differed or were written since.</param>
public sealed record ReverseStream(bool Streaming, ChangePosition Durable, long WireBytes, long ChangedBytes);
