using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

public abstract partial record ProtectedVmEvent
{
    /// <summary>A test failover began.</summary>
    public sealed record TestFailoverStarted(DateTimeOffset At, string By, ChosenPoint Point) : ProtectedVmEvent(At);

    /// <summary>The test copy takes writes.</summary>
    public sealed record TestFailoverReady(DateTimeOffset At, RecoveryPointId Point, int Exports)
        : ProtectedVmEvent(At);

    /// <summary>The copy is being removed: a user asked, or the test failed with an error.</summary>
    public sealed record TestFailoverCleanUpStarted(DateTimeOffset At, string By, string Notes, EffectError? Error)
        : ProtectedVmEvent(At);

    /// <summary>Nothing of the test failover is left.</summary>
    public sealed record TestFailoverCleanedUp(DateTimeOffset At) : ProtectedVmEvent(At);

    /// <summary>A failover began under a new term.</summary>
    public sealed record FailoverStarted(
        DateTimeOffset At, string By, FailoverKind Kind, ChosenPoint Point, bool TryShutdown, Term Term)
        : ProtectedVmEvent(At)
    {
        /// <summary>Planned: clients that write to the source's disks do not keep it from going on; the user asked for
        /// that.</summary>
        public bool Forced { get; init; }
    }

    /// <summary>
    /// The side that ran the machine takes no more writes and has shipped all; or, unplanned and with an error, was
    /// not reached.
    /// </summary>
    public sealed record WritesQuiesced(DateTimeOffset At, Lsn LastLsn, EffectError? Error) : ProtectedVmEvent(At);

    /// <summary>The target takes writes: commit pending.</summary>
    public sealed record FailoverReady(DateTimeOffset At, Recovery Recovery) : ProtectedVmEvent(At);

    /// <summary>A failover or failback was given up because of an error and is being undone under a new term.</summary>
    public sealed record FailoverFailed(DateTimeOffset At, EffectError Error, Term Term) : ProtectedVmEvent(At);

    /// <summary>Another point is being recovered to.</summary>
    public sealed record RecoveryPointChangeStarted(DateTimeOffset At, string By, RecoveryPointId Point)
        : ProtectedVmEvent(At);

    /// <summary>The target stands on the other point.</summary>
    public sealed record RecoveryPointChanged(DateTimeOffset At, Recovery Recovery) : ProtectedVmEvent(At);

    /// <summary>The point could not be changed; the target stands where it stood.</summary>
    public sealed record RecoveryPointChangeFailed(DateTimeOffset At, EffectError Error) : ProtectedVmEvent(At);

    /// <summary>A commit of a failover or failback began.</summary>
    public sealed record CommitStarted(DateTimeOffset At, string By) : ProtectedVmEvent(At);

    /// <summary>The failover is final; other points are gone (FOV-4).</summary>
    public sealed record FailoverCommitted(DateTimeOffset At) : ProtectedVmEvent(At);

    /// <summary>A failover or failback is being undone under a new term.</summary>
    public sealed record CancelStarted(DateTimeOffset At, string By, long DiscardedBytes, Term Term)
        : ProtectedVmEvent(At);

    /// <summary>The failover or failback is undone.</summary>
    public sealed record FailoverCancelled(DateTimeOffset At) : ProtectedVmEvent(At);

    /// <summary>Replication in the other direction was ordered.</summary>
    public sealed record ReprotectStarted(DateTimeOffset At, string By, Direction Direction) : ProtectedVmEvent(At)
    {
        /// <summary>Bytes that the old source wrote alone and that are overwritten, as the user agreed (I16).</summary>
        public long DiscardedBytes { get; init; }

        /// <summary>
        /// The user agreed to lose whatever the old source alone holds, and nobody knows how much it is: it had not
        /// been heard of, or points newer than the chosen one had been given up.
        /// </summary>
        public bool DiscardedUnknown { get; init; }
    }

    /// <summary>Both sides are equal again and replication goes on.</summary>
    public sealed record ReprotectCompleted(DateTimeOffset At, Direction Direction, long SentBytes)
        : ProtectedVmEvent(At);

    /// <summary>A failback began under a new term.</summary>
    public sealed record FailbackStarted(DateTimeOffset At, string By, Term Term) : ProtectedVmEvent(At);

    /// <summary>The source takes writes: the failback waits for its commit.</summary>
    public sealed record FailbackReady(DateTimeOffset At) : ProtectedVmEvent(At);

    /// <summary>The failback is final.</summary>
    public sealed record FailbackCommitted(DateTimeOffset At) : ProtectedVmEvent(At);

    /// <summary>The old source came back and is fenced; what it wrote alone is kept aside (I16).</summary>
    public sealed record SourceFenced(DateTimeOffset At, long DivergentBytes) : ProtectedVmEvent(At);
}
