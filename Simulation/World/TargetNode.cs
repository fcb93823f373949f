using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicaStore;
using ReplicationEngine.DataPlane.ReplicaStore.Overlays;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Storage;

namespace ReplicationEngine.Simulation.World;

/// <summary>A served copy: the test machine, or the live one after a failover.</summary>
internal sealed record ServedCopy(RecoveryPoint Point, ReplicaOverlay Overlay, SourceVolume? Source, TimeSpan Bound);

/// <summary>
/// The target side of one VM within the service: the production replica store over simulated disks, the session that
/// feeds it, and the copies that are served. What the service's own target volume does, without its waiting.
/// </summary>
internal sealed class TargetNode(SimWorld world, SimVm vm, SplittableRandom random)
{
    private const string TestName = "test";
    private const string LiveName = "live";
    private readonly Queue<(ChangePosition Tail, DateTimeOffset At)> _reported = new();
    private DataSession? _session;
    private DateTimeOffset _completeAsOf;
    private int _boot;

    /// <summary>The storage of this VM's replica.</summary>
    public SimulatedStorage Storage { get; } = new(random.Split("storage"));

    /// <summary>The replica.</summary>
    public ReplicaStore? Store { get; private set; }

    /// <summary>The test machine.</summary>
    public ServedCopy? Test { get; private set; }

    /// <summary>The machine that runs here.</summary>
    public ServedCopy? Live { get; private set; }

    /// <summary>The running session.</summary>
    public DataSession? Session => _session;

    /// <summary>Whether a source sends.</summary>
    public bool Receiving => _session is { Open: true } && Live is null;

    /// <summary>Why the replica takes nothing more.</summary>
    public string? Fault { get; private set; }

    /// <summary>Whether anything of the VM is stored.</summary>
    public bool Exists => ReplicaStore.Exists(Directory);

    private DataPlane.Storage.IStorageDirectory Directory =>
        world.Parts.ReplicaDirectory(Storage.Root.Subdirectory("replica"));

    /// <summary>The process died.</summary>
    public void Died(bool powerCut)
    {
        Storage.Kill();
        EndSession("the service died");
        (Store, Test, Live, Fault) = (null, null, null, null);
        Storage.Restart(powerCut);
        _boot += powerCut ? 1 : 0;
        _reported.Clear();
        _completeAsOf = default;
    }

    /// <summary>Makes or opens the replica.</summary>
    public void Prepare(Term term)
    {
        var options = new ReplicaStoreOptions
        {
            Time = world.Service.Clock,
            SegmentBytes = 256 << 10,
            LayerExtents = 1 << 10,
            LayerBytes = 1 << 20,
            FoldStepBytes = 256 << 10,
            ManifestBytes = 16 << 10,
        };
        Store ??= Exists
            ? ReplicaStore.Open(Directory, options)
            : ReplicaStore.Create(
                Directory, vm.VmId, [.. vm.Shape.Sizes.Select((s, i) => new DiskSpec(vm.Paths[i], s))], term, options);
    }

    /// <summary>Whether the point exists.</summary>
    public bool HasPoint(RecoveryPointId point) => Opened().Points.Any(p => p.Id == point);

    /// <summary>Seals everything received as a point.</summary>
    public void SealNow(RecoveryPointId point) => Opened().SealNow(point, CompleteAsOf(), PointConsistency.Crash);

    /// <summary>Drops points.</summary>
    public void Prune(IReadOnlyList<RecoveryPointId> points)
    {
        var store = Opened();
        store.Prune([.. world.Parts.Prune(store, points).Where(id => store.Points.Any(p => p.Id == id))]);
    }

    /// <summary>Makes the point the newest content and drops the others.</summary>
    public void Settle(RecoveryPointId point)
    {
        var store = Opened();
        store.Rewind(point);
        store.Prune([.. store.Points.Select(p => p.Id).Where(id => id != point)]);
    }

    /// <summary>Refuses smaller terms from now on.</summary>
    public void Fence(Term term)
    {
        if (world.Parts.FencesReplica)
        {
            Opened().Fence(term);
        }
    }

    /// <summary>Transfers are tried anew.</summary>
    public void ForgetFault() => Fault = null;

    /// <summary>Serves a writable copy of a point.</summary>
    public ServedCopy StartTest(RecoveryPointId point) => Test ??= Serve(TestName, point, null);

    /// <summary>Removes the test machine.</summary>
    public void RemoveTest()
    {
        if (world.Parts.CleansUp)
        {
            Close(TestName, delete: true);
        }

        Test = null;
    }

    /// <summary>Takes the term and serves writable disks of the point.</summary>
    public ServedCopy FailOver(RecoveryPointId point, Term term)
    {
        if (world.Parts.FencesReplica)
        {
            EndSession("failing over");
        }

        Fence(term);
        return Live ??= Serve(LiveName, point, term);
    }

    /// <summary>Serves another point's disks.</summary>
    public ServedCopy Switch(RecoveryPointId point, Term term)
    {
        if (Live is { } current && current.Point.Id != point)
        {
            Close(LiveName, delete: true);
        }

        return FailOver(point, term);
    }

