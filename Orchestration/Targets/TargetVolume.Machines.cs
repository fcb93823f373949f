using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicaStore;
using ReplicationEngine.DataPlane.ReplicaStore.Overlays;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using Replica = ReplicationEngine.DataPlane.ReplicaStore.ReplicaStore;
using StoredPoint = ReplicationEngine.DataPlane.ReplicaStore.RecoveryPoint;

namespace ReplicationEngine.Orchestration.Targets;

// The copies that are served: a test machine, and the live one after a failover. The live one's disks stand behind a
// splitter of their own, so that what it writes can be shipped back.
public partial class TargetVolume
{
    private RecoveredMachine? _test;
    private RecoveredMachine? _live;

    /// <summary>The test machine; null when there is none.</summary>
    public RecoveredMachine? Test => Peek(TestName);

    /// <summary>The failed-over machine; null when there is none.</summary>
    public RecoveredMachine? Live => Peek(LiveName);

    /// <summary>Whether there is a failed-over machine.</summary>
    public bool HasLive => Peek(LiveName) is not null;

    /// <summary>Serves a writable copy of a point; nothing else changes (FOV-1, I23).</summary>
    public virtual Task<RecoveredMachine> StartTestAsync(RecoveryPointId point, CancellationToken ct) =>
        OpenMachineAsync(TestName, point, null, ct);

    /// <summary>Removes the test machine and all it wrote.</summary>
    public virtual Task RemoveTestAsync() => CloseMachineAsync(TestName, delete: true);

    /// <summary>
    /// Takes the term, so that no sender of a smaller one is heard any more, and serves writable disks of the point.
    /// Needs nothing of the source (FOV-9).
    /// </summary>
    public virtual async Task<RecoveredMachine> FailOverAsync(RecoveryPointId point, Term term, CancellationToken ct)
    {
        await Sessions.EndAsync();
        Fence(term);
        return await OpenMachineAsync(LiveName, point, term, ct);
    }

    /// <summary>Serves another point's disks in the place of the current ones, whose writes are dropped
    /// (FOV-4).</summary>
    public async Task<RecoveredMachine> SwitchAsync(RecoveryPointId point, Term term, CancellationToken ct)
    {
        if (Peek(LiveName) is { } current && current.Point.Id != point)
        {
            // A point that is not there is refused before the machine that is there is let go.
            _ = Stored(Opened(), point);
            await CloseMachineAsync(LiveName, delete: true);
        }

        return await FailOverAsync(point, term, ct);
    }

    /// <summary>Lets the failed-over machine go; the source writes again under the new term.</summary>
    public virtual async Task RemoveLiveAsync(Term term)
    {
        await CloseLiveAsync(delete: true);
        Fence(term);
    }

    /// <summary>The failed-over machine takes writes again under a new term (a failback was cancelled).</summary>
    public Task ReopenLiveAsync(Term term, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        Fence(term);
        var source = RequireLive().Source!;
        source.Unfence(term, disksUnchanged: true);
        source.Resume();
        return Task.CompletedTask;
    }

    /// <summary>Makes what the failed-over machine wrote the replica's newest content and lets the machine go
    /// (failback).</summary>
    public virtual async Task AdoptAsync()
    {
        if (Peek(LiveName) is not null)
        {
            await CloseMachineAsync(LiveName, delete: false);
        }

        var store = Opened();
        if (store.Overlays.Contains(LiveName, StringComparer.Ordinal))
        {
            store.AdoptOverlay(LiveName);
        }

        _directory.DeleteSubdirectory(LiveName);
    }

    /// <summary>
    /// The failed-over machine takes no more writes; waits until the source side holds every one durably (I22).
    /// </summary>
    public virtual async Task<ChangePosition> QuiesceLiveAsync(CancellationToken ct)
    {
        var tail = RequireLive().Source!.Quiesce();
        while (!ReverseState().CaughtUp)
        {
            await Task.Delay(_surroundings.PollEvery, _time, ct);
        }

        return tail;
    }

    /// <summary>
    /// Whether the source side is in sync (nothing is left to compare or copy; it follows the log, behind by what is in
    /// flight), and whether it has caught up: durably holds every write so far, which a machine that writes on may
    /// never show.
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

    /// <summary>The failed-over machine.</summary>
    /// <exception cref="ReplicaRefusedException">There is none.</exception>
    public RecoveredMachine RequireLive() => Peek(LiveName) ?? throw new ReplicaRefusedException(
        ReplicaRefusal.Unavailable, $"There is no failed-over machine of '{_surroundings.Vm}'.");

    /// <summary>After a restart: opens the replica and serves again what the VM's state says was served.</summary>
    /// <exception cref="IOException">The replica, or what is over it, cannot be opened.</exception>
    public async Task RestoreAsync(ProtectedVmState state, CancellationToken ct)
    {
        _askedBefore = ProtectedVm.Outstanding(state).OfType<ProtectedVmEffect>().Select(AskedFor).ToHashSet();
        await PrepareAsync([], state.Term, ct);
        var store = Opened();
        if (state.TestFailover is TestFailover.Active && store.Overlays.Contains(TestName, StringComparer.Ordinal))
        {
            await OpenMachineAsync(TestName, store.PointOfOverlay(TestName), null, ct);
        }

        if (SourceDuty.LiveTerm(state) is { } term && store.Overlays.Contains(LiveName, StringComparer.Ordinal))
        {
            var machine = await OpenMachineAsync(LiveName, store.PointOfOverlay(LiveName), term, ct);
            if (SourceDuty.IsLiveQuiesced(state))
            {
                machine.Source!.Quiesce();
            }
        }
    }

