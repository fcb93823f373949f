using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms.Phases;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>
/// What can be asked of a protected VM: a closed hierarchy, in the order of a VM's life. Imperatives come from users,
/// <c>Record…</c> are facts from outside: from the runner of effects and from the data plane. A command's base names
/// the phase of that life whose rules decide it.
/// </summary>
public abstract record ProtectedVmCommand
{
    private protected ProtectedVmCommand()
    {
    }

    /// <summary>Begins protection (ENA-1). A disk of size 0 takes the size the agent finds.</summary>
    public sealed record Enable(
        ProtectedVmId Vm, ValueList<ProtectedDisk> Disks, string ScenarioId, ReplicationPolicy Policy, string Agent)
        : ProtectedVmCommand;

    /// <summary>
    /// Begins a VM's history again from its replica, because the journal that held the history is lost.
    /// </summary>
    /// <param name="Enrollment">What enabling had fixed.</param>
    /// <param name="Term">A term above every one that was ever given to a primary of this VM.</param>
    /// <param name="As">What the VM is from now on.</param>
    /// <param name="Point">The point that the recovered machine stands on; null when it stands on none.</param>
    /// <param name="Points">The recovery points that the replica holds.</param>
    public sealed record Recover(
        Enrollment Enrollment, Term Term, RecoveredAs As, RecoveryPointId? Point, ValueList<RecoveryPoint> Points)
        : ProtectedVmCommand;

    /// <summary>Replaces the policy (POL-5).</summary>
    public sealed record UpdatePolicy(ReplicationPolicy Policy) : ReplicatingCommand;

    /// <summary>Pauses replication (REP-10).</summary>
    public sealed record Pause : ReplicatingCommand;

    /// <summary>Resumes paused replication.</summary>
    public sealed record Resume : ReplicatingCommand;

    /// <summary>
    /// The receiving side equals the sending side: initial replication or a reprotect has reached its end. Tell it
    /// again after a restart; it is "already so" in any other phase.
    /// </summary>
    /// <param name="Direction">The direction of replication that is in sync.</param>
    /// <param name="SentBytes">Bytes sent to get there.</param>
    public sealed record RecordInSync(Direction Direction, long SentBytes) : ReplicatingCommand;

    /// <summary>Replication stopped with an error.</summary>
    public sealed record RecordReplicationError(EffectError Error) : ReplicatingCommand;

    /// <summary>Replication works again.</summary>
    public sealed record RecordReplicationRecovered : ReplicatingCommand;

    /// <summary>A disk has another size (RES-3).</summary>
    public sealed record RecordDiskResized(string Path, long SizeBytes) : ReplicatingCommand;

    /// <summary>Starts a resync now, marked or not (RES-6, RES-7).</summary>
    public sealed record StartResync : ResynchronizingCommand;

    /// <summary>The replica may differ by more than the data plane repairs by itself (RES-1 to RES-4).</summary>
    public sealed record RecordResyncNeeded(ResyncReason Reason) : ResynchronizingCommand;

    /// <summary>A resync runs: one that was ordered, or a small one the data plane began by itself.</summary>
    public sealed record RecordResyncStarted(ResyncReason Reason) : ResynchronizingCommand;

    /// <summary>The resync is done and delta replication goes on (RES-8).</summary>
    public sealed record RecordResyncCompleted(long SentBytes) : ResynchronizingCommand;

    /// <summary>The resync stopped with an error.</summary>
    public sealed record RecordResyncFailed(EffectError Error) : ResynchronizingCommand;

    /// <summary>Makes a recovery point now.</summary>
    /// <param name="Kind">Which kind.</param>
    /// <param name="AgentHasHooks">
    /// Whether the agent says that it has hooks for application-consistent points; null when that is not known.
    /// </param>
    public sealed record MakeRecoveryPoint(PointKind Kind, bool? AgentHasHooks = null) : PointCommand;

    /// <summary>The store sealed a point; told as often as one likes.</summary>
    public sealed record RecordRecoveryPointSealed(RecoveryPoint Point) : PointCommand;

    /// <summary>A requested point was not made, and why.</summary>
    public sealed record RecordRecoveryPointSkipped(RecoveryPointId Point, string Reason) : PointCommand;

    /// <summary>A point's content failed its checksums (RCP-6).</summary>
    public sealed record RecordRecoveryPointUnusable(RecoveryPointId Point, string Reason) : PointCommand;

    /// <summary>The store knows more of these points' content; a point that stands at the grade or above is left as it
    /// is.</summary>
    public sealed record RecordRecoveryPointsGraded(PointGrade Grade, ValueList<RecoveryPointId> Points)
        : PointCommand;

