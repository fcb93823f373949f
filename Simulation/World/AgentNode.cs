using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicaStore.InPlace;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Storage;

namespace ReplicationEngine.Simulation.World;

/// <summary>What an agent reports of its VM.</summary>
internal sealed record SourceReport(
    SourceRole Role, Term Term, SourceCounters? Counters, SourceCondition? Condition, bool Streaming, bool Connected,
    long Divergent, DateTimeOffset At);

/// <summary>
/// The agent of one VM: the production source volume over simulated disks, brought into the roles that it is directed
/// to. The directive it obeyed last survives its death, as the real one's file does.
/// </summary>
internal sealed class AgentNode(SimWorld world, SimVm vm, SplittableRandom random) : Node(world, $"agent {vm.Name}")
{
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(2);
    private readonly List<IBlockDevice> _devices = [];
    private (SourceDuty Duty, long Sequence)? _remembered;
    private DataSession? _session;
    private int _boot;
    private bool _readOnly;

    /// <summary>Its machine's storage.</summary>
    public SimulatedStorage Storage { get; } = new(random.Split("storage"));

    /// <summary>The open source volume.</summary>
    public SourceVolume? Volume { get; private set; }

    /// <summary>The disks as a replica of the machine at the target side.</summary>
    public InPlaceReplica? Reverse { get; private set; }

    /// <summary>The role it plays.</summary>
    public SourceRole? Role => _remembered?.Duty.Role;

    /// <summary>The session that ships, or receives.</summary>
    public DataSession? Session => _session;

    /// <summary>Whether the next death takes what was unsynced.</summary>
    public bool PowerCutNext { get; set; }

    /// <summary>Whether the guest's writes are taken.</summary>
    public bool Serves => Volume is not null && !_readOnly && Role == SourceRole.Primary;

    /// <summary>Makes the disks.</summary>
    public void MakeDisks()
    {
        var disks = Storage.Root.Subdirectory("disks");
        for (var i = 0; i < vm.Shape.Sizes.Count; i++)
        {
            using var file = disks.Open($"d{i}", StorageOpen.New);
            file.Allocate(0, vm.Shape.Sizes[i]);
            file.Sync();
        }

        disks.Sync();
    }

    /// <summary>Starts the process, the storage being as the last death left it.</summary>
    public void Start()
    {
        if (Life > 0)
        {
            Storage.Restart(PowerCutNext);
            _boot += PowerCutNext ? 1 : 0;
        }

        var powerCut = PowerCutNext;
        PowerCutNext = false;
        Begin();
        Every(ReportEvery, Report);
        Every(TimeSpan.FromSeconds(5), Maintain);
        Every(TimeSpan.FromSeconds(3), Connect);
        Do(() => Reopen(powerCut));
        World.Queue.After(TimeSpan.Zero, Report);
    }

    /// <summary>Obeys a directive; an older one than the last changes nothing.</summary>
    /// <exception cref="IOException">It cannot.</exception>
    public SourceReport Direct(SourceDuty duty, long sequence)
    {
        if (_remembered is { } last && sequence < last.Sequence)
        {
            return Status();
        }

        if (_remembered is { } known && duty.Term.CompareTo(known.Duty.Term) < 0)
        {
            throw new SourceVolumeException(SourceVolumeError.StaleTerm, $"term {duty.Term} is over");
        }

        Take(duty, sequence, reopening: false);
        return Status();
    }

    /// <summary>Marks a recovery point.</summary>
    /// <exception cref="IOException">No point can be made now.</exception>
    public MarkerOutcome.Inserted Mark(RecoveryPointId point)
    {
        if (Volume is null)
        {
            throw new SourceVolumeException(SourceVolumeError.StaleTerm, "the source takes no writes");
        }

        switch (Volume.InsertMarker(point, PointConsistency.Crash))
        {
            case MarkerOutcome.Inserted inserted:
                World.Checkers.Marked(vm, point, inserted);
                _session?.Poke();
                return inserted;
            case MarkerOutcome.Refused refused:
                throw new SourceVolumeException(SourceVolumeError.StaleTerm, refused.Message);
            default:
                throw new InvalidOperationException("A marker is inserted or refused.");
        }
    }

    /// <summary>What there is to report.</summary>
    public SourceReport Status()
    {
        var (role, term, cut) = _remembered is { } last
            ? (last.Duty.Role, last.Duty.Term, last.Duty.Cut) : (SourceRole.Released, Term.First, null);
        var counters = Volume?.Counters();
        var divergent = Volume is not null && role == SourceRole.Fenced && cut is not null
            ? Volume.BytesAfter(new ChangePosition(cut.Generation, cut.Lsn)) + counters!.DirtyBytes : 0;
        return new SourceReport(
            role, term, counters, Volume?.Condition, _session is { Open: true, Streaming: true },
            _session is { Open: true }, divergent, Clock.GetUtcNow());
    }

    /// <summary>The source's disks themselves.</summary>
    public Func<int, IBlockDevice> Raw()
    {
        var disks = Storage.Root.Subdirectory("disks");
        return i => new FileBlockDevice(disks.Open($"d{i}", StorageOpen.Existing), readOnly: true);
    }

    /// <summary>The hot content of disks.</summary>
    public ulong[] Content(Func<int, IBlockDevice> disk) => vm.Shape.Read(disk);

    /// <inheritdoc/>
    protected override void Died()
    {
        Storage.Kill();
        EndSession("the agent died");
        (Volume, Reverse) = (null, null);
        _devices.Clear();
        World.Queue.After(random.Between(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(90)), () =>
        {
            if (!Alive && World.Queue.Now >= vm.RegionLostUntil)
            {
                Start();
            }
            else if (!Alive)
            {
                World.Queue.At(vm.RegionLostUntil, Start);
            }
        });
    }

