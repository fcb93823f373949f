using System.Globalization;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Orchestration.Targets;
using ReplicationEngine.Simulation.Checkers;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Workloads;

namespace ReplicationEngine.Simulation.World;

/// <summary>One protected VM: its agent, its target side, its entity, its guest and the model of its disks.</summary>
internal sealed class SimVm
{
    private const int Patience = 10;
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(1);
    private readonly SimWorld _world;
    private readonly SplittableRandom _random;
    private readonly List<Lineage> _former = [];
    private long _begins = -1;
    private bool _metReplica;
    private long _command;
    private (SourceVolume? Volume, long Number) _acknowledgedBy;

    public SimVm(SimWorld world, int number, SplittableRandom random)
    {
        (_world, _random, Number) = (world, random, number);
        Name = string.Create(CultureInfo.InvariantCulture, $"vm-{number}");
        Id = new PersistenceId("protected-vm", new VaultId("default"), Name);
        long[] sizes = random.Chance(0.5) ? [(4 << 20) + (256 << 10), 256 << 10] : [(4 << 20) + (128 << 10)];
        Shape = new DiskShape(sizes, random.Chance(0.5) ? 32 << 10 : 128 << 10);
        Paths = [.. sizes.Select((_, i) => string.Create(CultureInfo.InvariantCulture, $"/dev/{Name}-{i}"))];
        Source = new DiskModel(Shape.Sectors);
        Wire = new Wire(world.Queue, random.Split("wire"));
        Wire.Lost = () => world.Service.GaveUp(this);
        Connections = new GuestConnections(world, this, random.Split("connections"));
        Agent = new AgentNode(world, this, random.Split("agent"));
        Target = new TargetNode(world, this, random.Split("target"));
    }

    /// <summary>Its number in the plan.</summary>
    public int Number { get; }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Its stream.</summary>
    public PersistenceId Id { get; }

    /// <summary>Its agent's name in the vault.</summary>
    public string AgentName => "agent-" + Name;

    /// <summary>Its name as an id.</summary>
    public ProtectedVmId VmId => new(Name);

    /// <summary>Its disks.</summary>
    public DiskShape Shape { get; }

    /// <summary>Their paths.</summary>
    public IReadOnlyList<string> Paths { get; }

    /// <summary>The link.</summary>
    public Wire Wire { get; }

    /// <summary>The guest's connections to its disks at the source.</summary>
    public GuestConnections Connections { get; }

    /// <summary>The source side.</summary>
    public AgentNode Agent { get; }

    /// <summary>The target side.</summary>
    public TargetNode Target { get; }

    /// <summary>The entity, in this life of the service.</summary>
    public EntityHost Host { get; set; } = null!;

    /// <summary>The target side stands as it did before the service's last start.</summary>
    public bool Restored { get; set; }

    /// <summary>The source site is away until then.</summary>
    public TimeSpan RegionLostUntil { get; set; }

    /// <summary>The model of the source's disks.</summary>
    public DiskModel Source { get; set; }

    /// <summary>The model of the failed-over machine's disks.</summary>
    public DiskModel? Live { get; set; }

    /// <summary>The point that machine stands on.</summary>
    public RecoveryPointId LivePoint { get; private set; }

    /// <summary>The model of the test machine's disks.</summary>
    public ulong[]? TestContent { get; set; }

    /// <summary>What each recovery point must hold.</summary>
    public Dictionary<RecoveryPointId, ulong[]> Points { get; } = [];

    /// <summary>What the source held at each marker, by its point and number.</summary>
    public Dictionary<(RecoveryPointId Point, long Lsn), ulong[]> Marked { get; } = [];

    /// <summary>When each point was seen first (virtual time).</summary>
    public Dictionary<RecoveryPointId, TimeSpan> SeenAt { get; } = [];

    /// <summary>When source and replica were found equal everywhere.</summary>
    public TimeSpan? EqualAt { get; set; }

    /// <summary>The newest number that the source gave, as far as anybody was told.</summary>
    public long LastNumber { get; set; }

    /// <summary>A power cut of the source that no opening was checked after yet.</summary>
    public bool SourceCut { get; set; }

    /// <summary>A power cut of the target that no opening was checked after yet.</summary>
    public bool TargetCut { get; set; }

    /// <summary>A sync at the source was made to fail.</summary>
    public bool SyncBroken { get; set; }

