using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

public abstract partial record ProtectedVmCommand
{
    /// <summary>An effect is done. An effect no longer owed is accepted as "already so".</summary>
    public sealed record RecordEffectSucceeded(EffectId Effect, EffectResult Result) : ProtectedVmCommand;

    /// <summary>An effect failed. An effect no longer owed is accepted as "already so".</summary>
    public sealed record RecordEffectFailed(EffectId Effect, EffectError Error) : ProtectedVmCommand;

    /// <summary>
    /// The receiving side equals the sending side: initial replication or a reprotect has reached its end. Tell it
    /// again after a restart; it is "already so" in any other phase.
    /// </summary>
    /// <param name="Direction">The direction of replication that is in sync.</param>
    /// <param name="SentBytes">Bytes sent to get there.</param>
    public sealed record RecordInSync(Direction Direction, long SentBytes) : ProtectedVmCommand;

    /// <summary>The store sealed a point; told as often as one likes.</summary>
    public sealed record RecordRecoveryPointSealed(RecoveryPoint Point) : ProtectedVmCommand;

    /// <summary>A requested point was not made, and why.</summary>
    public sealed record RecordRecoveryPointSkipped(RecoveryPointId Point, string Reason) : ProtectedVmCommand;

    /// <summary>A point's content failed its checksums (RCP-6).</summary>
    public sealed record RecordRecoveryPointUnusable(RecoveryPointId Point, string Reason) : ProtectedVmCommand;

    /// <summary>The store knows more of these points' content; a point that stands at the grade or above is left as it
    /// is.</summary>
    public sealed record RecordRecoveryPointsGraded(PointGrade Grade, ValueList<RecoveryPointId> Points)
        : ProtectedVmCommand;

    /// <summary>The replica may differ by more than the data plane mends by itself (RES-1 to RES-4).</summary>
    public sealed record RecordResyncNeeded(ResyncReason Reason) : ProtectedVmCommand;

    /// <summary>A resync runs: one that was ordered, or a small one the data plane began by itself.</summary>
    public sealed record RecordResyncStarted(ResyncReason Reason) : ProtectedVmCommand;

    /// <summary>The resync is done and delta replication goes on (RES-8).</summary>
    public sealed record RecordResyncCompleted(long SentBytes) : ProtectedVmCommand;

    /// <summary>The resync stopped with an error.</summary>
    public sealed record RecordResyncFailed(EffectError Error) : ProtectedVmCommand;

    /// <summary>Replication stopped with an error.</summary>
    public sealed record RecordReplicationError(EffectError Error) : ProtectedVmCommand;

    /// <summary>Replication works again.</summary>
    public sealed record RecordReplicationRecovered : ProtectedVmCommand;

    /// <summary>The data loss at risk now; needed only when it crosses the policy's threshold.</summary>
    public sealed record RecordLag(TimeSpan Lag, long Bytes) : ProtectedVmCommand;

    /// <summary>The old source came back after a failover and takes no more writes (FOV-8).</summary>
    /// <param name="DivergentBytes">What it wrote that the target never received; kept aside, not dropped.</param>
    public sealed record RecordSourceFenced(long DivergentBytes) : ProtectedVmCommand;

    /// <summary>The replication log or the cache is full: changes are only marked.</summary>
    public sealed record RecordDirtyMapModeEntered(string Reason) : ProtectedVmCommand;

    /// <summary>There is room again.</summary>
    public sealed record RecordDirtyMapModeLeft : ProtectedVmCommand;

    /// <summary>A disk has another size (RES-3).</summary>
    public sealed record RecordDiskResized(string Path, long SizeBytes) : ProtectedVmCommand;

    /// <summary>The agent's connection is up.</summary>
    public sealed record RecordAgentConnected : ProtectedVmCommand;

    /// <summary>The agent's connection is lost.</summary>
    public sealed record RecordAgentDisconnected(string Reason) : ProtectedVmCommand;

    /// <summary>
    /// Something is wrong that <see cref="Observations.ObservedHealth"/> found; the time at which it is decided is
    /// since
    /// when.
    /// </summary>
    public sealed record RecordHealthCause(HealthCause Cause) : ProtectedVmCommand;

    /// <summary>What <see cref="Observations.ObservedHealth"/> found is right again.</summary>
    public sealed record RecordHealthRestored(HealthKind Kind) : ProtectedVmCommand;

    /// <summary>The target's store found itself damaged.</summary>
    public sealed record RecordTargetStoreCorrupt(string Message, string Remedy) : ProtectedVmCommand;

    /// <summary>The target's store is sound again.</summary>
    public sealed record RecordTargetStoreRepaired : ProtectedVmCommand;
}
