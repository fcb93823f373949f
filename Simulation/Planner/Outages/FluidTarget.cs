using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>Models the target side of one machine over its fluid volumes.</summary>
internal sealed class FluidTarget(VmModel vm) : ITargetVolume
{
    private RecoveredMachine? _live;

    /// <summary>The recovery points that the replica holds.</summary>
    public PointLedger Points { get; } = new();

    /// <summary>Whether the replica was lost with the service's storage.</summary>
    public bool ReplicaLost { get; private set; }

    /// <summary>Whether the recovered machine is quiesced: it takes no more writes.</summary>
    public bool LiveQuiesced { get; private set; }

    /// <summary>The virtual time at which the recovered machine has booted.</summary>
    public TimeSpan LiveFrom { get; private set; }

    /// <inheritdoc/>
    public bool HasLive => _live is not null;

    /// <inheritdoc/>
    public bool Receiving => vm is { Session: true, Agent: { Replicating: true, Role: SourceRole.Primary
        or SourceRole.Quiesced } } && !ReplicaLost;

    /// <summary>Loses the replica and all recovery points with their storage.</summary>
    public void Lose()
    {
        ReplicaLost = true;
        Points.Drop(_ => true);
    }

    /// <summary>Removes the recovered machine and all recovery points when protection ends.</summary>
    public void Release()
    {
        _live = null;
        Points.Drop(_ => true);
    }

    /// <inheritdoc/>
    public TargetObservation Observe() => new()
    {
        Points = ReplicaLost ? null : Points.Observation,
        Fault = ReplicaLost ? "The replica is gone with the service's storage." : null,
        Generation = new Generation(vm.Forward.Generation),
        Resyncing = vm.Forward.ReplicaResyncing,
        Reverse = HasLive
            ? new ReverseObservation(vm.Reverse.InSync, (long)vm.Reverse.Sent, (long)vm.Reverse.Sent) : null,
    };

    /// <inheritdoc/>
    /// <remarks>The model knows the contents of the replica at every moment.</remarks>
    public void NoteReport(SourceObservation observation, ServiceMoment? before)
    {
        // Only a store that does not know the source's state needs its reports.
    }

    /// <inheritdoc/>
    public string? NoRoomFor(int disks) => null;

    /// <inheritdoc/>
    /// <remarks>The model's only fault is a lost replica, which lasts until the replica is prepared again.</remarks>
    public void ForgetFault()
    {
        // A lost replica stays lost.
    }

    /// <inheritdoc/>
    public Task PrepareAsync(IReadOnlyList<DiskSpec> disks, Term term, CancellationToken cancellationToken)
    {
        ReplicaLost = false;
        vm.Forward.Reset(vm.Now);
        return Changed();
    }

    /// <inheritdoc/>
    /// <remarks>A fluid source sends nothing under a term that it has lost.</remarks>
    public void Fence(Term term)
    {
        // There is no sender to refuse.
    }

    /// <inheritdoc/>
    public Task<bool> WaitForAsync(ChangePosition position, bool giveUpWhenIdle, CancellationToken ct) =>
        StreamWait.UntilAsync(
            () => Applied().CompareTo(position) >= 0 && !vm.Forward.ReplicaResyncing, Applied, giveUpWhenIdle,
            OutageWorld.SyncInterval, vm.World.Clock, ct);

    /// <inheritdoc/>
    public bool HasPoint(RecoveryPointId point) => Points.Find(point) is not null;

    /// <inheritdoc/>
    /// <remarks>Each recovery point of the model knows the bytes that were written up to it.</remarks>
    public void NoteAsked(RecoveryPointId point)
    {
        // The time of the request is not needed.
    }

    /// <inheritdoc/>
    public void SealNow(RecoveryPointId point) => Points.Seal(
        new Marker(point, PointKind.Crash, vm.Forward.Replica(), vm.Forward.Generation), vm.World.Scenario.Start,
        vm.Forward.Spread);

    /// <inheritdoc/>
    public void Prune(IReadOnlyList<RecoveryPointId> points) => Points.Drop(points.Contains);

    /// <inheritdoc/>
    public void Settle(RecoveryPointId point) => Points.Drop(id => id != point);

    /// <inheritdoc/>
    public Task<RecoveredMachine> StartTestAsync(RecoveryPointId point, CancellationToken ct) =>
        Task.FromResult(Served(Held(point)));

    /// <inheritdoc/>
    public Task RemoveTestAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    public Task<RecoveredMachine> FailOverAsync(RecoveryPointId point, Term term, CancellationToken ct) =>
        Task.FromResult(_live ??= TakeOver(Held(point)));

    /// <inheritdoc/>
    public Task<RecoveredMachine> SwitchAsync(RecoveryPointId point, Term term, CancellationToken ct)
    {
        _live = _live?.Point.Id == point ? _live : TakeOver(Held(point));
        return Task.FromResult(_live);
    }

    /// <inheritdoc/>
    public RecoveredMachine RequireLive() => _live ?? throw new ReplicaRefusedException(
        ReplicaRefusal.Unavailable, $"There is no failed-over machine of '{vm.Plan.Name}'.");

    /// <inheritdoc/>
    public void ResyncLive()
    {
        _ = RequireLive();
        vm.Reverse.StartCopy(vm.Plan.Used, 0, ResyncReason.UserRequest);
        vm.UpdateWrites();
    }

    /// <inheritdoc/>
    public async Task<ChangePosition> QuiesceLiveAsync(CancellationToken ct)
    {
        LiveQuiesced = true;
        vm.UpdateWrites();
        while (!vm.Session || !vm.Reverse.CaughtUp)
        {
            await Task.Delay(OutageWorld.SyncInterval, vm.World.Clock, ct);
            vm.Advance(vm.Now);
        }

        return vm.TailOf(vm.Reverse);
    }

    /// <inheritdoc/>
    public Task ReopenLiveAsync(Term term, CancellationToken ct)
    {
        LiveQuiesced = false;
        return Changed();
    }

    /// <inheritdoc/>
    public Task RemoveLiveAsync(Term term)
    {
        _live = null;
        return Changed();
    }

    /// <inheritdoc/>
    public Task AdoptAsync()
    {
        _live = null;
        return Changed();
    }

    private ChangePosition Applied()
    {
        vm.Observe();
        return vm.Applied();
    }

    private HeldPoint Held(RecoveryPointId point) => Points.Find(point) ?? throw new ReplicaCorruptException(
        $"The replica of '{vm.Plan.Name}' does not hold recovery point {point}.");

    private RecoveredMachine TakeOver(HeldPoint held)
    {
        (LiveQuiesced, LiveFrom) = (false, vm.Now + vm.Plan.Boot);
        vm.Reverse.Track(vm.Now);
        vm.Agent.Divergent = vm.Forward.Written - held.Written;
        vm.Log.TookOver(vm, held);
        vm.World.Queue.After(TimeSpan.Zero, vm.Refresh);
        return Served(held);
    }

    private RecoveredMachine Served(HeldPoint held)
    {
        var bound = vm.World.Clock.GetUtcNow() - held.Point.Time;
        return new RecoveredMachine(
            held.Point, bound < TimeSpan.Zero ? TimeSpan.Zero : bound, TimeSpan.Zero,
            [.. vm.Plan.Disks.Select((size, i) => new RecoveredDisk(vm.Plan.PathOf(i), $"{i}", "", size))]);
    }

    private Task Changed()
    {
        vm.World.Queue.After(TimeSpan.Zero, vm.Refresh);
        return Task.CompletedTask;
    }
}