    /// <summary>Lets the failed-over machine go.</summary>
    public void RemoveLive(Term term)
    {
        Close(LiveName, delete: world.Parts.RemovesLive);
        Fence(term);
    }

    /// <summary>The failed-over machine takes writes again.</summary>
    public void ReopenLive(Term term)
    {
        Fence(term);
        var source = RequireLive().Source!;
        source.Unfence(term, disksUnchanged: true);
        source.Resume();
    }

    /// <summary>What the failed-over machine wrote becomes the replica's newest content.</summary>
    public void Adopt()
    {
        Close(LiveName, delete: false);
        var store = Opened();
        if (store.Overlays.Contains(LiveName, StringComparer.Ordinal))
        {
            store.AdoptOverlay(LiveName);
        }

        Storage.Root.DeleteSubdirectory(LiveName);
    }

    /// <summary>The failed-over machine.</summary>
    public ServedCopy RequireLive() => Live ?? throw new ReplicaRefusedException(
        ReplicaRefusal.Unavailable, "there is no failed-over machine");

    /// <summary>Serves again what was served before a restart.</summary>
    public void Restore(bool test, Term? live, bool quiesced)
    {
        var store = Opened();
        if (test && store.Overlays.Contains(TestName, StringComparer.Ordinal))
        {
            Test = Serve(TestName, store.PointOfOverlay(TestName), null);
        }

        if (live is { } term && store.Overlays.Contains(LiveName, StringComparer.Ordinal))
        {
            Live = Serve(LiveName, store.PointOfOverlay(LiveName), term);
            if (quiesced)
            {
                Live.Source!.Quiesce();
            }
        }
    }

    /// <summary>Lets everything go.</summary>
    public void Release(bool keep)
    {
        EndSession("released");
        Close(TestName, delete: false);
        Close(LiveName, delete: false);
        (Test, Live) = (null, null);
        Store?.Dispose();
        Store = null;
        if (!keep)
        {
            Storage.Root.DeleteSubdirectory("replica");
            Storage.Root.DeleteSubdirectory(LiveName);
            vm.Forget();
        }
    }

    /// <summary>How far the source was at a moment (I21).</summary>
    public void NoteReport(SourceReport report)
    {
        if (report is { Role: Engine.ProtectedVms.SourceRole.Primary or Engine.ProtectedVms.SourceRole.Quiesced,
            Counters: { Mode: SourceMode.Logging } counters })
        {
            _reported.Enqueue((counters.Tail, report.At));
            while (_reported.Count > 4096)
            {
                _reported.Dequeue();
            }
        }
    }

    /// <summary>Background work.</summary>
    public void Maintain()
    {
        try
        {
            Store?.Maintain(TimeSpan.FromMilliseconds(50));
            Live?.Source?.Maintain();
            _session?.Poke();
        }
        catch (Exception e) when (e is ReplicaCorruptException or IOException)
        {
            world.Trace.Note("background work failed");
        }
    }

    /// <summary>The state of replication back: in sync, and caught up.</summary>
    public (bool InSync, bool CaughtUp) ReverseState()
    {
        if (Live?.Source is not { } source)
        {
            return (false, false);
        }

        var counters = source.Counters();
        var inSync = _session is { Open: true, Streaming: true } && counters.DirtyBytes == 0
            && _session.Durable.Generation == counters.Tail.Generation;
        return (inSync, inSync && _session!.Durable.CompareTo(counters.Tail) >= 0);
    }

    /// <summary>A source calls to send; takes the place of any session there is.</summary>
    /// <exception cref="IOException">It is refused.</exception>
    public DataSession Receive(IChangeSource source, SessionEnd sender)
    {
        var store = Opened();
        if (Live is not null && world.Parts.FencesReplica)
        {
            throw new SessionRefusedException(SessionRefusal.StaleTerm, "it was failed over");
        }

        Check(SessionOffer.Send(source), SessionOffer.Receive(store, vm.Shape.Sizes));
        EndSession("another takes its place");
        if (world.Parts.FencesReplica)
        {
            store.AcceptTerm(source.Term);
        }

        var sink = world.Checkers.Watch(vm, world.Parts.Sink(store), source.Term);
        return _session = DataSession.Begin(
            world, vm.Wire, toService: true, (sender, new SessionEnd(world.Service, _ => { })), source,
            new FaultNoting(this, sink));
    }

    /// <summary>The old source calls to receive.</summary>
    /// <exception cref="IOException">It is refused.</exception>
    public DataSession SendBack(IReplicaSink sink, IReadOnlyList<long> sizes, SessionEnd receiver)
    {
        var source = RequireLive().Source!;
        Check(SessionOffer.Send(source), SessionOffer.Receive(sink, sizes));
        EndSession("another takes its place");
        return _session = DataSession.Begin(
            world, vm.Wire, toService: false, (new SessionEnd(world.Service, _ => { }), receiver),
            world.Parts.Source(source), sink);
    }

