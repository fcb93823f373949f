using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Checkers;
using ReplicationEngine.Simulation.Kernel;

namespace ReplicationEngine.Simulation.World;

/// <summary>The service: it hosts the kernels of all VMs, their target sides, and carries out effects.</summary>
internal sealed class ServiceNode(SimWorld world, SplittableRandom random) : Node(world, "service")
{
    private static readonly TimeSpan SilentTooLong = TimeSpan.FromSeconds(12);
    private readonly Dictionary<SimVm, (SourceReport Report, TimeSpan At)> _reports = [];
    private DateTimeOffset _wallAtStart;
    private TimeSpan _started;

    /// <summary>The parts.</summary>
    public SimParts Parts => World.Parts;

    /// <summary>Who watches.</summary>
    public CheckerSet Checkers => World.Checkers;

    /// <summary>The right to append; null while another owner has it.</summary>
    public FencingToken? Token { get; private set; }

    /// <summary>Who carries out effects, in this life.</summary>
    public EffectCarrier Effects { get; private set; } = null!;

    /// <summary>Whether the next death takes what was unsynced.</summary>
    public bool PowerCutNext { get; set; }

    /// <summary>The instant by both clocks.</summary>
    public EngineInstant Now => new(Clock.GetUtcNow(), _wallAtStart + (World.Queue.Now - _started))
    {
        HostStarted = _wallAtStart,
    };

    /// <summary>Starts the process.</summary>
    public void Start()
    {
        PowerCutNext = false;
        Begin();
        (_wallAtStart, _started) = (Clock.GetUtcNow(), World.Queue.Now);
        _reports.Clear();
        Effects = new EffectCarrier(World, this);
        Token = World.Journal.Acquire();
        foreach (var vm in World.Vms)
        {
            vm.Host = new EntityHost(this, vm, World.Journal);
            vm.Restored = false;
            Do(vm.Host.Wake);
        }

        Every(TimeSpan.FromSeconds(5), () => World.Vms.ForEach(vm => vm.Target.Maintain()));
        Every(TimeSpan.FromSeconds(10), () => World.Vms.ForEach(Look));
        Every(TimeSpan.FromSeconds(5), Regain);
    }

    /// <summary>An agent reported.</summary>
    public void Reported(SimVm vm, SourceReport report) => After(TimeSpan.Zero, () =>
    {
        var known = IsConnected(vm);
        _reports[vm] = (report, World.Queue.Now);
        vm.Target.NoteReport(report);
        if (!known)
        {
            Effects.Welcome(vm);
        }

        Look(vm);
    });

    /// <summary>Notes what an agent answered.</summary>
    public void Note(SimVm vm, SourceReport report) => _reports[vm] = (report, World.Queue.Now);

    /// <summary>Whether the VM's agent is there, as far as the service knows.</summary>
    public bool IsConnected(SimVm vm) =>
        _reports.TryGetValue(vm, out var last) && World.Queue.Now - last.At < SilentTooLong;

    /// <summary>The last report.</summary>
    public SourceReport? ReportOf(SimVm vm) => _reports.TryGetValue(vm, out var last) ? last.Report : null;

    /// <summary>An epoch newer than one, or the one there is.</summary>
    public FencingToken? TakeNewer(FencingToken stale)
    {
        if (Token is not { } own || own.Epoch <= stale.Epoch)
        {
            Token = World.Journal.Acquire();
        }

        return Token;
    }

    /// <summary>An append was fenced.</summary>
    public void Lost()
    {
        if (Token is { } own && own.Epoch < World.Journal.Epoch)
        {
            Token = null;
        }
    }

    /// <inheritdoc/>
    protected override void Died()
    {
        foreach (var vm in World.Vms)
        {
            vm.Target.Died(PowerCutNext);
            vm.TargetDied(PowerCutNext);
        }

        World.Queue.After(random.Between(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60)), () =>
        {
            if (!Alive)
            {
                Start();
            }
        });
    }

    private void Regain()
    {
        if (Token is null && World.Journal.Acquire() is { } token)
        {
            Token = token;
            World.Vms.ForEach(vm => vm.Host.Wake());
        }
    }

    private void Look(SimVm vm)
    {
        if (vm.Host.State is { } state)
        {
            Restore(vm, state);
            FactTeller.Tell(this, vm, state);
        }
        else if (vm.Host.Phase is null)
        {
            vm.Host.Wake();
        }
    }

    /// <summary>After a start: the target side is brought back to what the state says.</summary>
    public void Restore(SimVm vm, ProtectedVmState state)
    {
        if (vm.Restored || !vm.Target.Exists)
        {
            vm.Restored |= !vm.Target.Exists;
            return;
        }

        try
        {
            if (vm.Target.Store is null)
            {
                vm.Target.Prepare(state.Term);
                vm.Target.Restore(
                    state.TestFailover is TestFailover.Active, SourceDuty.LiveTerm(state),
                    SourceDuty.IsLiveQuiesced(state));
                World.Checkers.TargetReopened(vm);
            }

            vm.Restored = true;
        }
        catch (IOException e)
        {
            World.Trace.Note("not restored: " + e.GetType().Name);
            CheckerSet.NotRestored(vm, e);
        }
    }
}
