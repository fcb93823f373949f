using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Simulation.World;

/// <summary>The production target volume; what becomes of its machines is told to the checkers, and a part with a fault
/// built in takes the place of the sound one.</summary>
internal sealed class TargetUnderTest(
    SimWorld world, SimVm vm, TargetSurroundings surroundings, ITargetSessions sessions)
    : TargetVolume(surroundings, _ => sessions)
{
    /// <inheritdoc/>
    public override void Prune(IReadOnlyList<RecoveryPointId> points)
    {
        if (points.Any(id => id == Test?.Point.Id || id == Live?.Point.Id))
        {
            world.Sometimes.Count(Probes.PruneHeld);
        }

        base.Prune(world.Parts.Prune(Opened(), points));
        world.Checkers.Pruned(vm);
    }

    /// <inheritdoc/>
    public override void Fence(Term term)
    {
        if (world.Parts.FencesReplica)
        {
            base.Fence(term);
        }
    }

    /// <inheritdoc/>
    public override SessionOffer? OfferToReceive() => world.Parts.FencesReplica || Store is not { } store
        ? base.OfferToReceive() : SessionOffer.Receive(store, [.. store.Disks.Select(d => d.SizeBytes)]);

    /// <inheritdoc/>
    public override async Task<RecoveredMachine> StartTestAsync(RecoveryPointId point, CancellationToken ct)
    {
        var machine = await base.StartTestAsync(point, ct);
        vm.TestStarted(machine);
        return machine;
    }

    /// <inheritdoc/>
    public override async Task RemoveTestAsync()
    {
        if (world.Parts.CleansUp)
        {
            await base.RemoveTestAsync();
        }

        vm.TestRemoved();
    }

    /// <inheritdoc/>
    public override async Task<RecoveredMachine> FailOverAsync(RecoveryPointId point, Term term, CancellationToken ct)
    {
        var before = Live;
        var machine = await base.FailOverAsync(point, term, ct);
        if (!ReferenceEquals(before, machine))
        {
            vm.LiveStarted(machine);
        }

        return machine;
    }

    /// <inheritdoc/>
    public override async Task RemoveLiveAsync(Term term)
    {
        await CloseLiveAsync(delete: world.Parts.RemovesLive);
        Fence(term);
        vm.LiveEnded(adopted: false);
    }

    /// <inheritdoc/>
    public override async Task AdoptAsync()
    {
        await base.AdoptAsync();
        vm.LiveEnded(adopted: true);
    }

    /// <inheritdoc/>
    public override async Task<ChangePosition> QuiesceLiveAsync(CancellationToken ct) => world.Parts.WaitsForSync
        ? await base.QuiesceLiveAsync(ct) : RequireLive().Source!.Quiesce();

    /// <inheritdoc/>
    protected override IBlockDevice LiveDisk(IBlockDevice disk) => world.Parts.OverlayDisk("live", disk, Opened());

    /// <inheritdoc/>
    protected override TimeSpan Bound(TimeSpan bound) => world.Parts.Bound(base.Bound(bound));
}