    /// <summary>Ends the session.</summary>
    public void EndSession(string why)
    {
        var session = _session;
        _session = null;
        session?.End(why);
    }

    /// <summary>The newest moment of which the replica is known to hold every write.</summary>
    private DateTimeOffset CompleteAsOf()
    {
        var applied = Opened().Applied;
        while (_reported.TryPeek(out var report) && report.Tail.CompareTo(applied) <= 0)
        {
            _completeAsOf = _reported.Dequeue().At;
        }

        var newest = Opened().Points.Select(p => p.Time).DefaultIfEmpty(DateTimeOffset.UnixEpoch).Max();
        return _completeAsOf > newest ? _completeAsOf : newest;
    }

    private static void Check(SessionOffer one, SessionOffer other)
    {
        if (SessionOffer.Refusal(one, other) is { } refusal)
        {
            throw refusal;
        }
    }

    private ServedCopy Serve(string name, RecoveryPointId id, Term? term)
    {
        var store = Opened();
        var stored = store.Points.FirstOrDefault(p => p.Id == id)
            ?? throw new ReplicaCorruptException($"the replica does not hold recovery point {id}");
        var overlay = OverlayOf(store, name, id);
        var source = term is { } live ? OpenLive(overlay, live) : null;
        var bound = world.Service.Clock.GetUtcNow() - stored.Time;
        return new ServedCopy(
            stored, overlay, source, world.Parts.Bound(bound < TimeSpan.Zero ? TimeSpan.Zero : bound));
    }

    private ReplicaOverlay OverlayOf(ReplicaStore store, string name, RecoveryPointId id)
    {
        if (store.Overlays.Contains(name, StringComparer.Ordinal))
        {
            if (store.PointOfOverlay(name) == id)
            {
                return store.OpenOverlay(name);
            }

            store.DeleteOverlay(name);
        }

        Storage.Root.DeleteSubdirectory(name);
        return store.CreateOverlay(name, id);
    }

    private SourceVolume OpenLive(ReplicaOverlay overlay, Term term)
    {
        var source = SourceVolume.Open(new SourceVolumeOptions
        {
            Vm = vm.VmId,
            Directory = Storage.Root.Subdirectory(LiveName),
            Disks = [.. overlay.Disks.Select((d, i) =>
                new SourceDisk(vm.Paths[i], world.Parts.OverlayDisk(LiveName, d, Opened())))],
            BootId = $"boot-{_boot}",
            Time = world.Service.Clock,
            FirstTerm = term,
            CacheLimitBytes = world.Plan.CacheLimitBytes,
            SegmentBytes = 256 << 10,
        });
        source.Unfence(term, disksUnchanged: true);
        return source;
    }

    private void Close(string name, bool delete)
    {
        if ((name == TestName ? Test : Live) is { } copy)
        {
            if (name == LiveName)
            {
                EndSession("the machine is closed");
            }

            if (delete)
            {
                copy.Source?.Dispose();
            }
            else
            {
                copy.Source?.Close();
            }

            Test = name == TestName ? null : Test;
            Live = name == LiveName ? null : Live;
            copy.Overlay.Dispose();
        }

        if (!delete)
        {
            return;
        }

        if (Store is { } store && store.Overlays.Contains(name, StringComparer.Ordinal))
        {
            store.DeleteOverlay(name);
        }

        Storage.Root.DeleteSubdirectory(name);
    }

    private ReplicaStore Opened() =>
        Store ?? throw new ReplicaRefusedException(ReplicaRefusal.Unavailable, "the replica is not open");

    /// <summary>Notes what the service's session handler notes: damage, and that it is over.</summary>
    private sealed class FaultNoting(TargetNode target, IReplicaSink sink) : IReplicaSink
    {
        public ReplicaPosition Position => sink.Position;

        public void Apply(ReadOnlyMemory<byte> records) => Noting(() => sink.Apply(records));

        public void NoteBlockHashes(int disk, long firstBlock, ReadOnlySpan<byte> hashes) =>
            sink.NoteBlockHashes(disk, firstBlock, hashes);

        public void CompareBlocks(int disk, long firstBlock, ReadOnlySpan<byte> hashes, Span<bool> differs)
        {
            try
            {
                sink.CompareBlocks(disk, firstBlock, hashes, differs);
            }
            catch (ReplicaCorruptException e)
            {
                target.Fault = e.Message;
                throw;
            }
        }

        public bool TryReadBlockHashes(int disk, long firstBlock, Span<byte> hashes) =>
            sink.TryReadBlockHashes(disk, firstBlock, hashes);

        public void EndResync(ChangePosition consistentFrom) => Noting(() => sink.EndResync(consistentFrom));

        public ChangePosition Sync()
        {
            var durable = default(ChangePosition);
            Noting(() => durable = sink.Sync());
            target.ForgetFault();
            return durable;
        }

        public void Resize(int disk, long sizeBytes) => sink.Resize(disk, sizeBytes);

        private void Noting(Action action)
        {
            try
            {
                action();
            }
            catch (ReplicaCorruptException e)
            {
                target.Fault = e.Message;
                throw;
            }
        }
    }
}
