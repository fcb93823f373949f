using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms.Phases;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>
/// A command to a protected VM: a closed hierarchy, in the order of a VM's life. Imperatives come from users.
/// <c>Record…</c> commands are facts from outside: from the effect runner and from the data plane. A command's base
/// names the phase whose rules decide it.
/// </summary>
public abstract record ProtectedVmCommand
{
    private protected ProtectedVmCommand()
    {
    }

    /// <summary>Starts protection (ENA-1). A disk of size 0 takes the size that the agent finds.</summary>
    public sealed record Enable(
        ProtectedVmId Vm, ValueList<ProtectedDisk> Disks, string ScenarioId, ReplicationPolicy Policy, string Agent)
        : ProtectedVmCommand;

    /// <summary>
    /// Begins a VM's history again from its replica, because the journal with the old history is lost.
    /// </summary>
    /// <param name="Enrollment">The settings fixed by enabling.</param>
    /// <param name="Term">A term above every term ever given to a primary of this VM.</param>
    /// <param name="As">The state in which the VM continues.</param>
    /// <param name="Point">The point on which the recovered machine is based; null when there is none.</param>
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
    /// The receiving side equals the sending side: initial replication or a reprotect is complete. Deliver it again
    /// after a restart; in any other phase it changes nothing.
    /// </summary>
    /// <param name="Direction">The direction of replication that is in sync.</param>
    /// <param name="SentBytes">The number of bytes sent to get in sync.</param>
    public sealed record RecordInSync(Direction Direction, long SentBytes) : ReplicatingCommand;

    /// <summary>Replication stopped with an error.</summary>
    public sealed record RecordReplicationError(EffectError Error) : ReplicatingCommand;

    /// <summary>Replication works again.</summary>
    public sealed record RecordReplicationRecovered : ReplicatingCommand;

    /// <summary>The size of a disk changed (RES-3).</summary>
    public sealed record RecordDiskResized(string Path, long SizeBytes) : ReplicatingCommand;

    /// <summary>Starts a resync now, whether or not one is required (RES-6, RES-7).</summary>
    public sealed record StartResync : ResynchronizingCommand;

    /// <summary>The replica may differ by more than the data plane repairs automatically (RES-1 to RES-4).</summary>
    public sealed record RecordResyncNeeded(ResyncReason Reason) : ResynchronizingCommand;

    /// <summary>A resync is running: an ordered one, or a small one that the data plane began itself.</summary>
    public sealed record RecordResyncStarted(ResyncReason Reason) : ResynchronizingCommand;

    /// <summary>The resync is done and delta replication continues (RES-8).</summary>
    public sealed record RecordResyncCompleted(long SentBytes) : ResynchronizingCommand;

    /// <summary>The resync stopped with an error.</summary>
    public sealed record RecordResyncFailed(EffectError Error) : ResynchronizingCommand;

    /// <summary>Makes a recovery point now.</summary>
    /// <param name="Kind">How consistent the point is to be.</param>
    /// <param name="AgentHasHooks">Whether the agent has hooks for application-consistent points; null when
    /// unknown.</param>
    public sealed record MakeRecoveryPoint(PointKind Kind, bool? AgentHasHooks = null) : PointCommand;

    /// <summary>
    /// Holds a recovery point, which is never deleted until it is released. An unusable point can be held too, as
    /// evidence.
    /// </summary>
    public sealed record HoldRecoveryPoint(RecoveryPointId Point) : PointCommand;

    /// <summary>
    /// Releases a held recovery point: retention applies to it again, from the next point that is sealed.
    /// </summary>
    public sealed record ReleaseRecoveryPoint(RecoveryPointId Point) : PointCommand;

    /// <summary>The store sealed a point. May be delivered any number of times.</summary>
    public sealed record RecordRecoveryPointSealed(RecoveryPoint Point) : PointCommand;

    /// <summary>A requested point was not made, for the given reason.</summary>
    public sealed record RecordRecoveryPointSkipped(RecoveryPointId Point, string Reason) : PointCommand;

    /// <summary>A point's content failed its checksums (RCP-6).</summary>
    public sealed record RecordRecoveryPointUnusable(RecoveryPointId Point, string Reason) : PointCommand;

    /// <summary>
    /// The content of these points was verified further. A point that already has this grade or a higher one is
    /// unchanged.
    /// </summary>
    public sealed record RecordRecoveryPointsGraded(PointGrade Grade, ValueList<RecoveryPointId> Points)
        : PointCommand;

    /// <summary>Recovers a copy next to the running machine (FOV-1).</summary>
    public sealed record StartTestFailover(PointChoice Choice) : TestingCommand;

    /// <summary>Removes the copy made by a test failover. The notes are kept in the log.</summary>
    public sealed record CleanUpTestFailover(string Notes) : TestingCommand;

