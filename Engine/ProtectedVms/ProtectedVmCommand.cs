using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>
/// What can be asked of a protected VM. Imperatives come from users, <c>Record…</c> are facts from outside: from the
/// runner of effects and from the data plane.
/// </summary>
public abstract partial record ProtectedVmCommand
{
    private ProtectedVmCommand()
    {
    }

    /// <summary>Begins protection (ENA-1). A disk of size 0 takes the size the agent finds.</summary>
    public sealed record Enable(
        ProtectedVmId Vm, ValueList<ProtectedDisk> Disks, string ScenarioId, ReplicationPolicy Policy, string Agent)
        : ProtectedVmCommand;

    /// <summary>
    /// Begins a VM's history anew from its replica, because the journal that held the history is lost.
    /// </summary>
    /// <param name="Enrollment">What enabling had fixed.</param>
    /// <param name="Term">A term above every one that was ever given to a primary of this VM.</param>
    /// <param name="As">What the VM is from now on.</param>
    /// <param name="Point">The point that the recovered machine stands on; null when it stands on none.</param>
    /// <param name="Points">The recovery points that the replica holds.</param>
    public sealed record Recover(
        Enrollment Enrollment, Term Term, RecoveredAs As, RecoveryPointId? Point, ValueList<RecoveryPoint> Points)
        : ProtectedVmCommand;

    /// <summary>Ends protection (ENA-15); the replica is kept when asked.</summary>
    public sealed record Disable(bool KeepReplica) : ProtectedVmCommand;

    /// <summary>Replaces the policy (POL-5).</summary>
    public sealed record UpdatePolicy(ReplicationPolicy Policy) : ProtectedVmCommand;

    /// <summary>Pauses replication (REP-10).</summary>
    public sealed record Pause : ProtectedVmCommand;

    /// <summary>Resumes paused replication.</summary>
    public sealed record Resume : ProtectedVmCommand;

    /// <summary>Starts a resync now, marked or not (RES-6, RES-7).</summary>
    public sealed record StartResync : ProtectedVmCommand;

    /// <summary>Makes a recovery point now.</summary>
    /// <param name="Kind">Which kind.</param>
    /// <param name="AgentHasHooks">
    /// Whether the agent says that it has hooks for application-consistent points; null when that is not known.
    /// </param>
    public sealed record MakeRecoveryPoint(PointKind Kind, bool? AgentHasHooks = null) : ProtectedVmCommand;

    /// <summary>Recovers a copy beside the running machine (FOV-1).</summary>
    public sealed record StartTestFailover(PointChoice Choice) : ProtectedVmCommand;

    /// <summary>Removes that copy; the notes are kept in the log.</summary>
    public sealed record CleanUpTestFailover(string Notes) : ProtectedVmCommand;

    /// <summary>Fails over without loss: the source stops first (FOV-2). Who has its disks open comes with the command,
    /// since only the agent knows it.</summary>
    public sealed record StartPlannedFailover : ProtectedVmCommand
    {
        /// <summary>The clients that may be writing to the source's disks and whom nobody stops first, for
        /// people.</summary>
        public ValueList<string> Writers { get; init; } = [];

        /// <summary>The user agrees that their writes fail from then on.</summary>
        public bool Force { get; init; }
    }

    /// <summary>Fails over to a point, the source gone or not (FOV-3).</summary>
    public sealed record StartUnplannedFailover(PointChoice Choice, bool TryShutdown) : ProtectedVmCommand;

    /// <summary>Recovers to another point before the commit; what the target wrote since is dropped (FOV-4).</summary>
    public sealed record ChangeRecoveryPoint(PointChoice Choice) : ProtectedVmCommand;

    /// <summary>Commits a failover or failback.</summary>
    public sealed record Commit : ProtectedVmCommand;

    /// <summary>
    /// Undoes a failover or failback (FOV-10). The facts about the target's writes come with the command, since only
    /// the store knows them.
    /// </summary>
    /// <param name="TargetWrittenBytes">
    /// Bytes written at the target since the failover, as its store counts them.
    /// </param>
    /// <param name="Discard">The user agrees to lose them.</param>
    public sealed record CancelFailover(long TargetWrittenBytes, bool Discard) : ProtectedVmCommand;

    /// <summary>Begins replication from the side that runs the machine to the other (FOV-6).</summary>
    /// <param name="Discard">The user agrees to lose what the other side wrote alone (I16).</param>
    public sealed record Reprotect(bool Discard = false) : ProtectedVmCommand;

    /// <summary>Fails over to the primary site, planned (FOV-7).</summary>
    public sealed record Failback : ProtectedVmCommand;

    /// <summary>Tries again now what waits for its retry or for a person (RES-7).</summary>
    public sealed record RetryJob : ProtectedVmCommand;

    /// <summary>A durable timer is due.</summary>
    public sealed record TimerDue(string Name, DateTimeOffset DueAt) : ProtectedVmCommand;
}
