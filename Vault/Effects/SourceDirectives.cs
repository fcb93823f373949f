using ReplicationEngine.Agent.Control;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Vault.Effects;

/// <summary>
/// What a VM's source side is to be, as a pure function of the VM's state. It is told to the agent by the effects that
/// change it and again whenever the agent connects, so an agent that was away cannot miss a failover (FOV-8).
/// </summary>
internal static class SourceDirectives
{
    /// <summary>
    /// The directive; null while the agent has nothing to do with the VM. <paramref name="keyOf"/> finds (or makes) the
    /// VM's data key; it is not asked for one that is let go.
    /// </summary>
    public static VolumeDirective? For(ProtectedVmState state, Func<string, string> keyOf)
    {
        if (Role(state) is not { } role)
        {
            return null;
        }

        return new VolumeDirective(
            state.Enrollment.Vm.Value, [.. state.Enrollment.Disks.Select(d => d.Path)], role, TermOf(state).Value,
            Replicating(state), role == VolumeRole.Released ? "" : keyOf(state.Enrollment.Vm.Value), CopyId(state),
                state.EventCount, Cut(state));
    }

    /// <summary>
    /// Whether the agent itself says that the VM's source side is what it was directed to be, under the term of the
    /// directive (SCN-3). An agent that obeys another directive answers too, but with another role or term.
    /// </summary>
    public static bool IsConfirmed(ProtectedVmState state, VolumeStatus status) =>
        status.Role == Role(state) && status.Term == TermOf(state).Value;

    private static VolumeRole? Role(ProtectedVmState state) => state.Phase switch
    {
        Phase.NotProtected or Phase.Enabling { Step: EnableStep.CheckingPrerequisites } => null,
        Phase.Enabling or Phase.InitialReplication or Phase.Finalizing or Phase.Protected => VolumeRole.Primary,
        Phase.FailingOver { Kind: FailoverKind.Planned } => VolumeRole.Quiesced,
        Phase.FailingOver { Step: FailoverStep.Quiescing } => VolumeRole.Quiesced,
        Phase.FailingOver or Phase.CommitPending or Phase.ChangingPoint or Phase.Committing or Phase.FailedOver =>
            VolumeRole.Fenced,
        Phase.Cancelling { Direction: Direction.ToRecovery } => VolumeRole.Primary,
        Phase.Cancelling => VolumeRole.ReverseReplica,
        Phase.Reprotecting { Direction: Direction.ToPrimary } or Phase.ProtectedReverse => VolumeRole.ReverseReplica,
        Phase.Reprotecting => VolumeRole.Primary,
        Phase.FailingBack { Step: FailoverStep.Quiescing } => VolumeRole.ReverseReplica,
        Phase.FailingBack or Phase.FailbackCommitPending or Phase.CommittingFailback or Phase.FailedBack =>
            VolumeRole.Primary,
        Phase.EnableFailed or Phase.Disabling or Phase.Disabled => VolumeRole.Released,
        _ => throw new InvalidOperationException($"Phase {state.Phase.GetType().Name} has no role for the source."),
    };

    // Until the target has taken over, what is still shipped belongs to the term under which it was written.
    private static Term TermOf(ProtectedVmState state) =>
        state.Phase is Phase.FailingOver failing && Role(state) == VolumeRole.Quiesced ? failing.PreviousTerm
        : state.Phase is Phase.FailingBack { Step: FailoverStep.Quiescing } ? new Term(state.Term.Value - 1)
        : state.Term;

    private static bool Replicating(ProtectedVmState state) => state.Phase switch
    {
        Phase.Enabling enabling => enabling.Step == EnableStep.StartingInitialReplication,
        Phase.FailingOver => Role(state) == VolumeRole.Quiesced,
        Phase.InitialReplication or Phase.Finalizing or Phase.Protected or Phase.Reprotecting
            or Phase.ProtectedReverse =>
            !state.Replication.Paused,
        Phase.FailingBack failing => failing.Step == FailoverStep.Quiescing,
        Phase.Cancelling => true,
        _ => false,
    };

    private static ChangeCut? Cut(ProtectedVmState state)
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
        return state.Points.FirstOrDefault(p => p.Id == recovered) is { } kept
            ? new ChangeCut(kept.Point.Generation.Value, kept.Point.Lsn.Value)
            : null;
    }

    // Where the source knows the extents, marking all of them would only make the resync as long as a first copy.
    private static string? CopyId(ProtectedVmState state) => state.Phase switch
    {
        Phase.Protected when state.Replication.Resync is { Stage: not ResyncStage.Required, Since: > 0 } resync
            && !resync.Reasons.All(ResyncFacts.SourceKnowsExtents) => $"resync-{resync.Since}",
        _ => null,
    };
}
