using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>What a VM's source side is to be.</summary>
public enum SourceRole
{
    /// <summary>Serves the disks for reading and writing.</summary>
    Primary = 1,

    /// <summary>Takes no more writes; what was written is still shipped.</summary>
    Quiesced = 2,

    /// <summary>Another side is the primary: read-only, nothing is shipped (FOV-8, I16).</summary>
    Fenced = 3,

    /// <summary>The disks are brought to equality with the recovered machine (FOV-6).</summary>
    ReverseReplica = 4,

    /// <summary>The VM is not protected any more.</summary>
    Released = 5,
}

/// <summary>
/// What a VM's state asks of its source side, and which machine it keeps at its target side: pure functions, so that
/// whoever was away and comes back (an agent, a service that restarts) is told the same as one that was there.
/// </summary>
/// <param name="Role">The role.</param>
/// <param name="Term">The term under which it is played.</param>
/// <param name="Replicating">Whether it ships, or receives.</param>
/// <param name="CopyId">Names an order to compare all of the disks; another name is another order.</param>
/// <param name="Cut">What the recovered machine holds, when there is one.</param>
public sealed record SourceDuty(SourceRole Role, Term Term, bool Replicating, string? CopyId, RecoveryPoint? Cut)
{
    /// <summary>The duty; null while the source side has nothing to do with the VM.</summary>
    public static SourceDuty? Of(ProtectedVmState state) => RoleOf(state) is { } role
        ? new SourceDuty(role, TermOf(state, role), IsReplicating(state, role), CopyOf(state), CutOf(state))
        : null;

    /// <summary>
    /// Whether the source itself says that it is what it was directed to be, under the term of the directive (SCN-3).
    /// One that obeys another directive answers too, but with another role or term; one that could not open its disks
    /// only remembers what it was.
    /// </summary>
    public bool IsConfirmedBy(SourceObservation observation)
    {
        ArgumentNullException.ThrowIfNull(observation);
        return observation.IsOpen && observation.Role == Role && observation.Term == Term;
    }

    /// <summary>
    /// Whether a fenced source counts what it wrote alone from the point that was recovered: without it, or from
    /// another one, its number means nothing. A machine whose point is not known yet is no measure for any source.
    /// </summary>
    public bool IsCutKnownTo(SourceObservation observation)
    {
        ArgumentNullException.ThrowIfNull(observation);
        return Cut is { } cut && observation.Cut == new RecoveredCut(cut.Generation, cut.Lsn);
    }

    /// <summary>The term of the machine that runs at the target side, or did until a failback's quiescing; null when
    /// there is none.</summary>
    public static Term? LiveTerm(ProtectedVmState state) => state.Phase switch
    {
        Phase.CommitPending or Phase.Committing or Phase.FailedOver
            or Phase.Reprotecting { Direction: Direction.ToPrimary }
            or Phase.ProtectedReverse or Phase.Cancelling { Direction: Direction.ToPrimary } => state.Term,
        Phase.FailingBack or Phase.FailbackCommitPending => new Term(state.Term.Value - 1),
        _ => null,
    };

    /// <summary>Whether the machine at the target side takes no more writes.</summary>
    public static bool IsLiveQuiesced(ProtectedVmState state) =>
        state.Phase is Phase.FailingBack { Step: not FailoverStep.Quiescing } or Phase.FailbackCommitPending
            or Phase.Cancelling { Direction: Direction.ToPrimary };

    /// <summary>Whether the source knows exactly which extents a resync for this reason must send.</summary>
    public static bool SourceKnowsExtents(ResyncReason reason) => reason is ResyncReason.DirtyMap
        or ResyncReason.LogHalfOfDisk or ResyncReason.PauseOutgrewLog or ResyncReason.ForcedShutdown
        or ResyncReason.ChangedOutside or ResyncReason.HistoryForked;

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

    // Until the target has taken over, what is still shipped belongs to the term under which it was written.
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

    // The term is part of the name because event numbers begin again when a lost journal is made again.
    // Where the source knows the extents, marking all of them would only make the resync as long as a first copy.
    private static string? CopyOf(ProtectedVmState state) => state.Phase switch
    {
        Phase.Protected when state.Replication.Resync is { Stage: not ResyncStage.Required, Since: > 0 } resync
            && !resync.Reasons.All(SourceKnowsExtents) => $"resync-{state.Term}-{resync.Since}",
        _ => null,
    };
}
