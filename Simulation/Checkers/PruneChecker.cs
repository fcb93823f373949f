using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I25: the replica holds every listed recovery point, and no jump of a clock expires many points at once.
/// </summary>
internal sealed class PruneChecker(SimWorld world) : Checker
{
    private readonly Dictionary<SimVm, (int Life, TimeSpan At, HashSet<RecoveryPointId> Points)> _offered = [];

    private readonly Dictionary<SimVm, (TimeSpan At, TimeSpan Retention)> _policies = [];

    /// <inheritdoc/>
    public override string Id => "I25";

    /// <inheritdoc/>
    public override void Minute(SimVm vm)
    {
        CheckUnusable(vm);
        Pruned(vm);
    }

    /// <inheritdoc/>
    public override void Pruned(SimVm vm)
    {
        if (vm.Ledger.Damaged || vm.Target.Store is not { } store
            || vm.Host.State is not { Phase: Phase.Protected } state)
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

    // A point that the replica knows to be damaged is not offered for long (I7).
    private void CheckUnusable(SimVm vm)
    {
        var known = vm.Host.State?.Points.Where(p => p.Usable).Select(p => p.Id).ToHashSet() ?? [];
        var offered = (vm.Target.Store?.Points ?? []).Where(p => !p.Usable && known.Contains(p.Id))
            .Select(p => p.Id).ToHashSet();
        if (_offered.TryGetValue(vm, out var before) && before.Life == world.Service.Life
            && world.Queue.Now > before.At && before.At > world.ServiceTroubledUntil
            && before.Points.Overlaps(offered) && vm.Host.State?.Phase is Phase.Protected && !world.Service.Paused)
        {
            throw Broken(vm, "a point that the replica knows to be damaged is still offered after a minute");
        }

        _offered[vm] = (world.Service.Life, world.Queue.Now, offered);
    }

    /// <inheritdoc/>
    public override void Stored(SimVm vm, ProtectedVmEvent @event)
    {
        if (@event is ProtectedVmEvent.PolicyChanged changed)
        {
            // The points that expire under the new policy are stored together with it.
            _policies[vm] = (world.Queue.Now, changed.Policy.Retention);
        }

        if (@event is ProtectedVmEvent.RecoveryPointsExpired expired && vm.Host?.State is { } before
            && before.Enrollment.Policy.Retention >= TimeSpan.FromDays(1)
            && !(_policies.TryGetValue(vm, out var policy) && policy.At == world.Queue.Now
                && policy.Retention < TimeSpan.FromDays(1))
            && before.Points.Count - expired.Points.Count < 3)
        {
            throw Broken(vm, $"{expired.Points.Count} of {before.Points.Count} points expired at once");
        }
    }
}