    /// <summary>A sync at the target was made to fail: what was unsynced may be gone, as after a power cut.</summary>
    public bool TargetSyncBroken { get; set; }

    /// <summary>What the source's disks held when they were put back, until the volume is open again.</summary>
    public ulong[]? PutBack { get; set; }

    /// <summary>When the service took the agent's newest report (virtual time).</summary>
    public TimeSpan ReportedAt { get; set; }

    /// <summary>Damage was done to the replica's files.</summary>
    public bool Damaged { get; set; }

    /// <summary>Why an entity of it is quarantined by a fault.</summary>
    public Action? Antidote { get; set; }

    /// <summary>The policy under which it is protected first.</summary>
    public ReplicationPolicy Policy => ReplicationPolicy.Default with
    {
        AutoResync = AutoResync.Immediately,
        Retention = TimeSpan.FromMinutes(_world.Plan.RetentionMinutes),
    };

    /// <summary>The command that protects it.</summary>
    public ProtectedVmCommand Enabling() => new ProtectedVmCommand.Enable(
        VmId, Paths.Select((p, i) => new ProtectedDisk(p, Shape.Sizes[i])).ToValueList(), "SCN-1", Policy, AgentName);

    /// <summary>Sends a command; sometimes a copy of it comes later (M).</summary>
    public async Task<CommandReply> AskAsync(CommandId id, string actor, ProtectedVmCommand command)
    {
        var reply = await Host.AskAsync(id, actor, command);
        _world.Checkers.Answered(this, id, command, reply);
        if (_random.Chance(0.02))
        {
            _world.Service.After(_random.Between(TimeSpan.Zero, TimeSpan.FromMinutes(5)), () =>
                _world.Run(
                    async () => _world.Checkers.Answered(this, id, command, await Host.AskAsync(id, actor, command)),
                    _world.Service));
        }

        return reply;
    }

    /// <summary>A person asks for something.</summary>
    public void Ask(ProtectedVmCommand command)
    {
        if (!_world.Service.Alive)
        {
            return;
        }

        var id = EngineCommandIds.Of($"{Name}|operator|{_command++}|{_world.Plan.Seed}");
        _world.Service.After(TimeSpan.Zero, () => _world.Run(
            async () =>
            {
                if (Host.State?.Phase is Phase.ChangingPoint && command is ProtectedVmCommand.Commit)
                {
                    _world.Sometimes.Count(Probes.CommitWhileChanging);
                }

                var reply = await AskAsync(id, "operator", command);
                for (var again = 0; again < Patience && IsUnknown(reply); again++)
                {
                    await Task.Delay(AskAgainAfter, _world.Service.Clock, _world.Service.LifeEnds);
                    reply = await AskAsync(id, "operator", command);
                }

                _world.Trace.Note($"{Name} {command.GetType().Name} {reply.GetType().Name}");
            },
            _world.Service));
    }

    private static bool IsUnknown(CommandReply reply) =>
        reply is CommandReply.Unavailable { Reason: UnavailableReason.JournalUnavailable };

    /// <summary>The guest writes, wherever it runs.</summary>
    public void Write(long seed, long count)
    {
        var random = new SplittableRandom((ulong)seed);
        for (var i = 0; i < count; i++)
        {
            if (Agent is { Alive: true, Paused: false, TakesWrites: true, Volume: { } volume })
            {
                Agent.Do(() => WriteTo(random, Source, volume));
                Agent.Session?.Poke();
            }

            if (_world.Service is { Alive: true, Paused: false } && Live is not null
                && Target.Live?.Source is { } live)
            {
                _world.Service.Do(() => WriteTo(random, Live, live));
                Target.Session?.Poke();
            }
        }
    }

    /// <summary>The guest writes once at the source.</summary>
    public void WriteSource(SourceVolume volume, long seed) =>
        WriteTo(new SplittableRandom((ulong)seed), Source, volume);

    /// <summary>The guest writes over several connections at once, where it runs at the source.</summary>
    public void WriteAtOnce(long seed, long batches)
    {
        if (Live is null)
        {
            Connections.Write(seed, batches);
        }
        else
        {
            Write(seed, batches);
        }
    }