    /// <summary>The point that an effect asks the source for; none for most.</summary>
    private static RecoveryPointId AskedFor(ProtectedVmEffect effect) => effect switch
    {
        ProtectedVmEffect.TakeRecoveryPoint take => take.Point,
        ProtectedVmEffect.StartTestFailover test => test.Point.Id,
        ProtectedVmEffect.PrepareFailover prepare => prepare.Point.Id,
        _ => default,
    };

    /// <summary>Ends the failed-over machine; with <paramref name="delete"/>, what it wrote goes too.</summary>
    protected Task CloseLiveAsync(bool delete) => CloseMachineAsync(LiveName, delete);

    /// <summary>A disk of a failed-over machine, below its splitter.</summary>
    protected virtual IBlockDevice LiveDisk(IBlockDevice disk) => disk;

    /// <summary>What is told as the bound of what a failover loses (I21).</summary>
    protected virtual TimeSpan Bound(TimeSpan bound) => bound < TimeSpan.Zero ? TimeSpan.Zero : bound;

    private async Task<RecoveredMachine> OpenMachineAsync(
        string name, RecoveryPointId id, Term? term, CancellationToken ct)
    {
        if (Peek(name) is { } open)
        {
            return open;
        }

        var began = _time.GetTimestamp();
        var store = Opened();
        var point = PointSights.Describe(Stored(store, id));
        var overlay = OverlayOf(store, name, id);
        SourceVolume? source = null;
        try
        {
            source = term is { } live ? OpenLiveSource(overlay, live) : null;
            var disks = await _surroundings.Server.ServeAsync(
                name, [.. overlay.Disks.Select((d, i) => (store.Disks[i].Path, source?.Disk(i) ?? d))], ct);
            var machine = new RecoveredMachine(
                point, Bound(AgeOf(point)), _time.GetElapsedTime(began), disks, overlay, source);
            Put(name, machine);
            return machine;
        }
        catch
        {
            // What is tried again finds it as it was.
            source?.Dispose();
            overlay.Dispose();
            throw;
        }
    }

    private StoredPoint Stored(Replica store, RecoveryPointId id) =>
        store.Points.FirstOrDefault(p => p.Id == id) ?? throw new ReplicaCorruptException(
            $"The replica of '{_surroundings.Vm}' does not hold recovery point {id}.");

    /// <summary>
    /// The machine's disks. What a removal that was cut short has left is of another machine: it goes first, with the
    /// log of its writes, which must never be applied to the new disks.
    /// </summary>
    private ReplicaOverlay OverlayOf(Replica store, string name, RecoveryPointId id)
    {
        if (store.Overlays.Contains(name, StringComparer.Ordinal))
        {
            if (store.PointOfOverlay(name) == id)
            {
                return store.OpenOverlay(name);
            }

            store.DeleteOverlay(name);
        }

        _directory.DeleteSubdirectory(name);
        return store.CreateOverlay(name, id);
    }

    private SourceVolume OpenLiveSource(ReplicaOverlay overlay, Term term)
    {
        var source = SourceVolume.Open(new SourceVolumeOptions
        {
            Vm = new ProtectedVmId(_surroundings.Vm),
            Directory = _directory.Subdirectory(LiveName),
            Disks = [.. overlay.Disks.Select((device, i) => new SourceDisk(Opened().Disks[i].Path, LiveDisk(device)))],
            BootId = _surroundings.BootId,
            NewIncarnation = _surroundings.NewIncarnation,
            Time = _time,
            FirstTerm = term,
            CacheLimitBytes = _surroundings.LiveCacheBytes,
            SegmentBytes = _surroundings.LiveSegmentBytes,
        });
        source.Unfence(term, disksUnchanged: true);
        return source;
    }

    private async Task CloseMachineAsync(string name, bool delete)
    {
        if (Peek(name) is { } machine)
        {
            if (name == LiveName)
            {
                await Sessions.EndAsync();
            }

            await _surroundings.Server.StopAsync(machine);
            if (delete)
            {
                // Nothing of it is needed any more: a disk that does not sync must not keep it.
                machine.Source?.Dispose();
            }
            else
            {
                machine.Source?.Close();
            }

            Put(name, null);
            machine.Overlay.Dispose();
        }

        if (delete)
        {
            Remove(name);
        }
    }

    /// <summary>Removes what is left of a machine that is not served, if anything is.</summary>
    private void Remove(string name)
    {
        if (Store is { } store && store.Overlays.Contains(name, StringComparer.Ordinal))
        {
            store.DeleteOverlay(name);
        }

        _directory.DeleteSubdirectory(name);
    }

    private RecoveredMachine? Peek(string name)
    {
        lock (_life)
        {
            return name == TestName ? _test : _live;
        }
    }

    private void Put(string name, RecoveredMachine? machine)
    {
        lock (_life)
        {
            if (name == TestName)
            {
                _test = machine;
            }
            else
            {
                _live = machine;
            }
        }
    }
}
