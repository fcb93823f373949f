using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Orchestration.Effects;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>Source sides that do not hear when an effect has waited long enough.</summary>
internal sealed class PatientSources(ISourceSide inner) : ISourceSide
{
    public bool IsConnected(ProtectedVmState state) => inner.IsConnected(state);

    public Task<InspectedSource> InspectAsync(
        ProtectedVmState state, ProtectedVmEffect.CheckPrerequisites check, CancellationToken ct) =>
        inner.InspectAsync(state, check, ct);

    public Task<SourceObservation> DirectAsync(ProtectedVmState state, CancellationToken ct) =>
        inner.DirectAsync(state, CancellationToken.None);

    public Task<ChangePosition> MarkAsync(
        ProtectedVmState state, RecoveryPointId point, PointKind consistency, CancellationToken ct) =>
        inner.MarkAsync(state, point, consistency, CancellationToken.None);
}
