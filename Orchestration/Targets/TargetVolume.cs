using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicaStore;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Orchestration.Sources;
using EnginePoint = ReplicationEngine.Engine.RecoveryPoints.RecoveryPoint;
using StoredPoint = ReplicationEngine.DataPlane.ReplicaStore.RecoveryPoint;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>
/// The target side of one VM: its replica, the copies that are served from it, and what its sessions may do. Operations
/// come one at a time (the gate of <see cref="Effects.EffectCarrier"/>); sessions and views run beside them.
/// </summary>
/// <remarks>
/// <see cref="_life"/> guards which store and machines there are; it is held only to look or to exchange them. What
/// other code must be able to do otherwise, to show that a fault is noticed, is virtual.
/// </remarks>
public partial class TargetVolume : IAsyncDisposable
{
    /// <summary>The replica's directory in the VM's.</summary>
    public const string StoreDirectory = "replica";

    /// <summary>The name of the recovered machine that takes over, and of its overlay.</summary>
    public const string LiveName = "live";

    private const string TestName = "test";
    private const int ReportsKept = 4096;
    private static readonly TimeSpan IdleTooLong = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan MaintenanceBudget = TimeSpan.FromMilliseconds(50);

    private readonly Lock _life = new();
    private readonly TargetSurroundings _surroundings;
    private readonly IStorageDirectory _directory;
    private readonly TimeProvider _time;
    private readonly Queue<(ChangePosition Tail, ServiceMoment At)> _reported = new();
    private readonly Dictionary<RecoveryPointId, long> _completeAt = [];
    private IReadOnlySet<RecoveryPointId> _askedBefore = new HashSet<RecoveryPointId>();
    private ReplicaStore? _store;
    private ServiceMoment? _completeAsOf;
    private long _factsTold;
    private (IReadOnlyList<StoredPoint>? Points, PointsSight? Sight) _sighted;
    private volatile string? _fault;

    /// <summary>Takes the directory; opens nothing.</summary>
    public TargetVolume(TargetSurroundings surroundings, Func<TargetVolume, ITargetSessions> sessions)
    {
        (_surroundings, _directory, _time) = (surroundings, surroundings.Directory, surroundings.Time);
        Sessions = sessions(this);
    }

    /// <summary>The data session.</summary>
    public ITargetSessions Sessions { get; }

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

    /// <summary>Why the replica that is there cannot be opened and none of its points be used; null while it
    /// can.</summary>
    public string? LostBecause { get; private set; }

    /// <summary>Why the replica takes nothing more; null when it does.</summary>
    public string? Fault => LostBecause ?? _fault;

    /// <summary>Whether anything of the VM is stored.</summary>
    public bool Exists => ReplicaStore.Exists(_directory.Subdirectory(StoreDirectory));

    /// <summary>A session met damage: the replica takes nothing more.</summary>
    public void NoteFault(string why) => _fault = why;

    /// <summary>Forgets the fault: transfers are tried anew, and it comes back if they fail again.</summary>
    public void ForgetFault() => _fault = null;

    /// <summary>Why the host has no descriptors left for this replica, when it is not open yet; null when it
    /// has.</summary>
    public string? NoRoomFor(int disks) => Store is null ? _surroundings.NoRoomFor(disks) : null;

    /// <summary>Creates the replica, or opens the one that is there.</summary>
    /// <exception cref="ReplicaCorruptException">What is there is damaged; see <see cref="LostBecause"/>.</exception>
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

    /// <summary>Whether the point exists.</summary>
    public bool HasPoint(RecoveryPointId point) => Opened().Points.Any(p => p.Id == point);

    /// <summary>Seals everything received as a point.</summary>
    public void SealNow(RecoveryPointId point)
    {
        var complete = CompleteAsOf();
        lock (_reported)
        {
            // It holds less than what its marker, had it come, would have stood for.
            _completeAt.Remove(point);
        }

        Opened().SealNow(point, complete.At, PointKind.Crash);
        if (complete.Stamp is { } stamp)
        {
            NoteComplete(point, stamp);
        }
    }

    /// <summary>The source is asked for a point now: it holds every write that was answered before. Not so when an
    /// earlier life of the service has asked for it too, because the point may be the one that was marked then
    /// (I21).</summary>
    public void NoteAsked(RecoveryPointId point)
    {
        if (!_askedBefore.Contains(point))
        {
            NoteComplete(point, _time.GetTimestamp());
        }
    }

    // Asked again, the point may be the one that was marked when it was asked for first.
    private void NoteComplete(RecoveryPointId point, long stamp)
    {
        lock (_reported)
        {
            if (_completeAt.Count >= ReportsKept)
            {
                _completeAt.Remove(_completeAt.MinBy(one => one.Value).Key);
            }

            _completeAt.TryAdd(point, stamp);
        }
    }

    /// <summary>Drops points; those that are not there are dropped already.</summary>
    public virtual void Prune(IReadOnlyList<RecoveryPointId> points)
    {
        var store = Opened();
        store.Prune([.. points.Where(id => store.Points.Any(p => p.Id == id))]);
    }

    /// <summary>Makes the point the replica's newest content and drops the others (FOV-4).</summary>
    public void Settle(RecoveryPointId point)
    {
        var store = Opened();
        store.Rewind(point);
        store.Prune([.. store.Points.Select(p => p.Id).Where(id => id != point)]);
    }

    /// <summary>Refuses senders of a smaller term from now on.</summary>
    public virtual void Fence(Term term) => Opened().Fence(term);

