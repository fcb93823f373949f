using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>I25: the replica holds every point that is listed; no jump of a clock expires many at once.</summary>
internal sealed class PruneChecker : Checker
{
    /// <inheritdoc/>
    public override string Id => "I25";

    /// <inheritdoc/>
    public override void Minute(SimVm vm)
    {
        if (vm.Damaged || vm.Target.Store is not { } store || vm.Host.State is not { Phase: Phase.Protected } state)
        {
            return;
        }

        var stored = store.Points.Select(p => p.Id).ToHashSet();
        foreach (var kept in state.Points.Where(p => p.Usable && state.Prune?.Points.Contains(p.Id) != true))
        {
            if (!stored.Contains(kept.Id))
            {
                throw Broken(vm, $"the listed point {kept.Id} is gone from the replica");
            }
        }
    }

    /// <inheritdoc/>
    public override void Stored(SimVm vm, ProtectedVmEvent @event)
    {
        if (@event is ProtectedVmEvent.RecoveryPointsExpired expired && vm.Host?.State is { } before
            && before.Enrollment.Policy.Retention >= TimeSpan.FromDays(1)
            && before.Points.Count - expired.Points.Count < 3)
        {
            throw Broken(vm, $"{expired.Points.Count} of {before.Points.Count} points expired at once");
        }
    }
}
