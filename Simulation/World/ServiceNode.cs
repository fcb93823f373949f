using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Simulation.Checkers;
using ReplicationEngine.Simulation.Kernel;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The process of the service. It hosts the entities of all VMs and their target sides, and runs effects.
/// </summary>
internal sealed class ServiceNode(SimWorld world, SplittableRandom random) : Node(world, "service")
{
    private static readonly TimeSpan SilentTooLong = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan ClocksReadEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan TellAgainAfter = TimeSpan.FromSeconds(1);
    private SimAgents _agents = null!;
    private FactFinder _facts = null!;
    private DateTimeOffset _wallAtStart;
    private TimeSpan _started;

    /// <summary>The parts of the engine.</summary>
    public IWorldParts Parts => World.Parts;

    /// <summary>The checkers of the world.</summary>
    public CheckerSet Checkers => World.Checkers;

    /// <summary>The effects that run since the service's last start.</summary>
    public EffectRuns Effects { get; private set; } = null!;

    /// <summary>Whether the next death is a power cut, which takes unsynced changes.</summary>
    public bool PowerCutNext { get; set; }

    /// <summary>The present instant on the wall clock and the steady clock.</summary>
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
        var site = new SimTargetSite(World);
        _agents = new SimAgents(World, this);
        var key = Convert.ToBase64String(World.DataKey);
        var sources = Parts.Sources(new SourceSide(_agents, _ => key, Clock));
        var disks = new DiskRegister(_agents, _ => Task.FromResult<IReadOnlyList<ProtectedVmState>>(
            [.. World.Vms.Select(vm => vm.Host?.State).OfType<ProtectedVmState>()]));
        _facts = new FactFinder(_agents, sources, site, Clock);
        _agents.Noted = _facts.NoteReport;
        var turns = new EffectTurns(StateAsync, new EffectRunner(site, sources, disks, Clock), new VmGates());
        Effects = new EffectRuns(World, turns);
        foreach (var vm in World.Vms)
        {
            vm.Host = new EntityHost(this, vm, World.Journal);
            vm.Restored = false;
            Do(vm.Host.Wake);
        }

        Every(TimeSpan.FromSeconds(5), () => World.Vms.ForEach(vm => vm.Target.Maintain()));
        Every(TimeSpan.FromSeconds(10), () => World.Vms.ForEach(vm =>
        {
            if (_agents.Observations.SilentFor(vm.AgentName) > SilentTooLong)
            {
                _agents.Ended(vm);
            }

            Look(vm);
        }));
        Every(ClocksReadEvery, () => World.Vms.ForEach(vm => World.Run(() => _agents.ProbeAsync(vm, LifeEnds), this)));
    }

    /// <summary>Called when a report of an agent arrives.</summary>
    public void Reported(SimVm vm, int life, IReadOnlyList<VolumeStatus> report) => After(TimeSpan.Zero, () =>
    {
        vm.Ledger.ReportedAt = World.Queue.Now;
        if (_agents.Reported(vm, life, report))
        {
            World.Run(() => WelcomeAsync(vm), this);
        }

        Look(vm);
    });

    /// <summary>Returns whether a VM's agent is shown as connected.</summary>
    public bool Hears(SimVm vm) => Alive && _agents.Observations.IsConnected(vm.AgentName);

    /// <summary>Called when a VM's agent has given up its control connection.</summary>
    public void GaveUp(SimVm vm) => After(TimeSpan.Zero, () => _agents.Ended(vm));

    /// <summary>
    /// Runs an action after a delay, if the life of the process with this number lasts until then, whoever schedules
    /// it.
    /// </summary>
    public void Later(int life, TimeSpan delay, Action action) =>
        World.Queue.After(delay, () => Enter(life, action));

    /// <summary>
    /// Delivers an effect's outcome until the entity accepts or refuses it, as the engine's command sink does.
    /// </summary>
    public async Task TellAsync(SimVm vm, ProtectedVmEffect effect, ProtectedVmCommand outcome, CancellationToken ct)
    {
        var failed = outcome as ProtectedVmCommand.RecordEffectFailed;
        World.Trace.Note(
            failed is null ? effect.Kind.ToString() : $"{effect.Kind}: {failed.Error.Message}", failed is null ? 1 : 0);
        var id = EngineCommandIds.OfOutcome(vm.Id, effect.Id, outcome);
        while (await vm.Operator.AskAsync(id, ProtectedVm.EngineActor, outcome) is CommandReply.Unavailable)
        {
            await Task.Delay(TellAgainAfter, Clock, ct);
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

    private async Task WelcomeAsync(SimVm vm)
    {
        var state = await StateAsync(vm.Name, LifeEnds);
        if (state.Phase is Phase.NotProtected)
        {
            return;
        }

        var sequence = vm.Host.Sequence;
        var problem = await _facts.WelcomeAsync(
            state,
            (fact, _) => vm.Operator.AskAsync(
                EngineCommandIds.OfConnection(vm.Name, fact, sequence), ProtectedVm.EngineActor, fact),
            LifeEnds);
        if (problem is not null)
        {
            World.Trace.Note("not directed");
        }
    }

    private async ValueTask<ProtectedVmState> StateAsync(string name, CancellationToken ct)
    {
        var vm = World.Vms.First(v => v.Name == name);
        while (vm.Host.State is null)
        {
            await Task.Delay(TellAgainAfter, Clock, ct);
        }

        await RestoreAsync(vm, vm.Host.State);
        return vm.Host.State!;
    }

    private void Look(SimVm vm)
    {
        if (vm.Host.State is { } state)
        {
            World.Run(() => LookAsync(vm, state), this);
        }
        else if (vm.Host.Phase is null)
        {
            vm.Host.Wake();
        }
    }

    private async Task LookAsync(SimVm vm, ProtectedVmState state)
    {
        await RestoreAsync(vm, state);
        World.Run(() => _facts.KeepAsync(state, LifeEnds), this);
        var sequence = vm.Host.Sequence;
        foreach (var fact in _facts.Facts(state))
        {
            _ = vm.Operator.AskAsync(
                EngineCommandIds.OfFact(vm.Name, fact, sequence), ProtectedVm.EngineActor, fact);
        }
    }

    /// <summary>Restores the target side to the entity's state, once after each start of the service.</summary>
    private async Task RestoreAsync(SimVm vm, ProtectedVmState state)
    {
        if (vm.Restored)
        {
            return;
        }

        vm.Restored = true;
        if (!vm.Target.Exists)
        {
            return;
        }

        try
        {
            await vm.Target.Obtain().RestoreAsync(state, LifeEnds);
            World.Checkers.TargetReopened(vm);
        }
        catch (IOException e)
        {
            World.Trace.Note("not restored: " + e.GetType().Name);
            CheckerSet.NotRestored(vm, e);
        }
    }
}
