using Microsoft.Extensions.Logging;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>What the host says in the log.</summary>
internal static partial class HostingLog
{
    [LoggerMessage(1, LogLevel.Information, "Region {Type} started under epoch {Epoch}: {Owing} entities owe effects")]
    public static partial void RegionStarted(this ILogger logger, string type, long epoch, int owing);

    [LoggerMessage(2, LogLevel.Information, "Region {Type} stopped")]
    public static partial void RegionStopped(this ILogger logger, string type);

    [LoggerMessage(3, LogLevel.Warning, "{Id} met an exception and is loaded again")]
    public static partial void EntityRestarted(this ILogger logger, PersistenceId id, Exception cause);

    [LoggerMessage(4, LogLevel.Error, "{Cause}")]
    public static partial void EntityQuarantined(this ILogger logger, string cause, Exception? exception);

    [LoggerMessage(5, LogLevel.Warning, "{Id} stopped ({Reason}): {Message}")]
    public static partial void EntityStopped(
        this ILogger logger, PersistenceId id, UnavailableReason reason, string message);

    [LoggerMessage(6, LogLevel.Warning, "The snapshot of {Id} is not used: {Reason}")]
    public static partial void SnapshotIgnored(this ILogger logger, PersistenceId id, string reason);

    [LoggerMessage(7, LogLevel.Warning, "The snapshot of {Id} could not be stored")]
    public static partial void SnapshotNotSaved(this ILogger logger, PersistenceId id, Exception cause);

    [LoggerMessage(8, LogLevel.Warning, "The outcome of an append to {Id} is unknown: {Cause}")]
    public static partial void AppendUnknown(this ILogger logger, PersistenceId id, string cause);

    [LoggerMessage(9, LogLevel.Error, "Effect {Effect} of {Id} failed and is tried again in {Delay}")]
    public static partial void EffectFailed(
        this ILogger logger, PersistenceId id, EffectId effect, TimeSpan delay, Exception cause);

    [LoggerMessage(10, LogLevel.Warning, "{Id} cannot be asked whether it still owes effect {Effect}: {Reason}")]
    public static partial void EffectOwnerUnavailable(
        this ILogger logger, PersistenceId id, EffectId effect, string reason);

    [LoggerMessage(11, LogLevel.Error, "The append of {Id} ended in an exception")]
    public static partial void AppendThrew(this ILogger logger, PersistenceId id, Exception cause);

    [LoggerMessage(12, LogLevel.Warning, "The lease of region {Type} could not be given back")]
    public static partial void LeaseNotReleased(this ILogger logger, string type, Exception cause);

    [LoggerMessage(13, LogLevel.Warning, "The quarantine of {Id} is lifted ({Cause}); it is loaded again")]
    public static partial void QuarantineLifted(this ILogger logger, PersistenceId id, string cause);
}
