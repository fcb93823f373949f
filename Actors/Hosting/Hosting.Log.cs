using Microsoft.Extensions.Logging;
using ReplicationEngine.Actors.Clustering;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>The host's log messages.</summary>
internal static partial class HostingLog
{
    [LoggerMessage(1, LogLevel.Information, "The engine started with the regions {Types}")]
    public static partial void EngineStarted(this ILogger logger, string types);

    [LoggerMessage(2, LogLevel.Information, "The engine stopped")]
    public static partial void EngineStopped(this ILogger logger);

    [LoggerMessage(3, LogLevel.Warning, "{Id} failed with an exception and is recovered again")]
    public static partial void EntityRestarted(this ILogger logger, PersistenceId id, Exception cause);

    [LoggerMessage(4, LogLevel.Error, "{Cause}")]
    public static partial void EntityQuarantined(this ILogger logger, string cause, Exception? exception);

    [LoggerMessage(5, LogLevel.Warning, "{Id} cannot be recovered now; retrying: {Trouble}")]
    public static partial void RecoveryFailed(this ILogger logger, PersistenceId id, string trouble);

    [LoggerMessage(6, LogLevel.Warning, "The snapshot of {Id} is ignored: {Reason}")]
    public static partial void SnapshotIgnored(this ILogger logger, PersistenceId id, string reason);

    [LoggerMessage(7, LogLevel.Warning, "The snapshot of {Id} could not be stored")]
    public static partial void SnapshotNotSaved(this ILogger logger, PersistenceId id, Exception cause);

    [LoggerMessage(8, LogLevel.Warning, "It is unknown whether event {Sequence} of {Id} is stored: {Trouble}")]
    public static partial void PersistFailed(this ILogger logger, PersistenceId id, long sequence, string trouble);

    [LoggerMessage(9, LogLevel.Error, "Effect {Effect} of {Id} failed; retrying in {Delay}")]
    public static partial void EffectFailed(
        this ILogger logger, PersistenceId id, EffectId effect, TimeSpan delay, Exception cause);

    [LoggerMessage(10, LogLevel.Warning, "Old snapshots of {Id} could not be deleted")]
    public static partial void SnapshotsNotDeleted(this ILogger logger, PersistenceId id, Exception cause);

    [LoggerMessage(11, LogLevel.Warning, "The wake index cannot be read now: {Trouble}")]
    public static partial void WakesNotRead(this ILogger logger, string trouble);

    [LoggerMessage(12, LogLevel.Error, "The actor of {Id} failed with an exception and restarts")]
    public static partial void ActorBroken(this ILogger logger, PersistenceId id, Exception cause);

    [LoggerMessage(13, LogLevel.Warning, "The quarantine of {Id} is lifted ({Cause}); it is recovered again")]
    public static partial void QuarantineLifted(this ILogger logger, PersistenceId id, string cause);

    [LoggerMessage(14, LogLevel.Warning, "The projection {Projection} is stalled; retrying: {Trouble}")]
    public static partial void ProjectionFailed(this ILogger logger, string projection, string trouble);

    [LoggerMessage(15, LogLevel.Warning,
        "Event {Sequence} of {Id} is missing from the feed of {Projection}; its stream is read instead")]
    public static partial void ProjectionGap(this ILogger logger, string projection, PersistenceId id, long sequence);

    [LoggerMessage(16, LogLevel.Error, "The projection {Projection} ignores further events of {Id}: {Cause}")]
    public static partial void ProjectionEnded(
        this ILogger logger, string projection, PersistenceId id, string cause);

    [LoggerMessage(17, LogLevel.Information, "The projection {Projection} was rebuilt")]
    public static partial void ProjectionRebuilt(this ILogger logger, string projection);

    [LoggerMessage(18, LogLevel.Warning,
        "Old documents of {Projection} could not be removed; the next start removes them: {Trouble}")]
    public static partial void ProjectionNotDropped(this ILogger logger, string projection, string trouble);

    [LoggerMessage(19, LogLevel.Information,
        "{Events} events were moved from the journal to {Files} files of its archive")]
    public static partial void Archived(this ILogger logger, long events, int files);

    [LoggerMessage(20, LogLevel.Warning,
        "Old events cannot be moved to the journal's archive now; retrying: {Trouble}")]
    public static partial void NotArchived(this ILogger logger, string trouble);

    [LoggerMessage(21, LogLevel.Error, "Events stay in the journal and are not archived: {Damage}")]
    public static partial void LeftUnarchived(this ILogger logger, string damage);

    [LoggerMessage(22, LogLevel.Error, "Moving events to the journal's archive failed with an exception; retrying")]
    public static partial void ArchivingBroken(this ILogger logger, Exception cause);

    [LoggerMessage(23, LogLevel.Information,
        "Node {Node} at {Address} is a member of the cluster; founded it: {Founded}")]
    public static partial void NodeJoined(this ILogger logger, string node, NodeAddress address, bool founded);

    [LoggerMessage(24, LogLevel.Information, "Node {Node} waits to become a member: {Why}")]
    public static partial void NodeWaits(this ILogger logger, string node, string why);

    [LoggerMessage(25, LogLevel.Critical,
        "The cluster has removed node {Node}, because the other nodes could not reach it; end the process and start it "
            + "again")]
    public static partial void NodeRemoved(this ILogger logger, string node);

    [LoggerMessage(26, LogLevel.Information, "Node {Node} at {Address} is a member of the cluster")]
    public static partial void MemberUp(this ILogger logger, string node, string address);

    [LoggerMessage(27, LogLevel.Warning, "Node {Node} at {Address} cannot be reached")]
    public static partial void MemberUnreachable(this ILogger logger, string node, string address);

    [LoggerMessage(28, LogLevel.Information, "Node {Node} at {Address} can be reached again")]
    public static partial void MemberReachable(this ILogger logger, string node, string address);

    [LoggerMessage(29, LogLevel.Information, "Node {Node} at {Address} has left the cluster")]
    public static partial void MemberLeft(this ILogger logger, string node, string address);

    [LoggerMessage(30, LogLevel.Warning,
        "Node {Node} at {Address} was removed from the cluster because it could not be reached; the other nodes run "
            + "its entities")]
    public static partial void MemberRemoved(this ILogger logger, string node, string address);

    [LoggerMessage(31, LogLevel.Warning,
        "A connection of {Peer} is refused, because it is no node of this cluster: {Why}")]
    public static partial void NodeRefused(this ILogger logger, string peer, string why);
}
