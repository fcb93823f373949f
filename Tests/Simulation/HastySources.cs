using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Orchestration.Effects;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>Source sides that claim, in a failover, to have nothing left to send.</summary>
internal sealed class HastySources(ISourceSide inner) : ISourceSide
{
    public bool IsConnected(ProtectedVmState state) => inner.IsConnected(state);

    public Task<InspectedSource> InspectAsync(
        ProtectedVmState state, ProtectedVmEffect.CheckPrerequisites check, CancellationToken ct) =>
        inner.InspectAsync(state, check, ct);

    public async Task<SourceObservation> DirectAsync(ProtectedVmState state, CancellationToken ct)
    {
        var observation = await inner.DirectAsync(state, ct);
        return state.Phase is Phase.FailingOver
            ? observation with { Tail = Lsn.None, Generation = default, DirtyBytes = 0, Capture = CaptureMode.Logging }
            : observation;
    }

    public Task<ChangePosition> MarkAsync(
        ProtectedVmState state, RecoveryPointId point, PointKind consistency, CancellationToken ct) =>
        state.Phase is Phase.FailingOver
            ? throw new EffectFailedException(EffectError.Of(ErrorClass.Recoverable, "There is no time.", "Wait."))
            : inner.MarkAsync(state, point, consistency, ct);
}