    /// <summary>Recovers a copy next to the running machine (FOV-1).</summary>
    public sealed record StartTestFailover(PointChoice Choice) : TestingCommand;

    /// <summary>Removes that copy; the notes are kept in the log.</summary>
    public sealed record CleanUpTestFailover(string Notes) : TestingCommand;

    /// <summary>Fails over without loss: the source stops first (FOV-2). Who has its disks open comes with the command,
    /// since only the agent knows it.</summary>
    public sealed record StartPlannedFailover : FailingOverCommand
    {
        /// <summary>The clients that may be writing to the source's disks and whom nobody stops first, for
        /// people.</summary>
        public ValueList<string> Writers { get; init; } = [];

        /// <summary>The user agrees that their writes fail from then on.</summary>
        public bool Force { get; init; }
    }

    /// <summary>Fails over to a point, the source gone or not (FOV-3).</summary>
    public sealed record StartUnplannedFailover(PointChoice Choice, bool TryShutdown) : FailingOverCommand;

    /// <summary>Recovers to another point before the commit; what the target wrote since is dropped (FOV-4).</summary>
    public sealed record ChangeRecoveryPoint(PointChoice Choice) : FailingOverCommand;

    /// <summary>The old source came back after a failover and takes no more writes (FOV-8).</summary>
    /// <param name="DivergentBytes">What it wrote that the target never received; kept aside, not dropped.</param>
    public sealed record RecordSourceFenced(long DivergentBytes) : FailingOverCommand;

    /// <summary>Commits a failover or failback.</summary>
    public sealed record Commit : SettlingCommand;

    /// <summary>
    /// Undoes a failover or failback (FOV-10). The facts about the target's writes come with the command, since only
    /// the store knows them.
    /// </summary>
    /// <param name="TargetWrittenBytes">
    /// Bytes written at the target since the failover, as its store counts them.
    /// </param>
    /// <param name="Discard">The user agrees to lose them.</param>
    public sealed record CancelFailover(long TargetWrittenBytes, bool Discard) : SettlingCommand;

    /// <summary>Begins replication from the side that runs the machine to the other (FOV-6).</summary>
    /// <param name="Discard">The user agrees to lose what the other side wrote alone (I16).</param>
    public sealed record Reprotect(bool Discard = false) : ReturningCommand;

    /// <summary>Fails over to the primary site, planned (FOV-7).</summary>
    public sealed record Failback : ReturningCommand;

    /// <summary>Ends protection (ENA-15); the replica is kept when asked.</summary>
    public sealed record Disable(bool KeepReplica) : ProtectedVmCommand;

    /// <summary>The data loss at risk now; needed only when it crosses the policy's threshold.</summary>
    public sealed record RecordLag(TimeSpan Lag, long Bytes) : MonitoringCommand;

    /// <summary>The replication log or the cache is full: changes are only marked.</summary>
    public sealed record RecordDirtyMapModeEntered(string Reason) : MonitoringCommand;

    /// <summary>There is room again.</summary>
    public sealed record RecordDirtyMapModeLeft : MonitoringCommand;

    /// <summary>The agent's connection is up.</summary>
    public sealed record RecordAgentConnected : MonitoringCommand;

    /// <summary>The agent's connection is lost.</summary>
    public sealed record RecordAgentDisconnected(string Reason) : MonitoringCommand;

    /// <summary>
    /// Something is wrong that <see cref="Observations.ObservedHealth"/> found; the time at which it is decided is
    /// since when.
    /// </summary>
    public sealed record RecordHealthCause(HealthCause Cause) : MonitoringCommand;

    /// <summary>What <see cref="Observations.ObservedHealth"/> found is right again.</summary>
    public sealed record RecordHealthRestored(HealthKind Kind) : MonitoringCommand;

    /// <summary>The target's store found itself damaged.</summary>
    public sealed record RecordTargetStoreCorrupt(string Message, string Remedy) : MonitoringCommand;

    /// <summary>The target's store is sound again.</summary>
    public sealed record RecordTargetStoreRepaired : MonitoringCommand;

    /// <summary>A durable timer is due.</summary>
    public sealed record TimerDue(string Name, DateTimeOffset DueAt) : EffectCommand;

    /// <summary>Tries again now what waits for its retry or for a person (RES-7).</summary>
    public sealed record RetryJob : EffectCommand;

    /// <summary>An effect is done. An effect no longer outstanding is accepted as "already so".</summary>
    public sealed record RecordEffectSucceeded(EffectId Effect, EffectResult Result) : EffectCommand;

    /// <summary>An effect failed. An effect no longer outstanding is accepted as "already so".</summary>
    public sealed record RecordEffectFailed(EffectId Effect, EffectError Error) : EffectCommand;
}