    private void Reopen(bool powerCut)
    {
        if (_remembered is not { } last)
        {
            World.Checkers.DisksFound(vm, powerCut, Content(Raw()));
            return;
        }

        try
        {
            Take(last.Duty, last.Sequence, reopening: true);
        }
        catch (IOException e)
        {
            // The service says again what it is to be; an agent that died in the middle of it obeys then.
            World.Trace.Note("not reopened: " + e.GetType().Name);
        }

        if (last.Duty.Role != SourceRole.ReverseReplica)
        {
            World.Checkers.SourceReopened(vm, powerCut);
        }
    }

    private void Take(SourceDuty duty, long sequence, bool reopening)
    {
        switch (duty.Role)
        {
            case SourceRole.Primary:
                BecomePrimary(duty);
                break;
            case SourceRole.Quiesced:
                OpenSource(duty);
                Volume!.Quiesce();
                _readOnly = true;
                break;
            case SourceRole.Fenced:
                _remembered = (duty, sequence);
                if (!World.Parts.Fences)
                {
                    BecomePrimary(duty);
                    break;
                }

                EndSession("fenced");
                OpenSource(duty);
                Volume!.Fence(duty.Term);
                _readOnly = true;
                break;
            case SourceRole.ReverseReplica:
                _remembered = (duty, sequence);
                BecomeReverse(duty);
                break;
            case SourceRole.Released:
                Close();
                DeleteSubdirectory("source");
                DeleteSubdirectory("reverse");
                _remembered = null;
                return;
            default:
                throw new InvalidOperationException($"{duty.Role} is no role.");
        }

        _remembered = (duty with { CopyId = duty.CopyId ?? _remembered?.Duty.CopyId }, sequence);
        if (!duty.Replicating)
        {
            EndSession("not to replicate");
        }
        else if (!reopening)
        {
            After(TimeSpan.Zero, Connect);
        }
    }

    private void BecomePrimary(SourceDuty duty)
    {
        if (_remembered?.Duty.Role == SourceRole.ReverseReplica || Reverse is not null)
        {
            Close();
            DeleteSubdirectory("source");
            DeleteSubdirectory("reverse");
            World.Checkers.ReturnedToSource(vm, Content(Raw()));
        }

        OpenSource(duty);
        Volume!.Unfence(duty.Term, disksUnchanged: true);
        Volume.Resume();
        if (duty.CopyId is { } copy && copy != _remembered?.Duty.CopyId)
        {
            Volume.MarkAllDirty(SourceCause.UserRequest);
        }

        _readOnly = false;
    }

    private void BecomeReverse(SourceDuty duty)
    {
        if (Reverse is not null)
        {
            return;
        }

        Close();
        var disks = OpenDevices();
        Reverse = InPlaceReplica.Open(
            Storage.Root.Subdirectory("reverse"), vm.VmId, disks, duty.Term);
    }

    private void OpenSource(SourceDuty duty)
    {
        if (Volume is not null)
        {
            return;
        }

        Close();
        var devices = OpenDevices();
        Volume = SourceVolume.Open(new SourceVolumeOptions
        {
            Vm = vm.VmId,
            Directory = World.Parts.SourceDirectory(Storage.Root.Subdirectory("source")),
            Disks = [.. devices.Select((d, i) => new SourceDisk(vm.Paths[i], World.Parts.SourceDevice(d)))],
            BootId = $"boot-{_boot}",
            Time = Clock,
            FirstTerm = duty.Term,
            CacheLimitBytes = World.Plan.CacheLimitBytes,
            SegmentBytes = 256 << 10,
        });
    }

    private List<IBlockDevice> OpenDevices()
    {
        var disks = Storage.Root.Subdirectory("disks");
        for (var i = 0; i < vm.Shape.Sizes.Count; i++)
        {
            _devices.Add(new FileBlockDevice(disks.Open($"d{i}", StorageOpen.Existing)));
        }

        return _devices;
    }

    private void Close()
    {
        EndSession("closed");
        var volume = Volume;
        Volume = null;
        try
        {
            volume?.Close();
        }
        catch (IOException)
        {
            // The next opening treats it as a crash, as the agent's log would say.
            World.Trace.Note("closed unclean");
        }

        Reverse?.Dispose();
        Reverse = null;
        _devices.ForEach(d => d.Dispose());
        _devices.Clear();
    }

    private void DeleteSubdirectory(string name) => Storage.Root.DeleteSubdirectory(name);

    private void EndSession(string why)
    {
        var session = _session;
        _session = null;
        session?.End(why);
    }

    private void Maintain()
    {
        try
        {
            Volume?.Maintain();
            _session?.Poke();
        }
        catch (IOException)
        {
            World.Trace.Note("maintenance refused");
        }
    }

    private void Report()
    {
        if (!Alive || Paused)
        {
            return;
        }

        var report = Status();
        vm.Wire.Tell(toService: true, () => World.Service.Reported(vm, report));
    }

    private void Connect()
    {
        if (_session is { Open: true } || _remembered is not { Duty.Replicating: true } last
            || !vm.Wire.IsOpen(true) || !vm.Wire.IsOpen(false) || !World.Service.Alive || World.Service.Paused)
        {
            return;
        }

        var toService = last.Duty.Role != SourceRole.ReverseReplica;
        var mine = new SessionEnd(this, _ => _session = null);
        try
        {
            _session = toService && Volume is not null
                ? vm.Target.Receive(World.Parts.Source(Volume), mine)
                : !toService && Reverse is not null ? vm.Target.SendBack(Reverse, vm.Shape.Sizes, mine) : null;
        }
        catch (IOException e)
        {
            World.Trace.Note("no session: " + e.GetType().Name);
        }
    }
}
