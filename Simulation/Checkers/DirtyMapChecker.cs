using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>I13: source and replica are equal outside the extents that the source marks as active or dirty.</summary>
internal sealed class DirtyMapChecker(SimWorld world) : Checker
{
    /// <inheritdoc/>
    public override string Id => "I13";

    /// <inheritdoc/>
    public override void Minute(SimVm vm)
    {
        if (vm.Ledger.Damaged || vm.Agent is not { Alive: true, Volume: { } volume } || vm.Target.Store is not { } store
            || vm.Models.Live is not null || !vm.Agent.Serves || volume.Counters().Acknowledged == default
            || store.Position.Term.CompareTo(volume.Term) > 0 || !vm.Models.HasAttached
            || vm.Ledger.EqualAt == world.Queue.Now)
        {
            return;
        }

        var marked = volume.UncertainExtents().Select(e => (e.Disk, e.Offset)).ToHashSet();
        if (BlockComparison.Differing(
            vm, store, b => marked.Contains((b.Disk, b.Offset / DirtyExtent.Size * DirtyExtent.Size))) is { } block)
        {
            throw Broken(vm, $"{block} differs between source and replica, and no mark names it");
        }
    }
}
