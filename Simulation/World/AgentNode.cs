using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Agent.Volumes;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.InPlace;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Faults;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Storage;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The process of one VM's agent, and the machine around it: the production volume, with the directive that it stores,
/// over simulated disks.
/// </summary>
internal sealed class AgentNode : Node, IVolumeHost
{
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(2);
    private readonly SimVm _vm;
    private readonly SplittableRandom _random;
    private readonly SplittableRandom _hooks;
    private readonly SplittableRandom _incarnations;
    private VolumeSet? _volumes;
    private Func<AgentRequest, CancellationToken, Task<AgentReply>>? _answers;
    private int _boot;
    private DateTimeOffset? _bootedAt;
    private bool? _openedAfterCut;
    private (long Seed, bool Cut)? _inSync;
    private bool _returned;
    private bool _writable;
    private bool _maintaining;

    public AgentNode(SimWorld world, SimVm vm, SplittableRandom random)
        : base(world, $"agent {vm.Name}")
    {
        (_vm, _random, _hooks, _incarnations) = (vm, random, random.Split("hooks"), random.Split("incarnations"));
        Storage = new SimulatedStorage(random.Split("storage"));
        Machine = new AgentMachine(world, vm, this, random.Split("machine"));
    }

    /// <summary>The actions of operators on the agent's machine.</summary>
    public AgentMachine Machine { get; }

    /// <summary>The storage of the agent's machine.</summary>
    public SimulatedStorage Storage { get; }

    /// <summary>The source volume; null while it is not open.</summary>
    public SourceVolume? Volume => Protected?.Source;

    /// <summary>The source's disks as a replica of the recovered machine; null while they are not one.</summary>
    public InPlaceReplica? Reverse => Protected?.Reverse;

    /// <summary>The role that the last known directive gives the VM's disks; null when no directive is known.</summary>
    public SourceRole? Role => Protected?.Remembered?.Role;

    /// <summary>The data session in which the agent sends or receives.</summary>
    public DataSession? Session => Line?.Session;

    /// <summary>The line that keeps the data session connected.</summary>
    public SessionLine? Line { get; set; }

    /// <summary>Whether the next death is a power cut, which takes unsynced changes.</summary>
    public bool PowerCutNext { get; set; }

    /// <summary>
    /// Whether the guest's writes reach the splitter. A guest does not write to a disk that is served read-only, but a
    /// fence must hold even then.
    /// </summary>
    public bool TakesWrites => _writable || Volume?.Condition.Fenced == true;

    /// <summary>Whether the source volume is open and primary, so that it accepts the guest's writes.</summary>
    public bool Serves => Volume is not null && Role == SourceRole.Primary;

    /// <summary>Whether the applications are frozen now.</summary>
    public bool Frozen { get; private set; }

    /// <summary>Whether the applications were frozen when the last marker was inserted.</summary>
    public bool FrozenAtMark { get; private set; }

    /// <inheritdoc/>
    public IStorageDirectory Directory => Storage.Root.Subdirectory("volumes");

    /// <inheritdoc/>
    public string BootId => $"boot-{_boot}";

    /// <inheritdoc/>
    public TimeProvider Time => Clock;

    /// <inheritdoc/>
    public ILogger Logger => NullLogger.Instance;

    /// <inheritdoc/>
    public long CacheLimitBytes => World.Plan.CacheLimitBytes;

    /// <inheritdoc/>
    public long SegmentBytes => 256 << 10;

    private ProtectedVolume? Protected => _volumes?.Find(_vm.Name);

    /// <summary>Creates the disks of the machine.</summary>
    public void MakeDisks()
    {
        var disks = Storage.Root.Subdirectory("disks");
        for (var i = 0; i < _vm.Shape.Sizes.Count; i++)
        {
            using var file = disks.Open($"d{i}", StorageOpen.New);
            file.Allocate(0, _vm.Shape.Sizes[i]);
            file.Sync();
        }

        disks.Sync();
    }

    /// <summary>Starts the process, with the storage as the last death left it.</summary>
    public void Start()
    {
        if (Life > 0)
        {
            Storage.Restart(PowerCutNext);
            _boot += PowerCutNext ? 1 : 0;
            _bootedAt = PowerCutNext ? Clock.GetUtcNow() : _bootedAt;
        }

        Machine.Starts();

        _openedAfterCut = PowerCutNext;
        PowerCutNext = false;
        Begin();
        Every(ReportEvery, Report);
        Every(TimeSpan.FromSeconds(5), Maintain);
        _volumes = new VolumeSet(World.Parts.Host(this), Clock);
        _answers = World.Parts.Answers(_volumes);
        var alone = (World.Plan.Seed & 4) == 0 && !World.Plan.Features.HasFlag(SimFeatures.Hosts);
        World.Run(
            async () =>
            {
                await _volumes.LoadAsync(alone, LifeEnds);
                if (alone && Role == SourceRole.Fenced && Volume is null)
                {
                    World.Sometimes.Count(Probes.FencedAlone);
                }

                if (Role is null)
                {
                    _vm.Models.BeginsAgain();
                    Found();
                }

                Opened();
                Report();
            },
            this);
    }

