using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Orchestration.Sources;
using StoredPoint = ReplicationEngine.DataPlane.Replicas.RecoveryPoint;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>
/// The target side of one VM over a replica store: the replica, the machines served from it, and the rights of its
/// sessions. Operations run one at a time (the gate of <see cref="Effects.EffectTurns"/>); sessions and views run
/// concurrently with them.
/// </summary>
/// <remarks>
/// <c>_life</c> guards the reference to the store. It is held while the store is opened, and otherwise only to read the
/// reference. <c>_observation</c> guards the newest observation of the points. Machines and freshness have locks of
/// their own. None of the four is taken under another. The store is called under the first two and never calls back.
/// </remarks>
public sealed class TargetVolume : ITargetVolume, ITargetStream, IAsyncDisposable
{
    /// <summary>The name of the replica's directory in the VM's directory.</summary>
    public const string StoreDirectory = "replica";

    /// <summary>The name of the recovered machine that takes over, and of its overlay.</summary>
    public const string LiveName = RecoveredMachines.LiveName;

    private const string TestName = RecoveredMachines.TestName;
    private static readonly TimeSpan MaintenanceBudget = TimeSpan.FromMilliseconds(50);

    private readonly Lock _life = new();
    private readonly Lock _observation = new();
    private readonly TargetSurroundings _surroundings;
    private readonly IStorageDirectory _directory;
    private readonly TimeProvider _time;
    private readonly ReplicaFreshness _freshness;
    private readonly RecoveredMachines _machines;
    private ReplicaStore? _store;
    private long _factsTold;
    private (IReadOnlyList<StoredPoint>? Points, PointsObservation? Observe) _observed;
    private volatile string? _fault;

    /// <summary>Creates the target side of a directory without opening anything.</summary>
    public TargetVolume(TargetSurroundings surroundings, Func<TargetVolume, ITargetSessions> sessions)
    {
        (_surroundings, _directory, _time) = (surroundings, surroundings.Directory, surroundings.Time);
        _freshness = new ReplicaFreshness(surroundings.Time);
        _machines = new RecoveredMachines(surroundings, _freshness);
        Sessions = sessions(this);
    }

    /// <summary>The data sessions of the VM.</summary>
    public ITargetSessions Sessions { get; }

    /// <inheritdoc/>
    public bool Receiving => Sessions.Receiving;

    /// <summary>The replica; null before it was prepared.</summary>
    public ReplicaStore? Store
    {
        get
        {
            lock (_life)
            {
                return _store;
            }
        }
    }

    /// <summary>
    /// Why the existing replica cannot be opened and none of its points can be used; null while it can.
    /// </summary>
    public string? LostBecause { get; private set; }

    /// <summary>Why the replica accepts no more data; null while it does.</summary>
    public string? Fault => LostBecause ?? _fault;

    /// <summary>Whether a replica of the VM is stored.</summary>
    public bool Exists => ReplicaStore.Exists(_directory.Subdirectory(StoreDirectory));

    /// <summary>The test machine; null when there is none.</summary>
    public ServedMachine? Test => _machines.Test;

    /// <summary>The failed-over machine; null when there is none.</summary>
    public ServedMachine? Live => _machines.Live;

    /// <inheritdoc/>
    public bool HasLive => _machines.Live is not null;

    /// <inheritdoc/>
    public void ForgetFault() => _fault = null;

    /// <inheritdoc/>
    public string? NoRoomFor(int disks) => Store is null ? _surroundings.NoRoomFor(disks) : null;