    /// <summary>The newest number of a volume's writes that was acknowledged; 0 when there is none.</summary>
    public long AcknowledgedBy(SourceVolume volume) =>
        ReferenceEquals(volume, _acknowledgedBy.Volume) ? _acknowledgedBy.Number : 0;

    /// <summary>A logged write was acknowledged.</summary>
    public void Acknowledged(SourceVolume volume, long number) =>
        _acknowledgedBy = (volume, Math.Max(number, AcknowledgedBy(volume)));

    /// <summary>When the source's machine, data or disks were put back last (virtual time).</summary>
    public TimeSpan ForkedAt { get; private set; } = TimeSpan.FromSeconds(-1);

    /// <summary>The source's disks hold something else now: another history begins.</summary>
    /// <param name="content">What they hold.</param>
    /// <param name="wasOff">Whether the machine was off, so that this is what its medium holds.</param>
    public void Forked(ulong[] content, bool wasOff)
    {
        _former.Add(new Lineage(Source));
        ForkedAt = _world.Queue.Now;
        Source = wasOff ? DiskModel.From(content) : Source.GoesOnFrom(content, SyncBroken);
        (PutBack, LastNumber, SourceCut) = (content, 0, false);
    }

    /// <summary>Disks that were put back hold something else before anybody has opened them.</summary>
    public void StillPutBack(ulong[] content) => (Source, PutBack) = (DiskModel.From(content), content);

    /// <summary>A forked source is open: its own numbers begin behind this one.</summary>
    public void BeginsAt(long number) => (LastNumber, _begins) = (number, number);

    /// <summary>The source is protected from nothing: former histories are no part of its replica.</summary>
    public void BeginsAgain()
    {
        _former.Clear();
        _begins = -1;
    }

    /// <summary>A source's session begins: the replica stands where former histories brought it.</summary>
    public void Attaches(ChangePosition replica)
    {
        _metReplica = true;
        foreach (var lineage in _former.Where(l => l.Through is null))
        {
            lineage.Through = replica;
        }
    }

    /// <summary>Whether the source's present history has met the replica there is: that the replica is another one, or
    /// the source's history forked, shows then, and not before.</summary>
    public bool HasAttached => _metReplica && _former.TrueForAll(l => l.Through is not null);

    /// <summary>What a replica holds at a cut; null when the model cannot tell.</summary>
    public ulong[]? ContentAt(ChangePosition cut) =>
        _former.Find(l => l.Through is not { } through || cut.CompareTo(through) <= 0) is { } former
            ? former.Judges ? former.Model.UpTo(cut.Lsn.Value) : null
            : cut.Lsn.Value <= _begins ? null : Source.UpTo(cut.Lsn.Value);

    /// <summary>The guest flushes.</summary>
    public void Flush()
    {
        if (Agent is { Alive: true, Paused: false, TakesWrites: true, Volume: { } volume })
        {
            Agent.Do(() => FlushOn(Source, volume));
        }

        if (_world.Service is { Alive: true, Paused: false } && Live is { } model && Target.Live?.Source is { } live)
        {
            _world.Service.Do(() => FlushOn(model, live));
        }
    }

    /// <summary>The test machine writes.</summary>
    public void WriteTest(long seed, long count)
    {
        if (_world.Service is not { Alive: true, Paused: false } || Target.Test is not { } test || TestContent is null)
        {
            return;
        }

        var random = new SplittableRandom((ulong)seed);
        _world.Service.Do(() =>
        {
            for (var i = 0; i < count; i++)
            {
                var (sector, data) = Draw(random);
                var (disk, offset, _) = Shape.Place(sector);
                try
                {
                    test.Overlay.Disks[disk].Write([BlockChange.Write(offset, data)]);
                }
                catch (IOException)
                {
                    // A full or failing disk: the test machine sees an error, and its content is anybody's.
                    TestContent = null;
                    return;
                }

                DiskModel.HashesOf(data).CopyTo(TestContent, sector);
            }
        });
    }

    /// <summary>The machine at the target side begins, or was found again.</summary>
    public void LiveStarted(RecoveredMachine machine)
    {
        _world.Checkers.SeePoints(this);
        if (Live is not null && LivePoint == machine.Point.Id)
        {
            _world.Checkers.TargetReopened(this);
            return;
        }

        LivePoint = machine.Point.Id;
        Live = DiskModel.From(Points.TryGetValue(machine.Point.Id, out var known)
            ? known : Shape.Read(i => Target.Live!.Overlay.Disks[i]));
        _world.Checkers.FailedOver(this, machine);
    }

