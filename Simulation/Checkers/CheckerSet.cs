using System.Collections.Immutable;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Workloads;
using ReplicationEngine.Simulation.World;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>All checkers of a world; what happens is told to each.</summary>
internal sealed class CheckerSet
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly ProtectedVmCodec Codec = new();
    private readonly SimWorld _world;
    private readonly SplittableRandom _random;
    private readonly IReadOnlyList<Checker> _all;

    public CheckerSet(SimWorld world, SplittableRandom random)
    {
        (_world, _random) = (world, random);
        _all = world.Parts.Checkers(
        [
            new WriteOrderChecker(), new CaptureChecker(), new FlushChecker(), new RecoveryPointChecker(),
            new StreamOrderChecker(), new FrozenPointChecker(), new DetectOrFailChecker(), new ResyncChecker(world),
            new HalfResyncChecker(), new DirtyMapChecker(world), new OnePrimaryChecker(), new OldPrimaryChecker(),
            new ReplayChecker(world), new AppendChecker(), new OneAnswerChecker(), new NoResidueChecker(),
            new HonestBoundChecker(world), new PlannedFailoverChecker(world), new TestFailoverChecker(),
            new FailbackChecker(), new PruneChecker(world), new CacheFullChecker(), new FailedSyncChecker(),
            new HostChecker(), new QuarantineChecker(), new ConservationChecker(), new FreezeWindowChecker(),
            new PointTimesChecker(world),
            new ComparisonChecker(world, random.Split("comparison")),
            .. world.Plan.Features.HasFlag(SimFeatures.Prompt) ? [new PromptChecker(world)] : Array.Empty<Checker>(),
        ]);
    }

    /// <summary>The invariants that are checked.</summary>
    public IEnumerable<string> Ids => _all.Select(c => c.Id);

    /// <summary>Begins to look every minute.</summary>
    public void Begin() => _world.Queue.After(Minute, () =>
    {
        foreach (var vm in _world.Vms)
        {
            Look(vm);
        }

        Begin();
    });

    /// <summary>Begins to look every second, where the plan asks for it.</summary>
    public void BeginSeconds()
    {
        if (_world.Plan.Features.HasFlag(SimFeatures.Prompt))
        {
            _world.Queue.After(TimeSpan.FromSeconds(1), () =>
            {
                _world.Vms.ForEach(vm => Tell(c => c.Second(vm)));
                BeginSeconds();
            });
        }
    }

    /// <summary>Points were dropped.</summary>
    public void Pruned(SimVm vm) => Tell(c => c.Pruned(vm));

    /// <summary>The run is over: everything is looked at once more.</summary>
    public void End()
    {
        foreach (var vm in _world.Vms)
        {
            Look(vm);
            foreach (var point in (vm.Target.Store?.Points ?? []).Where(p => p.Usable))
            {
                Read(vm, point, first: false);
            }

            Tell(c => c.End(vm));
        }
    }

    /// <summary>Reads points that were not seen before.</summary>
    public void SeePoints(SimVm vm)
    {
        foreach (var point in vm.Target.Store?.Points ?? [])
        {
            if (!vm.Ledger.SeenAt.ContainsKey(point.Id))
            {
                // A marker may stand in the log twice (an effect that was told twice): the store takes one of them.
                vm.Ledger.SeenAt[point.Id] = _world.Queue.Now;
                if ((vm.Ledger.Marked.GetValueOrDefault((point.Id, point.Cut.Lsn.Value))
                    ?? vm.Models.ContentAt(new ChangePosition(point.Cut.Generation, point.Cut.Lsn))) is { } content)
                {
                    vm.Ledger.Points[point.Id] = content;
                }

                _world.Trace.Note("point", point.Cut.Lsn.Value);
                Read(vm, point, first: true);
            }
        }
    }

    /// <summary>A marker stands in the source's log: the point holds what the model holds now.</summary>
    public void Marked(SimVm vm, RecoveryPointId point, long number)
    {
        _world.Trace.Note("marker", number);
        if (!vm.Guest.Connections.Idle)
        {
            _world.Sometimes.Count(Probes.MarkedUnderWay);
        }

        vm.Ledger.Marked[(point, number)] = vm.Models.Source.InLog();
        vm.Models.LastNumber = number;
        Tell(c => c.Marked(vm, point, number));
    }

    /// <summary>Wraps a replica so that what is applied is seen.</summary>
    public IReplicaSink Watch(SimVm vm, IReplicaSink sink, Term senderTerm) =>
        new WatchedSink(this, vm, sink, senderTerm);

    /// <summary>Events reached the journal, which took them or not.</summary>
    public void Appended(SeenAppend seen)
    {
        Tell(c => c.Appended(seen));
        if (!seen.Stored)
        {
            _world.Trace.Note("not taken", seen.Events[0].Sequence);
            _world.Sometimes.Count(Probes.NotTaken);
            return;
        }

        var vm = _world.Vms.First(v => v.Id == seen.Id);
        foreach (var stored in seen.Events)
        {
            _world.Trace.Note(stored.Name, stored.Sequence);
            _world.Sometimes.Count(stored.Name);
            var @event = Codec.Decode(stored.Name, stored.Payload);
            Tell(c => c.Stored(vm, @event));
        }
    }

    /// <summary>An owner is told that its events are durable.</summary>
    public void Persisted(SimVm vm, long owner, ImmutableArray<StoredEvent> events) =>
        Tell(c => c.Persisted(vm, owner, events));

    /// <summary>A write was acknowledged.</summary>
    public void Wrote(SimVm vm, SeenWrite seen)
    {
        Tell(c => c.Wrote(vm, seen));
        if (seen.Write.Logged)
        {
            vm.Guest.Acknowledged(seen.Volume, seen.Write.After);
        }
    }

    /// <summary>A write was refused.</summary>
    public void Refused(SimVm vm, DiskModel model, SourceVolume volume, BlockDeviceException error) =>
        Tell(c => c.Refused(vm, model, volume, error));

    /// <summary>A flush was answered.</summary>
    public void Flushed(SimVm vm, SourceVolume volume, int disk, BlockDeviceException? error)
    {
        if (error is null or { Errno: BlockDeviceException.InputOutput })
        {
            Tell(c => c.Flushed(vm, volume, disk, error is not null));
        }
    }

    /// <summary>The source volume was opened after its process had died.</summary>
    public void SourceReopened(SimVm vm, bool powerCut)
    {
        if (vm.Agent.Volume is not { } volume)
        {
            return;
        }

        var cut = powerCut || vm.Ledger.SourceCut;
        vm.Ledger.SourceCut = false;
        var actual = vm.Agent.Content(vm.Agent.Raw());
        Tell(c => c.Reopened(vm, cut, actual, vm.Models.Source));
        vm.Models.Source.Adopt(actual, vm.Models.LastNumber + 1, _world.Queue.Now);
        vm.Models.LastNumber = Math.Max(vm.Models.LastNumber, volume.Tail.Lsn.Value);
    }

    /// <summary>The source volume was opened after its machine, data or disks had been put back.</summary>
    public void OpenedPutBack(SimVm vm, SourceVolume volume, ulong[] expected, ulong[] actual)
    {
        Tell(c => c.OpenedPutBack(vm, expected, actual));
        vm.Models.BeginsAt(volume.Tail.Lsn.Value);
    }

    /// <summary>The agent came back with nothing to open.</summary>
    public void DisksFound(SimVm vm, bool powerCut, ulong[] actual)
    {
        vm.Ledger.SourceCut = false;
        _world.Trace.Note("disks found", powerCut ? 1 : 0);
        vm.Models.Source = DiskModel.From(actual);
        vm.Models.LastNumber = 0;
    }

    /// <summary>The source's disks are its own again, after a failback.</summary>
    public void ReturnedToSource(SimVm vm, ulong[] actual)
    {
        Tell(c => c.FailedBack(vm, actual));
        vm.Models.Source = DiskModel.From(actual);
    }

    /// <summary>The target side was opened after the service had died.</summary>
    public void TargetReopened(SimVm vm)
    {
        SeePoints(vm);
        if (vm.Models.Live is { } model && vm.Target.Live is { } live)
        {
            var actual = vm.Shape.Read(i => live.Overlay.Disks[i]);
            var cut = vm.Ledger.TargetCut || vm.Ledger.TargetSyncBroken;
            if (!vm.Ledger.Damaged)
            {
                Tell(c => c.Reopened(vm, cut, actual, model));
            }

            model.Adopt(actual, model.Writes.Count > 0 ? model.Writes[^1].After + 1 : 0, _world.Queue.Now);
        }

        vm.Ledger.TargetCut = false;
    }

    /// <summary>The target side could not be opened.</summary>
    public static void NotRestored(SimVm vm, IOException cause)
    {
        if (!vm.Ledger.Damaged && cause is ReplicaCorruptException)
        {
            throw new InvariantBrokenException("I7", $"{vm.Name}: an undamaged replica is not opened: {cause.Message}");
        }
    }

    /// <summary>The target side took over.</summary>
    public void FailedOver(SimVm vm, RecoveredMachine copy)
    {
        var content = vm.Shape.Read(i => vm.Target.Live!.Overlay.Disks[i]);
        Tell(c => c.FailedOver(vm, copy, content));
    }

    /// <summary>A test machine began.</summary>
    public void TestStarted(SimVm vm) => Tell(c => c.Tested(vm, vm.Target.Test));

    /// <summary>A test machine was removed.</summary>
    public void TestRemoved(SimVm vm) => Tell(c => c.Tested(vm, null));

    /// <summary>A command was answered.</summary>
    public void Answered(SimVm vm, CommandId id, ProtectedVmCommand command, CommandReply reply) =>
        Tell(c => c.Answered(vm, id, command, reply));

    /// <summary>An entity is out of service.</summary>
    public void Quarantined(SimVm vm, Exception cause)
    {
        _world.Trace.Note("quarantined", vm.Number);
        Tell(c => c.EntityFailed(vm, cause));
    }

    /// <summary>A damaged snapshot was left aside.</summary>
    public void SnapshotIgnored(SimVm vm)
    {
        _world.Trace.Note("snapshot ignored", vm.Number);
        _world.Sometimes.Count(Probes.SnapshotIgnored);
    }

    /// <summary>An entity met an exception.</summary>
    public void Restarted(SimVm vm, Exception cause) => Tell(c => c.EntityFailed(vm, cause));

    private void Look(SimVm vm)
    {
        try
        {
            SeePoints(vm);
            Tell(c => c.Minute(vm));
            if (vm.Target.Store?.Points.Where(p => p.Usable).ToArray() is { Length: > 0 } points)
            {
                Read(vm, _random.Pick(points), first: false);
            }
        }
        catch (Storage.SimulatedDeathException)
        {
            _world.Service.Die();
        }
        catch (Exception e) when (e is ReplicaCorruptException or ReplicaRefusedException
            or DataPlane.Storage.StorageException)
        {
            _world.Trace.Note("could not look");
        }
    }

    private void Read(SimVm vm, RecoveryPoint point, bool first)
    {
        ulong[]? content = null;
        if (vm.Target.Store is not { } store || !vm.Ledger.Points.ContainsKey(point.Id))
        {
            return;
        }

        try
        {
            using var export = store.OpenPoint(point.Id);
            content = vm.Shape.Read(i => _world.Parts.PointDisk(point, export.Disks[i]));
        }
        catch (IOException e)
        {
            _world.Trace.Note("point not readable " + e.GetType().Name);
        }

        Tell(c => c.PointRead(vm, point, content, first));
    }

    private void Tell(Action<Checker> tell)
    {
        foreach (var checker in _all)
        {
            tell(checker);
        }
    }

    /// <summary>Sees what a session applies.</summary>
    private sealed class WatchedSink(CheckerSet set, SimVm vm, IReplicaSink sink, Term senderTerm) : IReplicaSink
    {
        public ReplicaPosition Position => sink.Position;

        public IReadOnlyList<ExtentRange>? ChangedSince(MarkedPosition floor) => sink.ChangedSince(floor);

        public void NameSource(Guid incarnation) => sink.NameSource(incarnation);

        public void Apply(ReadOnlyMemory<byte> records)
        {
            var store = vm.Target.Store!;
            var before = (store.Position, store.Applied);
            var points = store.Points.Count;
            sink.Apply(records);
            var after = (store.Position, store.Applied);
            var seen = new SeenRecords(records, before, after, senderTerm, store.Points.Count - points)
            {
                NewestCut = store.Points is [.., var newest] ? newest.Cut : default,
            };
            set.Tell(c => c.Applied(vm, seen));
            if (seen.NewPoints > 0)
            {
                set.SeePoints(vm);
            }
        }

        public void NoteBlockHashes(int disk, long firstBlock, ReadOnlySpan<byte> hashes) =>
            sink.NoteBlockHashes(disk, firstBlock, hashes);

        public void CompareBlocks(int disk, long firstBlock, ReadOnlySpan<byte> hashes, Span<bool> differs) =>
            sink.CompareBlocks(disk, firstBlock, hashes, differs);

        public bool TryReadBlockHashes(int disk, long firstBlock, Span<byte> hashes) =>
            sink.TryReadBlockHashes(disk, firstBlock, hashes);

        public void EndResync(ChangePosition consistentFrom) => sink.EndResync(consistentFrom);

        public ChangePosition Sync() => sink.Sync();

        public void Resize(int disk, long sizeBytes) => sink.Resize(disk, sizeBytes);
    }
}