    /// <inheritdoc/>
    /// <remarks>When the existing replica is damaged, see <see cref="LostBecause"/>.</remarks>
    public Task PrepareAsync(IReadOnlyList<DiskSpec> disks, Term term, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_life)
        {
            try
            {
                var replica = _directory.Subdirectory(StoreDirectory);
                _store ??= ReplicaStore.Exists(replica)
                    ? ReplicaStore.Open(replica, _surroundings.Store)
                    : ReplicaStore.Create(
                        replica, new ProtectedVmId(_surroundings.Vm), disks, term, _surroundings.Store);
                LostBecause = null;
            }
            catch (ReplicaCorruptException e)
            {
                LostBecause = e.Message;
                throw;
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>Opens the replica after a restart and serves the machines that the VM's state requires.</summary>
    /// <exception cref="IOException">The replica, or a machine over it, cannot be opened.</exception>
    public async Task RestoreAsync(ProtectedVmState state, CancellationToken ct)
    {
        _freshness.Restore(ProtectedVm.Outstanding(state).OfType<ProtectedVmEffect>().Select(AskedFor).ToHashSet());
        await PrepareAsync([], state.Term, ct);
        var store = Opened();
        if (state.TestFailover is TestFailover.Active && store.Overlays.Contains(TestName, StringComparer.Ordinal))
        {
            await _machines.OpenAsync(store, TestName, store.PointOfOverlay(TestName), null, ct);
        }

        if (SourceDuty.LiveTerm(state) is { } term && store.Overlays.Contains(LiveName, StringComparer.Ordinal))
        {
            var machine = await _machines.OpenAsync(store, LiveName, store.PointOfOverlay(LiveName), term, ct);
            if (SourceDuty.IsLiveQuiesced(state))
            {
                machine.Source!.Quiesce();
            }
        }
    }

    /// <inheritdoc/>
    public bool HasPoint(RecoveryPointId point) => Opened().Points.Any(p => p.Id == point);

    /// <inheritdoc/>
    public void NoteAsked(RecoveryPointId point) => _freshness.NoteAsked(point);

    /// <inheritdoc/>
    public void SealNow(RecoveryPointId point)
    {
        var store = Opened();
        var newest = store.Points.Select(p => p.Time).DefaultIfEmpty(DateTimeOffset.UnixEpoch).Max();
        var complete = _freshness.CompleteAsOf(store.Applied, newest);
        _freshness.Forget(point);
        store.SealNow(point, complete.At, PointKind.Crash);
        if (complete.Stamp is { } stamp)
        {
            _freshness.NoteComplete(point, stamp);
        }
    }

    /// <inheritdoc/>
    public void Prune(IReadOnlyList<RecoveryPointId> points)
    {
        var store = Opened();
        store.Prune([.. points.Where(id => store.Points.Any(p => p.Id == id))]);
    }

    /// <inheritdoc/>
    public void Settle(RecoveryPointId point)
    {
        var store = Opened();
        store.Rewind(point);
        store.Prune([.. store.Points.Select(p => p.Id).Where(id => id != point)]);
    }

    /// <inheritdoc/>
    public void Fence(Term term) => Opened().Fence(term);

    /// <inheritdoc/>
    public SessionOffer? OfferToReceive()
    {
        if (Store is not { } store)
        {
            return LostBecause is { } why ? throw new SessionRefusedException(SessionRefusal.Unavailable, why) : null;
        }

        return HasLive
            ? throw new SessionRefusedException(
                SessionRefusal.StaleTerm,
                $"'{_surroundings.Vm}' was failed over; this source is no longer its primary.", store.Position.Term)
            : SessionOffer.Receive(store, [.. store.Disks.Select(d => d.SizeBytes)]);
    }

    /// <inheritdoc/>
    public IReplicaSink Receive(Term term)
    {
        var store = Opened();
        store.AcceptTerm(term);
        return new DamageNoting(store, damage => _fault = damage);
    }

    /// <inheritdoc/>
    public SessionOffer? OfferToSend() => Live?.Source is { } source ? SessionOffer.Send(source) : null;

    /// <inheritdoc/>
    public Task<bool> WaitForAsync(ChangePosition position, bool giveUpWhenIdle, CancellationToken ct)
    {
        var store = Opened();
        return StreamWait.UntilAsync(
            () => store.Position is { Resyncing: false } now && now.Durable.CompareTo(position) >= 0,
            () => store.Applied, giveUpWhenIdle, _surroundings.PollEvery, _time, ct);
    }

    /// <inheritdoc/>
    public void NoteReport(SourceObservation observation, ServiceMoment? before) =>
        _freshness.NoteReport(observation, before);

    /// <inheritdoc/>
    public TargetObservation Observe()
    {
        var (store, reverse) = (Store, Sessions.Reverse);
        var position = store?.Position;
        return new TargetObservation
        {
            Points = store is null ? null : ReadingOf(store),
            LostBecause = LostBecause,
            Fault = Fault,
            Generation = position?.Durable.Generation ?? default,
            Resyncing = position?.Resyncing ?? true,
            Reverse = HasLive
                ? new ReverseObservation(ReverseState().InSync, reverse?.WireBytes ?? 0, reverse?.ChangedBytes ?? 0)
                {
                    Connected = reverse is not null,
                }
                : null,
            FullBecause = store?.FullBecause,
            Room = _surroundings.Room(),
        };
    }

    /// <inheritdoc/>
    public async Task<RecoveredMachine> StartTestAsync(RecoveryPointId point, CancellationToken ct) =>
        await _machines.OpenAsync(Opened(), TestName, point, null, ct);

    /// <inheritdoc/>
    public Task RemoveTestAsync() => _machines.CloseAsync(Store, TestName, delete: true);

    /// <inheritdoc/>
    public async Task<RecoveredMachine> FailOverAsync(RecoveryPointId point, Term term, CancellationToken ct)
    {
        await Sessions.EndAsync();
        Fence(term);
        return await _machines.OpenAsync(Opened(), LiveName, point, term, ct);
    }

    /// <inheritdoc/>
    public async Task<RecoveredMachine> SwitchAsync(RecoveryPointId point, Term term, CancellationToken ct)
    {
        if (Live is { } current && current.Point.Id != point)
        {
            // A point that does not exist is refused before the current machine is removed.
            _ = _machines.Stored(Opened(), point);
            await CloseLiveAsync(delete: true);
        }

        return await FailOverAsync(point, term, ct);
    }

    /// <inheritdoc/>
    RecoveredMachine ITargetVolume.RequireLive() => RequireLive();

    /// <inheritdoc cref="ITargetVolume.RequireLive"/>
    public ServedMachine RequireLive() => Live ?? throw new ReplicaRefusedException(
        ReplicaRefusal.Unavailable, $"'{_surroundings.Vm}' has no failed-over machine.");

    /// <inheritdoc/>
    public void ResyncLive() => RequireLive().Source!.MarkAllDirty(DirtyCause.UserRequest);

    /// <inheritdoc/>
    public async Task<ChangePosition> QuiesceLiveAsync(CancellationToken ct)
    {
        var tail = RequireLive().Source!.Quiesce();
        while (!ReverseState().CaughtUp)
        {
            await Task.Delay(_surroundings.PollEvery, _time, ct);
        }

        return tail;
    }

    /// <inheritdoc/>
    public Task ReopenLiveAsync(Term term, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        Fence(term);
        var source = RequireLive().Source!;
        source.Unfence(term, disksUnchanged: true);
        source.Resume();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task RemoveLiveAsync(Term term)
    {
        await CloseLiveAsync(delete: true);
        Fence(term);
    }

    /// <inheritdoc/>
    public async Task AdoptAsync()
    {
        await CloseLiveAsync(delete: false);
        var store = Opened();
        if (store.Overlays.Contains(LiveName, StringComparer.Ordinal))
        {
            store.AdoptOverlay(LiveName);
        }

        _directory.DeleteSubdirectory(LiveName);
    }

    /// <summary>
    /// Returns whether the source side is in sync (nothing is left to compare or copy; it follows the log), and whether
    /// it has caught up: it durably holds every write so far, which may never be the case for a machine that keeps
    /// writing.
    /// </summary>
    public (bool InSync, bool CaughtUp) ReverseState()
    {
        if (Live?.Source is not { } source || Sessions.Reverse is not { Streaming: true, Durable: var durable })
        {
            return (false, false);
        }

        var counters = source.Counters();
        var inSync = counters.DirtyBytes == 0 && durable.Generation == counters.Tail.Generation;
        return (inSync, inSync && durable.CompareTo(counters.Tail) >= 0);
    }

    /// <summary>
    /// Runs one bounded piece of the store's background work; returns false when there was none. A result (a grade,
    /// damage) is reported as a change. Called by one task only.
    /// </summary>
    public bool Maintain()
    {
        var worked = false;
        if (Store is { } store)
        {
            worked = store.Maintain(MaintenanceBudget);
            if (store.NewestFact is var newest && newest > _factsTold)
            {
                _factsTold = newest;
                _surroundings.Changed();
            }
        }

        Live?.Source?.Maintain();
        return worked;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Sessions.EndAsync();
        await _machines.CloseAsync(Store, TestName, delete: false);
        await CloseLiveAsync(delete: false);
        lock (_life)
        {
            _store?.Dispose();
            _store = null;
        }
    }

    /// <summary>Returns the open replica.</summary>
    /// <exception cref="IOException">No replica is open.</exception>
    public ReplicaStore Opened() => Store ?? throw (LostBecause is { } why
        ? new ReplicaCorruptException(why)
        : new ReplicaRefusedException(ReplicaRefusal.Unavailable, $"The replica of '{_surroundings.Vm}' is not open."));

    /// <summary>Returns the point for which an effect asks the source; null for most effects.</summary>
    private static RecoveryPointId AskedFor(ProtectedVmEffect effect) => effect switch
    {
        ProtectedVmEffect.TakeRecoveryPoint take => take.Point,
        ProtectedVmEffect.StartTestFailover test => test.Point.Id,
        ProtectedVmEffect.PrepareFailover prepare => prepare.Point.Id,
        _ => default,
    };

    // A session ships its writes back and must not find it gone.
    private async Task CloseLiveAsync(bool delete)
    {
        if (HasLive)
        {
            await Sessions.EndAsync();
        }

        await _machines.CloseAsync(Store, LiveName, delete);
    }

    // As long as the store returns the same list, it is the same observation.
    private PointsObservation ReadingOf(ReplicaStore store)
    {
        lock (_observation)
        {
            var points = store.Points;
            if (!ReferenceEquals(points, _observed.Points))
            {
                _observed = (points, PointObservations.Of(points, store.SkippedMarkers));
            }

            return _observed.Observe!;
        }
    }
}
