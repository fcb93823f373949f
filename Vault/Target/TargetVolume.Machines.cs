using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicaStore.Overlays;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Vault.Api;
using Replica = ReplicationEngine.DataPlane.ReplicaStore.ReplicaStore;
using StoredPoint = ReplicationEngine.DataPlane.ReplicaStore.RecoveryPoint;
using EnginePoint = ReplicationEngine.Engine.RecoveryPoints.RecoveryPoint;

namespace ReplicationEngine.Vault.Target;

// The copies that are served: a test machine, and the live one after a failover. The live one's disks stand behind a
// splitter of their own, so that what it writes can be shipped back.
internal sealed partial class TargetVolume
{
    private const long LiveCacheBytes = 4L << 30;

    private Machine? _test;
    private Machine? _live;

    /// <summary>The test machine; null when there is none.</summary>
    public RecoveredMachine? Test => Peek(TestName)?.View;

    /// <summary>The failed-over machine; null when there is none.</summary>
    public RecoveredMachine? Live => Peek(LiveName)?.View;

    /// <summary>Whether there is a failed-over machine.</summary>
    public bool HasLive => Peek(LiveName) is not null;

    /// <summary>Serves a writable copy of a point; nothing else changes (FOV-1, I23).</summary>
    public async Task<(EnginePoint Point, int Exports)> StartTestAsync(RecoveryPointId point, CancellationToken ct)
    {
        var machine = await OpenMachineAsync(TestName, point, null, ct);
        return (machine.Point, machine.View.Disks.Count);
    }

    /// <summary>Removes the test machine and all it wrote.</summary>
    public Task RemoveTestAsync() => CloseMachineAsync(TestName, delete: true);

    /// <summary>
    /// Takes the term, so that no sender of a smaller one is heard any more, and serves writable disks of the point.
    /// Needs nothing of the source (FOV-9).
    /// </summary>
    public async Task<(EnginePoint Point, TimeSpan RpoBound, int Exports)> FailOverAsync(
        RecoveryPointId point, Term term, CancellationToken ct)
    {
        await EndSessionAsync();
        Opened().Fence(term);
        var machine = await OpenMachineAsync(LiveName, point, term, ct);
        return (machine.Point, machine.View.RpoBound, machine.View.Disks.Count);
    }

    /// <summary>Serves another point's disks in the place of the current ones, whose writes are dropped
    /// (FOV-4).</summary>
    public async Task<(EnginePoint Point, TimeSpan RpoBound, int Exports)> SwitchAsync(
        RecoveryPointId point, Term term, CancellationToken ct)
    {
        if (Peek(LiveName) is { } current && current.Point.Id != point)
        {
            _ = Stored(Opened(), point);
            await CloseMachineAsync(LiveName, delete: true);
        }

        return await FailOverAsync(point, term, ct);
    }

    /// <summary>Lets the failed-over machine go; the source writes again under the new term.</summary>
    public async Task RemoveLiveAsync(Term term)
    {
        await CloseMachineAsync(LiveName, delete: true);
        Opened().Fence(term);
    }

    /// <summary>The failed-over machine takes writes again under a new term (a failback was cancelled).</summary>
    public Task ReopenLiveAsync(Term term, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        Opened().Fence(term);
        var source = RequireLive().Source!;
        source.Unfence(term, disksUnchanged: true);
        source.Resume();
        return Task.CompletedTask;
    }

    /// <summary>Makes what the failed-over machine wrote the replica's newest content and lets the machine go
    /// (failback).</summary>
    public async Task AdoptAsync()
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
    public async Task<ChangePosition> QuiesceLiveAsync(CancellationToken ct)
    {
        var tail = RequireLive().Source!.Quiesce();
        while (!ReverseStatus().CaughtUp)
        {
            await Task.Delay(PollEvery, _time, ct);
        }

        return tail;
    }

    /// <summary>The failed-over machine.</summary>
    /// <exception cref="ReplicaRefusedException">There is none.</exception>
    public Machine RequireLive() => Peek(LiveName) ?? throw new ReplicaRefusedException(
        ReplicaRefusal.Unavailable, $"There is no failed-over machine of '{_vm}'.");

    /// <summary>Serves again what was served before a restart.</summary>
    public async Task RestoreAsync(bool test, Term? live, bool quiesced, CancellationToken ct)
    {
        var store = Opened();
        if (test && store.Overlays.Contains(TestName, StringComparer.Ordinal))
        {
            await OpenMachineAsync(TestName, store.PointOfOverlay(TestName), null, ct);
        }

        if (live is { } term && store.Overlays.Contains(LiveName, StringComparer.Ordinal))
        {
            var machine = await OpenMachineAsync(LiveName, store.PointOfOverlay(LiveName), term, ct);
            if (quiesced)
            {
                machine.Source!.Quiesce();
            }
        }
    }

    private async Task<Machine> OpenMachineAsync(string name, RecoveryPointId id, Term? term, CancellationToken ct)
    {
        if (Peek(name) is { } open)
        {
            return open;
        }

        var began = _time.GetTimestamp();
        var store = Opened();
        var stored = Stored(store, id);
        var overlay = OverlayOf(store, name, id);
        var source = term is { } live ? OpenLiveSource(overlay, live) : null;
        var disks = new List<RecoveredDisk>();
        for (var i = 0; i < overlay.Disks.Count; i++)
        {
            var device = source?.Disk(i) ?? overlay.Disks[i];
            var export = $"{_vm}-{name}-{i}";
            var uri = await _server.ServeAsync(export, device, readOnly: false, $"disk {i} of {_vm} ({name})", ct);
            disks.Add(new RecoveredDisk(store.Disks[i].Path, export, uri, device.Length));
        }

        var point = TargetPoints.Describe(stored);
        var bound = _time.GetUtcNow() - point.Time;
        var view = new RecoveredMachine(
            VmViews.Point(new KeptPoint(point, TimeSpan.Zero)), bound < TimeSpan.Zero ? TimeSpan.Zero : bound,
            _time.GetElapsedTime(began), disks, () => overlay.WrittenBytes);
        var machine = new Machine(point, view, overlay, source);
        Put(name, machine);
        return machine;
    }

    private StoredPoint Stored(Replica store, RecoveryPointId id) =>
        store.Points.FirstOrDefault(p => p.Id == id) ?? throw new ReplicaCorruptException(
            $"The replica of '{_vm}' does not hold recovery point {id}.");

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
            Vm = new ProtectedVmId(_vm),
            Directory = _directory.Subdirectory(LiveName),
            Disks = [.. overlay.Disks.Select((device, i) => new SourceDisk(Opened().Disks[i].Path, device))],
            BootId = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(),
            Time = _time,
            FirstTerm = term,
            CacheLimitBytes = LiveCacheBytes,
        });
        source.Unfence(term, disksUnchanged: true);
        return source;
    }

    private async Task CloseMachineAsync(string name, bool delete)
    {
        if (Peek(name) is { } machine)
        {
            await StopServingAsync(name, machine);
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

    private async Task StopServingAsync(string name, Machine machine)
    {
        if (name == LiveName)
        {
            await EndSessionAsync();
        }

        foreach (var disk in machine.View.Disks)
        {
            await _server.StopAsync(disk.Name, CancellationToken.None);
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

    private Machine? Peek(string name)
    {
        lock (_life)
        {
            return name == TestName ? _test : _live;
        }
    }

    private void Put(string name, Machine? machine)
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

    /// <summary>A served copy.</summary>
    internal sealed record Machine(
        EnginePoint Point, RecoveredMachine View, ReplicaOverlay Overlay, SourceVolume? Source);
}
