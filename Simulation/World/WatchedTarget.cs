using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// A VM's target side as effects use it. It notifies the checkers of what happens to its machines and recovery points.
/// </summary>
/// <param name="world">The world of the VM.</param>
/// <param name="vm">The VM of the target side.</param>
/// <param name="volume">The production target side.</param>
/// <param name="inner">The target side as the world's parts return it.</param>
internal sealed class WatchedTarget(SimWorld world, SimVm vm, TargetVolume volume, ITargetVolume inner) : ITargetVolume
{
    /// <inheritdoc/>
    public bool Receiving => inner.Receiving;

    /// <inheritdoc/>
    public bool HasLive => inner.HasLive;

    /// <inheritdoc/>
    public TargetObservation Observe() => inner.Observe();

    /// <inheritdoc/>
    public void NoteReport(SourceObservation observation, ServiceMoment? before) =>
        inner.NoteReport(observation, before);

    /// <inheritdoc/>
    public string? NoRoomFor(int disks) => inner.NoRoomFor(disks);

    /// <inheritdoc/>
    public void ForgetFault() => inner.ForgetFault();

    /// <inheritdoc/>
    public Task PrepareAsync(IReadOnlyList<DiskSpec> disks, Term term, CancellationToken cancellationToken) =>
        inner.PrepareAsync(disks, term, cancellationToken);

    /// <inheritdoc/>
    public void Fence(Term term) => inner.Fence(term);

    /// <inheritdoc/>
    public Task<bool> WaitForAsync(ChangePosition position, bool giveUpWhenIdle, CancellationToken ct) =>
        inner.WaitForAsync(position, giveUpWhenIdle, ct);

    /// <inheritdoc/>
    public bool HasPoint(RecoveryPointId point) => inner.HasPoint(point);

    /// <inheritdoc/>
    public void NoteAsked(RecoveryPointId point) => inner.NoteAsked(point);

    /// <inheritdoc/>
    public void SealNow(RecoveryPointId point) => inner.SealNow(point);

    /// <inheritdoc/>
    public void Prune(IReadOnlyList<RecoveryPointId> points)
    {
        if (points.Any(id => id == volume.Test?.Point.Id || id == volume.Live?.Point.Id))
        {
            world.Sometimes.Count(Probes.PruneHeld);
        }

        inner.Prune(points);
        world.Checkers.Pruned(vm);
    }

    /// <inheritdoc/>
    public void Settle(RecoveryPointId point) => inner.Settle(point);

    /// <inheritdoc/>
    public async Task<RecoveredMachine> StartTestAsync(RecoveryPointId point, CancellationToken ct)
    {
        var machine = await inner.StartTestAsync(point, ct);
        vm.TestStarted(machine);
        return machine;
    }

    /// <inheritdoc/>
    public async Task RemoveTestAsync()
    {
        await inner.RemoveTestAsync();
        vm.TestRemoved();
    }

    /// <inheritdoc/>
    public Task<RecoveredMachine> FailOverAsync(RecoveryPointId point, Term term, CancellationToken ct) =>
        WatchedAsync(() => inner.FailOverAsync(point, term, ct));

    /// <inheritdoc/>
    public Task<RecoveredMachine> SwitchAsync(RecoveryPointId point, Term term, CancellationToken ct) =>
        WatchedAsync(() => inner.SwitchAsync(point, term, ct));

    /// <inheritdoc/>
    public RecoveredMachine RequireLive() => inner.RequireLive();

    /// <inheritdoc/>
    public void ResyncLive() => inner.ResyncLive();

    /// <inheritdoc/>
    public Task<ChangePosition> QuiesceLiveAsync(CancellationToken ct) => inner.QuiesceLiveAsync(ct);

    /// <inheritdoc/>
    public Task ReopenLiveAsync(Term term, CancellationToken ct) => inner.ReopenLiveAsync(term, ct);

    /// <inheritdoc/>
    public async Task RemoveLiveAsync(Term term)
    {
        await inner.RemoveLiveAsync(term);
        vm.LiveEnded(adopted: false);
    }

    /// <inheritdoc/>
    public async Task AdoptAsync()
    {
        await inner.AdoptAsync();
        vm.LiveEnded(adopted: true);
    }

    private async Task<RecoveredMachine> WatchedAsync(Func<Task<RecoveredMachine>> started)
    {
        var before = volume.Live;
        var machine = await started();
        if (!ReferenceEquals(before, volume.Live))
        {
            vm.LiveStarted(machine);
        }

        return machine;
    }
}
