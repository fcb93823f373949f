using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.ProtectedVms;

public abstract partial record ProtectedVmEvent
{
    /// <summary>A user paused replication.</summary>
    public sealed record ReplicationPaused(DateTimeOffset At, string By) : ProtectedVmEvent(At);

    /// <summary>A user resumed replication.</summary>
    public sealed record ReplicationResumed(DateTimeOffset At, string By) : ProtectedVmEvent(At);

    /// <summary>A resync is needed; it starts by itself at <paramref name="StartsAt"/>, null while paused.</summary>
    public sealed record ResyncMarked(DateTimeOffset At, ValueList<ResyncReason> Reasons, DateTimeOffset? StartsAt)
        : ProtectedVmEvent(At);

    /// <summary>
    /// A resync was ordered, or (<paramref name="Ordered"/> false) the data plane began it by itself.
    /// </summary>
    public sealed record ResyncStarted(DateTimeOffset At, string By, ValueList<ResyncReason> Reasons, bool Ordered)
        : ProtectedVmEvent(At);

    /// <summary>The replica equals the source again.</summary>
    public sealed record ResyncCompleted(DateTimeOffset At, long SentBytes) : ProtectedVmEvent(At);

    /// <summary>
    /// Replication stopped with an error; it is tried again at <paramref name="RetryAt"/>, null: a person is needed.
    /// </summary>
    public sealed record ReplicationFaulted(DateTimeOffset At, EffectError Error, int Failures, DateTimeOffset? RetryAt)
        : ProtectedVmEvent(At);

    /// <summary>Replication is tried again after an error.</summary>
    public sealed record ReplicationRetried(DateTimeOffset At, string By) : ProtectedVmEvent(At);

    /// <summary>Replication works again.</summary>
    public sealed record ReplicationRecovered(DateTimeOffset At) : ProtectedVmEvent(At);

    /// <summary>A disk has another size.</summary>
    public sealed record DiskResized(DateTimeOffset At, ProtectedDisk Disk) : ProtectedVmEvent(At);

    /// <summary>Something is wrong that was not before, or is wrong in another way.</summary>
    public sealed record HealthCauseRaised(DateTimeOffset At, HealthCause Cause) : ProtectedVmEvent(At);

    /// <summary>Something is right again.</summary>
    public sealed record HealthCauseCleared(DateTimeOffset At, HealthKind Kind) : ProtectedVmEvent(At);
}