    /// <summary>Runs a request of the service and returns the reply.</summary>
    public async Task<AgentReply> AnswerAsync(AgentRequest request)
    {
        FrozenAtMark = false;
        var (opens, before) = (Volume is null, Life);
        var (fresh, returns) = (Role is null, Role == SourceRole.ReverseReplica);
        var reply = await _answers!(request, LifeEnds);
        if (returns && Volume is not null)
        {
            Returned();
        }
        else if (fresh && Volume is not null)
        {
            _vm.Models.BeginsAgain();
            Found();
        }

        if (opens && before == Life && Volume is { Condition.Fenced: true } && request is AgentRequest.Direct
            && World.Healed == false)
        {
            World.Sometimes.Count(Probes.FencedOpened);
        }

        Opened();
        _returned &= Role != SourceRole.ReverseReplica;
        if (reply is AgentReply.MarkerInserted marked && request is AgentRequest.InsertMarker asked)
        {
            World.Checkers.Marked(_vm, new RecoveryPointId(asked.PointId), marked.Lsn);
            Session?.Poke();
        }

        return reply;
    }

    /// <summary>Lets the guest write during the next sync of the agent's maintenance.</summary>
    public void WriteInNextSync(long seed, bool cut) => _inSync = (seed, cut);

    /// <summary>Returns a function that opens the source's disks directly, read-only.</summary>
    public Func<int, IBlockDevice> Raw()
    {
        var disks = Storage.Root.Subdirectory("disks");
        return i => new FileBlockDevice(disks.Open($"d{i}", StorageOpen.Existing), readOnly: true);
    }

    /// <summary>Returns the hashes of the disks' hot ranges.</summary>
    public ulong[] Content(Func<int, IBlockDevice> disk) => _vm.Shape.Read(disk);

    /// <inheritdoc/>
    public SourceVolumeOptions Opening(SourceVolumeOptions options) =>
        options with { Order = () => World.Parts.Order(_vm.Guest.Connections) };

    /// <inheritdoc/>
    public string? ProblemOf(string path) => _vm.Paths.Contains(path, StringComparer.Ordinal) ? null
        : $"Disk '{path}' does not exist on the agent's machine; check the path.";

    /// <inheritdoc/>
    public string? NoRoomFor(int disks) => null;

    /// <inheritdoc/>
    public DiskIdentity IdentityOf(string path) => new($"{_vm.Name}-{BootId}", Look(path).Identity, []);

    /// <inheritdoc/>
    public DiskObservation Look(string path)
    {
        using var file = Storage.Root.Subdirectory("disks").Open($"d{NumberOf(path)}", StorageOpen.Existing);
        return Observed(path, (SimulatedFile)file);
    }

    /// <inheritdoc/>
    public IHostDisk OpenDisk(string path)
    {
        var opened = (SimulatedFile)Storage.Root.Subdirectory("disks").Open(
            $"d{NumberOf(path)}", StorageOpen.Existing);
        return new SimDisk(
            path, IdentityOf(path), opened, () => Observed(path, opened), () => Look(path),
            file => new BusySource(new FileBlockDevice(file), WriteDuringSync));
    }

    /// <inheritdoc/>
    public DateTimeOffset? BootedAt => Storage.Now is null ? null : _bootedAt ?? SimWorld.Start;

    /// <inheritdoc/>
    public Guid NewIncarnation() => _incarnations.NextGuid();

    /// <inheritdoc/>
    public Task<string> ServeAsync(
        string name, IBlockDevice device, bool readOnly, string description, CancellationToken ct)
    {
        _writable = !readOnly;
        return Task.FromResult("nbd://" + name);
    }

