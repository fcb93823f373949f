using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>What enabling fixed.</summary>
/// <param name="Vm">The VM's name; part of its effects' ids.</param>
/// <param name="Disks">Its disks, in the order that disk numbers follow.</param>
/// <param name="ScenarioId">The protection scenario.</param>
/// <param name="Policy">The policy as it was when last given or changed.</param>
/// <param name="Agent">The agent on the source's machine.</param>
public sealed record Enrollment(
    ProtectedVmId Vm, ValueList<ProtectedDisk> Disks, string ScenarioId, ReplicationPolicy Policy, string Agent)
{
    /// <summary>Of a VM that was never enabled.</summary>
    public static Enrollment None { get; } =
        new(new ProtectedVmId(""), [], Scenarios.ScenarioCatalog.DefaultId, ReplicationPolicy.Default, "");
}

/// <summary>The whole state of a protected VM: a value, changed only by <see cref="ProtectedVm.Evolve"/>.</summary>
public sealed record ProtectedVmState
{
    /// <summary>What enabling fixed.</summary>
    public Enrollment Enrollment { get; init; } = Enrollment.None;

    /// <summary>How many events made this state: the number of the last one.</summary>
    public long EventCount { get; init; }

    /// <summary>Where in its lifecycle the VM is.</summary>
    public Phase Phase { get; init; } = new Phase.NotProtected();

    /// <summary>The number of the event that began the current phase or step.</summary>
    public long PhaseSince { get; init; }

    /// <summary>The newest term given to a writable primary.</summary>
    public Term Term { get; init; } = Term.First;

    /// <summary>
    /// When the event was decided that gave the VM its replica (enabling, or recovery from the replica itself; UTC). It
    /// names the replica: a directory that bears another time belongs to another history and is never used. The
    /// smallest value there is when the VM has no replica.
    /// </summary>
    public DateTimeOffset ReplicaSince { get; init; }

    /// <summary>The settings that follow initial replication were applied (ENA-14).</summary>
    public bool Finalized { get; init; }

    /// <summary>How replication stands; apart from the phase.</summary>
    public ReplicationState Replication { get; init; } = ReplicationState.Idle;

    /// <summary>The test failover, if any; apart from the phase.</summary>
    public TestFailover TestFailover { get; init; } = new TestFailover.None();

    /// <summary>The recovery points, oldest first.</summary>
    public ValueList<KeptPoint> Points { get; init; }

    /// <summary>When points are made.</summary>
    public PointSchedule PointSchedule { get; init; } = PointSchedule.Idle;

    /// <summary>Points that retention let go and the store still has to drop.</summary>
    public PruneOrder? Prune { get; init; }

    /// <summary>
    /// The number of the event since which the source must be told that it lost its term; null when it was.
    /// </summary>
    public long? FenceSince { get; init; }

    /// <summary>
    /// Since when what the machine writes reaches no other side (UTC); null while it does, and for a machine that is
    /// not to be protected. See <see cref="Protection"/>.
    /// </summary>
    public DateTimeOffset? UnprotectedSince { get; init; }

    /// <summary>
    /// Bytes that the old source wrote after the failover and the recovered machine does not know, as it said last;
    /// null while it was not heard of since the failover, and when there was none.
    /// </summary>
    public long? DivergentBytes { get; init; }

    /// <summary>Effects that failed and wait, or are being tried again.</summary>
    public ValueList<Retry> Retries { get; init; }

    /// <summary>What was found wrong; see <see cref="ProtectedVmHealth"/> for all causes.</summary>
    public ValueList<HealthCause> Causes { get; init; }

    /// <summary>The users' requests that were accepted last, oldest first.</summary>
    public ValueList<AcceptedCommand> Accepted { get; init; }

    /// <summary>Running and last jobs, oldest first.</summary>
    public ValueList<Job> Jobs { get; init; }
}

/// <summary>A user's request that was accepted.</summary>
/// <param name="Id">The id under which it came.</param>
/// <param name="Digest">What tells it from any other request; see <see cref="DecisionContext.Digest"/>.</param>
/// <param name="Event">The number of the event that says so; those of what it led to follow.</param>
public sealed record AcceptedCommand(CommandId Id, string Digest, long Event);

/// <summary>A failed effect.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Failures">How often it failed in a row.</param>
/// <param name="DueAt">When it is tried again (UTC); null when it waits for a person or is being tried.</param>
/// <param name="Waiting">False while it is being tried again.</param>
/// <param name="Error">The last error.</param>
/// <param name="Since">When it failed first (UTC).</param>
public sealed record Retry(
    EffectKind Kind, int Failures, DateTimeOffset? DueAt, bool Waiting, EffectError Error, DateTimeOffset Since);

/// <summary>Points to be dropped by the store.</summary>
/// <param name="Points">Which.</param>
/// <param name="Since">The number of the event that last added some.</param>
public sealed record PruneOrder(ValueList<RecoveryPointId> Points, long Since);

/// <summary>When points are made.</summary>
/// <param name="NextAt">When the next is due (UTC); null while none is made.</param>
/// <param name="LastAt">When the last was sealed or the VM became protected (UTC).</param>
/// <param name="LastApplicationAt">When the last application-consistent one was sealed (UTC).</param>
/// <param name="Pending">The one asked for and not answered.</param>
public sealed record PointSchedule(
    DateTimeOffset? NextAt, DateTimeOffset? LastAt, DateTimeOffset? LastApplicationAt, PendingPoint? Pending)
{
    /// <summary>When the last was sealed by the host's steady clock (I25); null when that is not known.</summary>
    public SteadyInstant? LastSteady { get; init; }

    /// <summary>No point is made.</summary>
    public static PointSchedule Idle { get; } = new(null, null, null, null);

    /// <summary>No point is made from now on; the ages of those there are go on by the same clock.</summary>
    public PointSchedule Stopped => Idle with { LastSteady = LastSteady };
}

/// <summary>A point asked for.</summary>
/// <param name="Id">The id under which it will be sealed.</param>
/// <param name="Kind">What was asked for.</param>
public sealed record PendingPoint(RecoveryPointId Id, PointKind Kind);

/// <summary>A copy of the machine next to the running one.</summary>
public abstract record TestFailover
{
    private TestFailover()
    {
    }

    /// <summary>There is none.</summary>
    public sealed record None : TestFailover;

    /// <summary>It is being made.</summary>
    public sealed record Starting(ChosenPoint Point, long Since) : TestFailover;

    /// <summary>It takes writes.</summary>
    public sealed record Active(RecoveryPointId Point, int Exports, DateTimeOffset ReadyAt) : TestFailover;

    /// <summary>It is being removed.</summary>
    public sealed record CleaningUp(long Since) : TestFailover;
}
