using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>The role of a VM's source side.</summary>
public enum SourceRole
{
    /// <summary>The source serves the disks for reading and writing.</summary>
    Primary = 1,

    /// <summary>The source accepts no more writes; earlier writes are still shipped.</summary>
    Quiesced = 2,

    /// <summary>Another side is the primary: the source is read-only and ships nothing (FOV-8, I16).</summary>
    Fenced = 3,

    /// <summary>The source's disks are being made equal to the recovered machine's (FOV-6).</summary>
    ReverseReplica = 4,

    /// <summary>The VM is no longer protected.</summary>
    Released = 5,
}

/// <summary>
/// The role that a VM's state requires of its source side, and the machine it keeps at its target side. The functions
/// are pure, so an agent that reconnects or a service that restarts receives the same directive as one that never was
/// away.
/// </summary>
/// <param name="Role">The required role.</param>
/// <param name="Term">The term of the role.</param>
/// <param name="Replicating">Whether the source side ships or receives data.</param>
/// <param name="CopyId">Identifies an order to compare all of the disks. A different id is a different order.</param>
/// <param name="Cut">The last change that the recovered machine holds; null when there is no recovered machine.</param>
public sealed record SourceDuty(SourceRole Role, Term Term, bool Replicating, string? CopyId, RecoveryPoint? Cut)
{
    /// <summary>
    /// Returns the duty of the source side; null while the source side has nothing to do with the VM.
    /// </summary>
    public static SourceDuty? Of(ProtectedVmState state) => RoleOf(state) is { } role
        ? new SourceDuty(role, TermOf(state, role), IsReplicating(state, role), CopyOf(state), CutOf(state))
        : null;

    /// <summary>
    /// Whether the source itself reports the required role under the term of the directive (SCN-3). A source that
    /// follows another directive reports another role or term. A source that could not open its disks only remembers
    /// its last role.
    /// </summary>
    public bool IsConfirmedBy(SourceObservation observation)
    {
        ArgumentNullException.ThrowIfNull(observation);
        return observation.IsOpen && observation.Role == Role && observation.Term == Term;
    }

    /// <summary>
    /// Whether a fenced source counts divergent bytes from the recovered point. A count from no point or another point
    /// has no meaning, nor has one against a machine whose point is not known yet.
    /// </summary>
    public bool IsCutKnownTo(SourceObservation observation)
    {
        ArgumentNullException.ThrowIfNull(observation);
        return Cut is { } cut && observation.Cut == new RecoveredCut(cut.Generation, cut.Lsn);
    }

    /// <summary>
    /// Returns the term of the machine that runs at the target side, or ran there until a failback quiesced it; null
    /// when there is none.
    /// </summary>
    public static Term? LiveTerm(ProtectedVmState state) => state.Phase switch
    {
        Phase.CommitPending or Phase.Committing or Phase.FailedOver
            or Phase.Reprotecting { Direction: Direction.ToPrimary }
            or Phase.ProtectedReverse or Phase.Cancelling { Direction: Direction.ToPrimary } => state.Term,
        Phase.FailingBack or Phase.FailbackCommitPending => new Term(state.Term.Value - 1),
        _ => null,
    };

    /// <summary>Whether the machine at the target side accepts no more writes.</summary>
    public static bool IsLiveQuiesced(ProtectedVmState state) =>
        state.Phase is Phase.FailingBack { Step: not FailoverStep.Quiescing } or Phase.FailbackCommitPending
            or Phase.Cancelling { Direction: Direction.ToPrimary };

    /// <summary>Whether the source knows exactly which extents a resync for this reason must send.</summary>
    public static bool SourceKnowsExtents(ResyncReason reason) => reason is ResyncReason.DirtyMap
        or ResyncReason.LogHalfOfDisk or ResyncReason.PauseOutgrewLog or ResyncReason.ForcedShutdown
        or ResyncReason.ChangedOutside or ResyncReason.HistoryForked or ResyncReason.DiskResized;

    private static SourceRole? RoleOf(ProtectedVmState state) => state.Phase switch
    {
        Phase.NotProtected or Phase.Enabling { Step: EnableStep.CheckingPrerequisites } => null,
        Phase.Enabling or Phase.InitialReplication or Phase.Finalizing or Phase.Protected => SourceRole.Primary,
        Phase.FailingOver { Kind: FailoverKind.Planned } => SourceRole.Quiesced,
        Phase.FailingOver { Step: FailoverStep.Quiescing } => SourceRole.Quiesced,
        Phase.FailingOver or Phase.CommitPending or Phase.ChangingPoint or Phase.Committing or Phase.FailedOver =>
            SourceRole.Fenced,
        Phase.Cancelling { Direction: Direction.ToRecovery } => SourceRole.Primary,
        Phase.Cancelling => SourceRole.ReverseReplica,
        Phase.Reprotecting { Direction: Direction.ToPrimary } or Phase.ProtectedReverse => SourceRole.ReverseReplica,
        Phase.Reprotecting => SourceRole.Primary,
        Phase.FailingBack { Step: FailoverStep.Quiescing } => SourceRole.ReverseReplica,
        Phase.FailingBack or Phase.FailbackCommitPending or Phase.CommittingFailback or Phase.FailedBack =>
            SourceRole.Primary,
        Phase.EnableFailed or Phase.Disabling or Phase.Disabled => SourceRole.Released,
        _ => throw new InvalidOperationException($"Phase {state.Phase.GetType().Name} has no role for the source."),
    };

    // Until the target has taken over, data still being shipped belongs to the term under which it was written.
    private static Term TermOf(ProtectedVmState state, SourceRole role) =>
        state.Phase is Phase.FailingOver failing && role == SourceRole.Quiesced ? failing.PreviousTerm
        : state.Phase is Phase.FailingBack { Step: FailoverStep.Quiescing } ? new Term(state.Term.Value - 1)
        : state.Term;

    private static bool IsReplicating(ProtectedVmState state, SourceRole role) => state.Phase switch
    {
        Phase.Enabling enabling => enabling.Step == EnableStep.StartingInitialReplication,
        Phase.FailingOver => role == SourceRole.Quiesced,
        Phase.InitialReplication or Phase.Finalizing or Phase.Protected or Phase.Reprotecting
            or Phase.ProtectedReverse => !state.Replication.Paused,
        Phase.FailingBack failing => failing.Step == FailoverStep.Quiescing,
        Phase.Cancelling => true,
        _ => false,
    };

    private static RecoveryPoint? CutOf(ProtectedVmState state)
    {
        RecoveryPointId? recovered = state.Phase switch
        {
            Phase.FailingOver over => over.Point.Id,
            Phase.CommitPending pending => pending.Recovery.Point,
            Phase.ChangingPoint changing => changing.Next,
            Phase.Committing committing => committing.Recovery.Point,
            Phase.FailedOver over => over.Recovery.Point,
            _ => null,
        };
        return state.Points.FirstOrDefault(p => p.Id == recovered)?.Point;
    }

    // The term is part of the name because event numbers begin again when a lost journal is recreated.
    // Where the source knows the extents, marking all of them would only make the resync as long as a first copy.
    private static string? CopyOf(ProtectedVmState state) => state.Phase switch
    {
        Phase.Protected when state.Replication.Resync is { Stage: not ResyncStage.Required, Since: > 0 } resync
            && !resync.Reasons.All(SourceKnowsExtents) => $"resync-{state.Term}-{resync.Since}",
        _ => null,
    };
}