    /// <summary>
    /// Fails over without data loss: the source stops first (FOV-2). The clients that have its disks open come with the
    /// command, because only the agent knows them.
    /// </summary>
    public sealed record StartPlannedFailover : FailingOverCommand
    {
        /// <summary>
        /// Descriptions, for operators, of clients that may be writing to the source's disks and will not be stopped
        /// first.
        /// </summary>
        public ValueList<string> Writers { get; init; } = [];

        /// <summary>Whether the user accepts that these clients' writes fail from then on.</summary>
        public bool Force { get; init; }
    }

    /// <summary>Fails over to a point, whether or not the source is reachable (FOV-3).</summary>
    public sealed record StartUnplannedFailover(PointChoice Choice, bool TryShutdown) : FailingOverCommand;

    /// <summary>
    /// Changes to another recovery point before the commit (FOV-4). What the recovered machine has written since the
    /// failover is lost.
    /// </summary>
    public sealed record ChangeRecoveryPoint(PointChoice Choice) : FailingOverCommand
    {
        /// <summary>Bytes that the recovered machine has written since the failover, as counted by its store.</summary>
        public long TargetWrittenBytes { get; init; }

        /// <summary>Whether the user accepts that these bytes are lost.</summary>
        public bool Discard { get; init; }
    }

    /// <summary>The old source reconnected after a failover and no longer accepts writes (FOV-8).</summary>
    /// <param name="DivergentBytes">Bytes that the source wrote and the target never received. They are preserved at
    /// the source.</param>
    public sealed record RecordSourceFenced(long DivergentBytes) : FailingOverCommand;

    /// <summary>Commits a failover or failback.</summary>
    public sealed record Commit : SettlingCommand;

    /// <summary>
    /// Undoes a failover or failback (FOV-10). The amount written at the target comes with the command, because only
    /// the store knows it.
    /// </summary>
    /// <param name="TargetWrittenBytes">Bytes written at the target since the failover, as counted by its
    /// store.</param>
    /// <param name="Discard">Whether the user accepts that these bytes are lost.</param>
    public sealed record CancelFailover(long TargetWrittenBytes, bool Discard) : SettlingCommand;

    /// <summary>Starts replication from the side that runs the machine to the other side (FOV-6).</summary>
    /// <param name="Discard">Whether the user accepts that writes only the other side holds are lost (I16).</param>
    public sealed record Reprotect(bool Discard = false) : ReturningCommand;

    /// <summary>Starts a planned failover back to the primary site (FOV-7).</summary>
    public sealed record Failback : ReturningCommand;

    /// <summary>Ends protection (ENA-15) and keeps the replica if requested.</summary>
    public sealed record Disable(bool KeepReplica) : ProtectedVmCommand;

    /// <summary>The data loss at risk now. Only needed when it crosses the policy's threshold.</summary>
    public sealed record RecordLag(TimeSpan Lag, long Bytes) : MonitoringCommand;

    /// <summary>The replication log or the cache is full: changed extents are only marked.</summary>
    public sealed record RecordDirtyMapModeEntered(string Reason) : MonitoringCommand;

    /// <summary>The replication log and the cache have room again.</summary>
    public sealed record RecordDirtyMapModeLeft : MonitoringCommand;

    /// <summary>The agent connected.</summary>
    public sealed record RecordAgentConnected : MonitoringCommand;

    /// <summary>The agent's connection was lost.</summary>
    public sealed record RecordAgentDisconnected(string Reason) : MonitoringCommand;

    /// <summary>
    /// A problem was found by <see cref="Observations.ObservedHealth"/>. Its start time is the time of the decision.
    /// </summary>
    public sealed record RecordHealthCause(HealthCause Cause) : MonitoringCommand;

    /// <summary>A problem found by <see cref="Observations.ObservedHealth"/> is resolved.</summary>
    public sealed record RecordHealthRestored(HealthKind Kind) : MonitoringCommand;

    /// <summary>The target's store detected that it is damaged.</summary>
    public sealed record RecordTargetStoreCorrupt(string Message, string Remedy) : MonitoringCommand;

    /// <summary>The target's store is intact again.</summary>
    public sealed record RecordTargetStoreRepaired : MonitoringCommand;

    /// <summary>A durable timer is due.</summary>
    public sealed record TimerDue(string Name, DateTimeOffset DueAt) : EffectCommand;

    /// <summary>Retries now any work that waits for its retry or for an operator (RES-7).</summary>
    public sealed record RetryJob : EffectCommand;

    /// <summary>
    /// An effect succeeded. A success of an effect that is no longer outstanding is accepted and changes nothing.
    /// </summary>
    public sealed record RecordEffectSucceeded(EffectId Effect, EffectResult Result) : EffectCommand;

    /// <summary>
    /// An effect failed. A failure of an effect that is no longer outstanding is accepted and changes nothing.
    /// </summary>
    public sealed record RecordEffectFailed(EffectId Effect, EffectError Error) : EffectCommand;
}