    /// <inheritdoc/>
    public Task StopAsync(string name, CancellationToken ct)
    {
        _writable = false;
        _vm.Guest.Connections.Drain();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public IVolumeSession Send(VolumeDirective directive, IChangeSource source)
    {
        var sender = World.Parts.Source((SourceVolume)source);
        return Line = new SessionLine(
            World, this, _vm, () => _vm.Target.Greet(sender),
            (end, greeting) => _vm.Target.Receive(sender, end, greeting));
    }

    /// <inheritdoc/>
    public IVolumeSession Receive(VolumeDirective directive, IReplicaSink sink, IReadOnlyList<long> diskSizes) =>
        Line = new SessionLine(World, this, _vm, () => 0, (end, _) => _vm.Target.SendBack(sink, diskSizes, end));

    /// <inheritdoc/>
    public bool HasHooks => true;

    /// <inheritdoc/>
    public Task<(T Result, string? Warning)> FreezeAroundAsync<T>(
        string vm, Func<bool, T> action, CancellationToken ct)
    {
        Frozen = _hooks.Chance(0.7);
        try
        {
            var result = action(Frozen);
            FrozenAtMark = Frozen;
            return Task.FromResult((result, Frozen ? null : "the applications were not frozen"));
        }
        finally
        {
            Frozen = false;
        }
    }

    /// <inheritdoc/>
    protected override void Died()
    {
        Storage.Kill();
        _vm.Guest.Connections.Died();
        Line?.Died(silently: PowerCutNext);
        (Line, _volumes, _answers, _writable, _inSync) = (null, null, null, false, null);
        World.Queue.After(_random.Between(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(90)), () =>
        {
            if (!Alive && World.Queue.Now >= _vm.RegionLostUntil)
            {
                Start();
            }
            else if (!Alive)
            {
                World.Queue.At(_vm.RegionLostUntil, Start);
            }
        });
    }

    /// <summary>
    /// Returns the observation of a disk's file, as the machine's file system reports it. It has no times if the plan
    /// does not need them.
    /// </summary>
    private DiskObservation Observed(string path, SimulatedFile file) => Storage.Now is null
        ? new DiskObservation($"file:{NumberOf(path)}", false, file.Length, null, null)
        : new DiskObservation($"file:{file.Number}", false, file.Length, file.Birth, file.Changed);

    private int NumberOf(string path)
    {
        for (var i = 0; i < _vm.Paths.Count; i++)
        {
            if (_vm.Paths[i] == path)
            {
                return i;
            }
        }

        const int noEntry = 2;
        throw new StorageException($"'{path}' does not exist", noEntry);
    }

    /// <summary>
    /// Called when the disks are the source's own again. A return that failed in the middle is repeated; its content is
    /// compared the first time only.
    /// </summary>
    private void Returned()
    {
        _vm.Models.PutBack = null;
        if (_returned)
        {
            Found();
        }
        else
        {
            _openedAfterCut = null;
            World.Checkers.ReturnedToSource(_vm, Content(Raw()));
        }

        _returned = true;
    }

    /// <summary>Takes the present disks of an unprotected machine as its content.</summary>
    private void Found()
    {
        _vm.Models.PutBack = null;
        World.Checkers.DisksFound(_vm, _openedAfterCut == true, Content(Raw()));
        _openedAfterCut = null;
    }

    /// <summary>Checks the content that a death left, as soon as the volume is open again.</summary>
    private void Opened()
    {
        _vm.Models.PutBack = Reverse is null ? _vm.Models.PutBack : null;
        if (_openedAfterCut is { } cut && Volume is { } volume)
        {
            _openedAfterCut = null;
            if (_vm.Models.PutBack is { } expected)
            {
                _vm.Models.PutBack = null;
                World.Checkers.OpenedPutBack(_vm, volume, expected, Content(Raw()));
                return;
            }

            World.Checkers.SourceReopened(_vm, cut);
        }
    }

    // Only syncs of the maintenance count: a flush of the guest itself does not wait for a write of the same guest.
    private void WriteDuringSync()
    {
        if (!_maintaining || _inSync is not { } write || Volume is not { } volume)
        {
            return;
        }

        _inSync = null;
        _vm.Guest.WriteSource(volume, write.Seed);
        if (write.Cut)
        {
            After(_hooks.Between(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(4)), () =>
            {
                World.Faults.Note(FaultList.Of<AgentPowerCut>(), TimeSpan.FromSeconds(30));
                PowerCutNext = _vm.Ledger.SourceCut = true;
                Die();
            });
        }
    }

    private async Task TakeUpGrowthAsync()
    {
        try
        {
            await (_volumes?.TakeUpGrowthAsync(LifeEnds) ?? Task.CompletedTask);
        }
        catch (IOException)
        {
            World.Trace.Note("growth not taken up");
        }
    }

    private void Maintain()
    {
        try
        {
            _maintaining = true;
            _volumes?.Maintain();
            World.Run(TakeUpGrowthAsync, this);
            Session?.Poke();
        }
        catch (IOException)
        {
            World.Trace.Note("maintenance refused");
        }
        finally
        {
            _maintaining = false;
        }
    }

    private void Report()
    {
        if (!Alive || Paused || _volumes is not { } volumes)
        {
            return;
        }

        var (life, to, report) = (Life, World.Service.Life, volumes.Status());
        _vm.Wire.Tell(toService: true, () => World.Service.Enter(to, () => World.Service.Reported(_vm, life, report)));
    }
}