    /// <summary>The machine at the target side is gone.</summary>
    public void LiveEnded(bool adopted)
    {
        _world.Trace.Note($"{Name} live ends", adopted ? 1 : 0);
        Live = null;
    }

    /// <summary>The test machine begins.</summary>
    public void TestStarted(RecoveredMachine machine)
    {
        _world.Checkers.SeePoints(this);
        TestContent = Points.TryGetValue(machine.Point.Id, out var known) ? (ulong[])known.Clone() : null;
        _world.Checkers.TestStarted(this);
    }

    /// <summary>The test machine was removed.</summary>
    public void TestRemoved()
    {
        TestContent = null;
        _world.Checkers.TestRemoved(this);
    }

    /// <summary>The service died: what it had open is gone.</summary>
    public void TargetDied(bool powerCut)
    {
        TargetCut |= powerCut;
        TestContent = powerCut ? null : TestContent;
    }

    /// <summary>Everything of the VM at the target side was deleted, damage with it.</summary>
    public void Forget()
    {
        (Live, TestContent, Damaged, TargetCut, TargetSyncBroken) = (null, null, false, false, false);
        _metReplica = false;
    }

    /// <summary>A step of the core may have changed the state.</summary>
    public void StateMayHaveChanged()
    {
        if (Host?.State is { } state)
        {
            _world.Sometimes.Saw(state.Phase.GetType().Name);
        }
    }

    private sealed class Lineage(DiskModel model)
    {
        public DiskModel Model { get; } = model;

        public ChangePosition? Through { get; set; }

        public bool Judges => Model.Writes.Count > 0;
    }

    private void WriteTo(SplittableRandom random, DiskModel model, SourceVolume volume)
    {
        var (sector, data) = Draw(random);
        var (disk, offset, _) = Shape.Place(sector);
        var hashes = DiskModel.HashesOf(data);
        var before = volume.Tail;
        var logging = volume.Condition.Mode == CaptureMode.Logging;
        var (acknowledged, fenced) = (AcknowledgedBy(volume), Agent.Role == SourceRole.Fenced);
        try
        {
            _world.Parts.GuestDisk(volume, disk).Write([BlockChange.Write(offset, data)]);
        }
        catch (BlockDeviceException e)
        {
            if (e.Errno is not (BlockDeviceException.Shutdown or BlockDeviceException.NotPermitted))
            {
                model.Failed(sector, hashes);
            }

            _world.Checkers.Refused(this, model, volume, e);
            return;
        }
        catch (Storage.SimulatedDeathException)
        {
            model.InDoubt.UnionWith(Enumerable.Range(sector, hashes.Length));
            model.Failed(sector, hashes);
            throw;
        }

        var after = volume.Tail;
        var logged = after.CompareTo(before) > 0 && volume.Condition.Mode == CaptureMode.Logging && logging;
        var write = new ModelWrite(after.Lsn.Value, logged, sector, hashes, _world.Queue.Now);
        model.Wrote(write);
        LastNumber = ReferenceEquals(model, Source) ? after.Lsn.Value : LastNumber;
        _world.Checkers.Wrote(this, new SeenWrite(model, volume, write, before)
        {
            AcknowledgedBefore = acknowledged,
            WhileFenced = fenced,
        });
    }

    private void FlushOn(DiskModel model, SourceVolume volume)
    {
        for (var disk = 0; disk < Shape.Sizes.Count; disk++)
        {
            try
            {
                _world.Parts.GuestDisk(volume, disk).Flush();
            }
            catch (BlockDeviceException e)
            {
                _world.Checkers.Flushed(this, volume, disk, e);
                return;
            }

            _world.Checkers.Flushed(this, volume, disk, null);
        }

        model.Flushed();
    }

    private (int Sector, byte[] Data) Draw(SplittableRandom random)
    {
        var sector = random.Next(Shape.Sectors);
        var wanted = random.Chance(0.2) ? random.Between(8, 40) : random.Between(1, 9);
        var count = Math.Min(wanted, Shape.Place(sector).Left);
        var data = new byte[count * 512];
        if (!random.Chance(0.1))
        {
            random.Fill(data);
        }

        return (sector, data);
    }
}