    /// <summary>What is offered to a source that wants to send; null while there is nothing to receive into.</summary>
    /// <exception cref="SessionRefusedException">It must not send.</exception>
    public virtual SessionOffer? OfferToReceive()
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

    /// <summary>What is offered to an old source that wants to receive; null while there is nothing to send.</summary>
    public SessionOffer? OfferToSend() => Live?.Source is { } source ? SessionOffer.Send(source) : null;

    /// <summary>
    /// Waits until the replica durably holds everything up to a position and is not resyncing. With
    /// <paramref name="giveUpWhenIdle"/>, gives up when nothing has come for a while, and answers false.
    /// </summary>
    public async Task<bool> WaitForAsync(ChangePosition position, bool giveUpWhenIdle, CancellationToken ct)
    {
        var store = Opened();
        var (last, since) = (store.Applied, _time.GetTimestamp());
        while (store.Position is { } now && (now.Resyncing || now.Durable.CompareTo(position) < 0))
        {
            if (store.Applied != last)
            {
                (last, since) = (store.Applied, _time.GetTimestamp());
            }
            else if (giveUpWhenIdle && _time.GetElapsedTime(since) > IdleTooLong)
            {
                return false;
            }

            await Task.Delay(_surroundings.PollEvery, _time, ct);
        }

        return true;
    }

    /// <summary>Notes how far the source was, for an honest statement of what a failover loses (I21).</summary>
    /// <param name="sight">What it reported.</param>
    /// <param name="before">
    /// A moment of the service before which nothing of the report was observed; null when none is known, and then the
    /// report says nothing of any moment.
    /// </param>
    public void NoteReport(SourceSight sight, ServiceMoment? before)
    {
        if (before is not { } at
            || sight is not { Role: SourceRole.Primary or SourceRole.Quiesced, Capture: CaptureMode.Logging })
        {
            return;
        }

        lock (_reported)
        {
            _reported.Enqueue((new ChangePosition(sight.Generation, sight.Tail), at));
            while (_reported.Count > ReportsKept)
            {
                _reported.Dequeue();
            }
        }
    }

    /// <summary>What is observed of it.</summary>
    public TargetSight Sight()
    {
        var (store, reverse) = (Store, Sessions.Reverse);
        var position = store?.Position;
        return new TargetSight
        {
            Points = store is null ? null : SightOf(store),
            LostBecause = LostBecause,
            Fault = Fault,
            Generation = position?.Durable.Generation ?? default,
            Resyncing = position?.Resyncing ?? true,
            Reverse = HasLive
                ? new ReverseSight(ReverseState().InSync, reverse?.WireBytes ?? 0, reverse?.ChangedBytes ?? 0)
                {
                    Connected = reverse is not null,
                }
                : null,
            FullBecause = store?.FullBecause,
            Room = _surroundings.Room(),
        };
    }

    /// <summary>
    /// One bounded piece of the store's background work; false when there was none. What it found out (a grade, damage)
    /// is told as a change. Called by one task only.
    /// </summary>
    public bool Maintain()
    {
        var worked = false;
        if (Store is { } store)
        {
            worked = store.Maintain(MaintenanceBudget);
            if (store.FactsAfter(_factsTold) is [.., var newest])
            {
                _factsTold = newest.Number;
                _surroundings.Changed();
            }
        }

        Peek(LiveName)?.Source?.Maintain();
        return worked;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Sessions.EndAsync();
        await CloseMachineAsync(TestName, delete: false);
        await CloseMachineAsync(LiveName, delete: false);
        lock (_life)
        {
            _store?.Dispose();
            _store = null;
        }

        GC.SuppressFinalize(this);
    }

    // As long as the store answers the same list, it is the same sight.
    private PointsSight SightOf(ReplicaStore store)
    {
        lock (_reported)
        {
            var points = store.Points;
            if (!ReferenceEquals(points, _sighted.Points))
            {
                _sighted = (points, PointSights.Of(points, store.SkippedMarkers));
            }

            return _sighted.Sight!;
        }
    }

    /// <summary>
    /// The newest moment of which the replica is known to hold every write. Where no report of this life says so, the
    /// newest point does, by its time alone.
    /// </summary>
    private (DateTimeOffset At, long? Stamp) CompleteAsOf()
    {
        var applied = Opened().Applied;
        var newestPoint = Opened().Points.Select(p => p.Time).DefaultIfEmpty(DateTimeOffset.UnixEpoch).Max();
        lock (_reported)
        {
            while (_reported.TryPeek(out var report) && report.Tail.CompareTo(applied) <= 0)
            {
                _completeAsOf = _reported.Dequeue().At;
            }

            return _completeAsOf is { } known
                ? (known.At > newestPoint ? known.At : newestPoint, known.Stamp) : (newestPoint, null);
        }
    }

    /// <summary>
    /// How long ago the moment was up to which a point is known to hold every write: by the clock that is never set
    /// where that moment was in this life of the service, else by the point's time (I26).
    /// </summary>
    private TimeSpan AgeOf(EnginePoint point)
    {
        lock (_reported)
        {
            return _completeAt.TryGetValue(point.Id, out var stamp)
                ? _time.GetElapsedTime(stamp) : _time.GetUtcNow() - point.Time;
        }
    }

    /// <summary>The replica.</summary>
    /// <exception cref="IOException">There is none that is open.</exception>
    public ReplicaStore Opened() => Store ?? throw (LostBecause is { } why
        ? new ReplicaCorruptException(why)
        : new ReplicaRefusedException(ReplicaRefusal.Unavailable, $"The replica of '{_surroundings.Vm}' is not open."));
}
