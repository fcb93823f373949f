using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>The settings fixed by enabling.</summary>
/// <param name="Vm">The VM's name, which is part of its effects' ids.</param>
/// <param name="Disks">The disks. Their order defines the disk numbers.</param>
/// <param name="ScenarioId">The protection scenario.</param>
/// <param name="Policy">The current policy.</param>
/// <param name="Agent">The agent on the source's machine.</param>
public sealed record Enrollment(
    ProtectedVmId Vm, ValueList<ProtectedDisk> Disks, string ScenarioId, ReplicationPolicy Policy, string Agent)
{
    /// <summary>The enrollment of a VM that was never enabled.</summary>
    public static Enrollment None { get; } =
        new(new ProtectedVmId(""), [], Scenarios.ScenarioCatalog.DefaultId, ReplicationPolicy.Default, "");
}

/// <summary>The complete state of a protected VM: a value, changed only by <see cref="ProtectedVm.Evolve"/>.</summary>
public sealed record ProtectedVmState
{
    /// <summary>The settings fixed by enabling.</summary>
    public Enrollment Enrollment { get; init; } = Enrollment.None;

    /// <summary>The number of events applied, which is the number of the last event.</summary>
    public long EventCount { get; init; }

    /// <summary>The current lifecycle phase.</summary>
    public Phase Phase { get; init; } = new Phase.NotProtected();

    /// <summary>The number of the event that began the current phase or step.</summary>
    public long PhaseSince { get; init; }

    /// <summary>The newest term given to a writable primary.</summary>
    public Term Term { get; init; } = Term.First;

    /// <summary>
    /// When the VM got its replica: the decision time of the enabling, or of the recovery from the replica itself
    /// (UTC). The time identifies the replica: a directory with another time belongs to another history and is never
    /// used. The minimum value when the VM has no replica.
    /// </summary>
    public DateTimeOffset ReplicaSince { get; init; }

    /// <summary>Whether the settings that follow initial replication are applied (ENA-14).</summary>
    public bool Finalized { get; init; }

    /// <summary>The state of replication, independent of the phase.</summary>
    public ReplicationState Replication { get; init; } = ReplicationState.Idle;

    /// <summary>The test failover, independent of the phase.</summary>
    public TestFailover TestFailover { get; init; } = new TestFailover.None();

    /// <summary>The recovery points, oldest first.</summary>
    public ValueList<KeptPoint> Points { get; init; }

    /// <summary>The schedule of recovery points.</summary>
    public PointSchedule PointSchedule { get; init; } = PointSchedule.Idle;

    /// <summary>Points that retention expired and the store must still delete.</summary>
    public PruneOrder? Prune { get; init; }

    /// <summary>
    /// The number of the event since which the source must be notified that it lost its term; null when no notification
    /// is outstanding.
    /// </summary>
    public long? FenceSince { get; init; }

    /// <summary>
    /// Since when the machine's writes reach no other side (UTC); null while they do, and for a machine that is not
    /// meant to be protected. See <see cref="Protection"/>.
    /// </summary>
    public DateTimeOffset? UnprotectedSince { get; init; }

    /// <summary>
    /// Bytes that the old source wrote after the failover and the recovered machine does not have, as last reported.
    /// Null when the old source has not reported since the failover, and when there was no failover.
    /// </summary>
    public long? DivergentBytes { get; init; }

    /// <summary>Effects that failed and wait for a retry or are being retried.</summary>
    public ValueList<Retry> Retries { get; init; }

    /// <summary>The recorded health causes. <see cref="ProtectedVmHealth"/> derives all causes.</summary>
    public ValueList<HealthCause> Causes { get; init; }

    /// <summary>The most recently accepted requests of users, oldest first.</summary>
    public ValueList<AcceptedCommand> Accepted { get; init; }

    /// <summary>Running and most recent jobs, oldest first.</summary>
    public ValueList<Job> Jobs { get; init; }
}

/// <summary>A user's request that was accepted.</summary>
/// <param name="Id">The id of the request.</param>
/// <param name="Digest">The digest that distinguishes it from any other request; see
/// <see cref="DecisionContext.Digest"/>.</param>
/// <param name="Event">The number of the event that records the acceptance. The resulting events follow it.</param>
public sealed record AcceptedCommand(CommandId Id, string Digest, long Event);

/// <summary>A failed effect.</summary>
/// <param name="Kind">The kind of the effect.</param>
/// <param name="Failures">The number of failures in a row.</param>
/// <param name="DueAt">When the effect is retried (UTC); null while it is being retried or waits for an
/// operator.</param>
/// <param name="Waiting">Whether the effect waits. False while it is being retried.</param>
/// <param name="Error">The last error.</param>
/// <param name="Since">When the effect first failed (UTC).</param>
public sealed record Retry(
    EffectKind Kind, int Failures, DateTimeOffset? DueAt, bool Waiting, EffectError Error, DateTimeOffset Since);

/// <summary>Points that the store must delete.</summary>
/// <param name="Points">The ids of the points.</param>
/// <param name="Since">The number of the event that last added points.</param>
public sealed record PruneOrder(ValueList<RecoveryPointId> Points, long Since);

/// <summary>The schedule of recovery points.</summary>
/// <param name="NextAt">When the next point is due (UTC); null while no points are made.</param>
/// <param name="LastAt">When the last point was sealed or the VM became protected (UTC).</param>
/// <param name="LastApplicationAt">When the last application-consistent point was sealed (UTC).</param>
/// <param name="Pending">The requested point that has no result yet.</param>
public sealed record PointSchedule(
    DateTimeOffset? NextAt, DateTimeOffset? LastAt, DateTimeOffset? LastApplicationAt, PendingPoint? Pending)
{
    /// <summary>When the last point was sealed, by the host's steady clock (I25); null when unknown.</summary>
    public SteadyInstant? LastSteady { get; init; }

    /// <summary>The schedule of a VM without points.</summary>
    public static PointSchedule Idle { get; } = new(null, null, null, null);

    /// <summary>The schedule with no further points. Existing points keep aging by the same clock.</summary>
    public PointSchedule Stopped => Idle with { LastSteady = LastSteady };
}

/// <summary>A recovery point that was requested.</summary>
/// <param name="Id">The id under which the point will be sealed.</param>
/// <param name="Kind">The requested consistency.</param>
public sealed record PendingPoint(RecoveryPointId Id, PointKind Kind);

/// <summary>A test failover: a copy of the machine next to the running one.</summary>
public abstract record TestFailover
{
    private TestFailover()
    {
    }

    /// <summary>No test failover exists.</summary>
    public sealed record None : TestFailover;

    /// <summary>The test copy is being created.</summary>
    public sealed record Starting(ChosenPoint Point, long Since) : TestFailover;

    /// <summary>The test copy accepts writes.</summary>
    public sealed record Active(RecoveryPointId Point, int Exports, DateTimeOffset ReadyAt) : TestFailover;

    /// <summary>The test copy is being removed.</summary>
    public sealed record CleaningUp(long Since) : TestFailover;
}
