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

/// <summary>The checkers of a world. The set passes everything that happens to each of them.</summary>
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

    /// <summary>The names of the checked invariants.</summary>
    public IEnumerable<string> Ids => _all.Select(c => c.Id);

    /// <summary>Starts the checks that run every minute.</summary>
    public void Begin() => _world.Queue.After(Minute, () =>
    {
        foreach (var vm in _world.Vms)
        {
            Look(vm);
        }

        Begin();
    });

    /// <summary>Starts the checks that run every second, if the plan has them.</summary>
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

    /// <summary>Notifies the checkers that the replica dropped recovery points.</summary>
    public void Pruned(SimVm vm) => Tell(c => c.Pruned(vm));

    /// <summary>Checks everything once more at the end of the run.</summary>
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

    /// <summary>Reads the recovery points that are new in the replica, and records what they must hold.</summary>
    public void SeePoints(SimVm vm)
    {
        foreach (var point in vm.Target.Store?.Points ?? [])
        {
            if (!vm.Ledger.SeenAt.ContainsKey(point.Id))
            {
                // The log may hold the marker of a point twice, because its effect ran twice. The store takes one of
                // them.
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

    /// <summary>
    /// Records that a marker is in the source's log, and notifies the checkers: the recovery point must hold what the
    /// log holds now.
    /// </summary>
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

    /// <summary>Returns a replica that passes everything that is applied to it on to the checkers.</summary>
    public IReplicaSink Watch(SimVm vm, IReplicaSink sink, Term senderTerm) =>
        new WatchedSink(this, vm, sink, senderTerm);

    /// <summary>
    /// Notifies the checkers of events that reached the journal, and of each event that the journal stored.
    /// </summary>
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

    /// <summary>Notifies the checkers that an owner learns that its events are durable.</summary>
    public void Persisted(SimVm vm, long owner, ImmutableArray<StoredEvent> events) =>
        Tell(c => c.Persisted(vm, owner, events));

    /// <summary>Notifies the checkers that a write was acknowledged.</summary>
    public void Wrote(SimVm vm, SeenWrite seen)
    {
        Tell(c => c.Wrote(vm, seen));
        if (seen.Write.Logged)
        {
            vm.Guest.Acknowledged(seen.Volume, seen.Write.After);
        }
    }

    /// <summary>Notifies the checkers that a write was refused.</summary>
    public void Refused(SimVm vm, DiskModel model, SourceVolume volume, BlockDeviceException error) =>
        Tell(c => c.Refused(vm, model, volume, error));

    /// <summary>Notifies the checkers that a flush was acknowledged, or failed with EIO.</summary>
    public void Flushed(SimVm vm, SourceVolume volume, int disk, BlockDeviceException? error)
    {
        if (error is null or { Errno: BlockDeviceException.InputOutput })
        {
            Tell(c => c.Flushed(vm, volume, disk, error is not null));
        }
    }

    /// <summary>
    /// Notifies the checkers that the source volume was opened after its process had died, and takes the content of its
    /// disks into the model.
    /// </summary>
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

    /// <summary>
    /// Notifies the checkers that the source volume was opened after its machine, data or disks had been restored.
    /// </summary>
    public void OpenedPutBack(SimVm vm, SourceVolume volume, ulong[] expected, ulong[] actual)
    {
        Tell(c => c.OpenedPutBack(vm, expected, actual));
        vm.Models.BeginsAt(volume.Tail.Lsn.Value);
    }

    /// <summary>
    /// Begins a new model of the source from the present content of its disks. Called when the disks hold no history
    /// that the model could continue.
    /// </summary>
    public void DisksFound(SimVm vm, bool powerCut, ulong[] actual)
    {
        vm.Ledger.SourceCut = false;
        _world.Trace.Note("disks found", powerCut ? 1 : 0);
        vm.Models.Source = DiskModel.From(actual);
        vm.Models.LastNumber = 0;
    }

    /// <summary>Notifies the checkers that the source's disks are its own again, after a failback.</summary>
    public void ReturnedToSource(SimVm vm, ulong[] actual)
    {
        Tell(c => c.FailedBack(vm, actual));
        vm.Models.Source = DiskModel.From(actual);
    }

    /// <summary>
    /// Notifies the checkers that the target side was opened after the service had died, and takes the content of the
    /// recovered machine's disks into its model.
    /// </summary>
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

    /// <summary>
    /// Throws if the target side cannot be opened because an undamaged replica is reported as corrupt (I7).
    /// </summary>
    public static void NotRestored(SimVm vm, IOException cause)
    {
        if (!vm.Ledger.Damaged && cause is ReplicaCorruptException)
        {
            throw new InvariantBrokenException("I7", $"{vm.Name}: an undamaged replica is not opened: {cause.Message}");
        }
    }

    /// <summary>Notifies the checkers that the target side has taken over.</summary>
    public void FailedOver(SimVm vm, RecoveredMachine copy)
    {
        var content = vm.Shape.Read(i => vm.Target.Live!.Overlay.Disks[i]);
        Tell(c => c.FailedOver(vm, copy, content));
    }

    /// <summary>Notifies the checkers that a test machine was started.</summary>
    public void TestStarted(SimVm vm) => Tell(c => c.Tested(vm, vm.Target.Test));

    /// <summary>Notifies the checkers that a test machine was removed.</summary>
    public void TestRemoved(SimVm vm) => Tell(c => c.Tested(vm, null));

    /// <summary>Notifies the checkers that a command got its reply.</summary>
    public void Answered(SimVm vm, CommandId id, ProtectedVmCommand command, CommandReply reply) =>
        Tell(c => c.Answered(vm, id, command, reply));

    /// <summary>Notifies the checkers that an entity is out of service.</summary>
    public void Quarantined(SimVm vm, Exception cause)
    {
        _world.Trace.Note("quarantined", vm.Number);
        Tell(c => c.EntityFailed(vm, cause));
    }

    /// <summary>Records that an entity ignored a damaged snapshot.</summary>
    public void SnapshotIgnored(SimVm vm)
    {
        _world.Trace.Note("snapshot ignored", vm.Number);
        _world.Sometimes.Count(Probes.SnapshotIgnored);
    }

    /// <summary>Notifies the checkers that an entity restarted because of an exception.</summary>
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

    /// <summary>A replica that passes everything that a session applies to it on to the checkers.</summary>
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
