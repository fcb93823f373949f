using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I10, for one machine: a recovery point is application-consistent if and only if its marker was inserted into the
/// stream while the applications were frozen. The applications are thawed afterwards.
/// </summary>
internal sealed class FreezeWindowChecker : Checker
{
    private readonly Dictionary<(string Vm, RecoveryPointId Point, long Lsn), bool> _frozen = [];

    /// <inheritdoc/>
    public override string Id => "I10";

    /// <inheritdoc/>
    public override void Marked(SimVm vm, RecoveryPointId point, long number) =>
        _frozen[(vm.Name, point, number)] = vm.Agent.FrozenAtMark;

    /// <inheritdoc/>
    public override void Stored(SimVm vm, ProtectedVmEvent @event)
    {
        if (@event is ProtectedVmEvent.RecoveryPointSealed { Point: { } point }
            && _frozen.TryGetValue((vm.Name, point.Id, point.Lsn.Value), out var frozen)
            && frozen != (point.Kind == PointKind.App))
        {
            throw Broken(vm, $"point {point.Id} is told as {point.Kind}, frozen: {frozen}");
        }
    }

    /// <inheritdoc/>
    public override void Minute(SimVm vm)
    {
        if (vm.Agent.Frozen)
        {
            throw Broken(vm, "the applications are frozen a while after a point");
        }
    }
}
