using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// One run of the service, from its start to its stop: the product's orchestration over the fluid volumes of all
/// machines.
/// </summary>
internal sealed class ServiceRun
{
    public ServiceRun(OutageWorld world)
    {
        Agents = new FluidAgents(world);
        var (site, source) = (new FluidSite(world), new SourceSide(Agents, _ => "", world.Clock));
        var disks = new DiskRegister(Agents, _ => Task.FromResult<IReadOnlyList<ProtectedVmState>>(
            [.. world.Vms.Select(vm => vm.Core.State).Where(state => state.Phase is not Phase.NotProtected)]));
        Effects = new EffectTurns(
            (vm, _) => ValueTask.FromResult(world.Vm(vm).Core.State),
            new EffectRunner(site, source, disks, world.Clock), new VmGates());
        Facts = new FactFinder(Agents, source, site, world.Clock);
    }

    /// <summary>The agents that this run of the service reaches.</summary>
    public FluidAgents Agents { get; }

    /// <summary>Runs the effects of the machines' entities.</summary>
    public EffectTurns Effects { get; }

    /// <summary>Finds the facts that the machines' entities do not know yet.</summary>
    public FactFinder Facts { get; }
}

/// <summary>
/// Models the agents over links that break. A request over a broken link fails when the connection counts as lost.
/// </summary>
internal sealed class FluidAgents(OutageWorld world) : IAgents
{
    private readonly Dictionary<string, List<TaskCompletionSource<AgentReply>>> _open = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public AgentObservations Observations { get; } = new(world.Clock);

    /// <inheritdoc/>
    public AgentClocks Clocks { get; } = new(world.Clock);

    /// <inheritdoc/>
    public Task<AgentReply> AskAsync(string agent, AgentRequest request, CancellationToken ct)
    {
        var vm = world.Vm(agent);
        return vm.Session ? Task.FromResult(vm.Agent.Answer(request)) : LostAsync(agent, ct);
    }

    /// <inheritdoc/>
    public void Note(string agent, VolumeStatus status)
    {
        Observations.Heard(agent);
        Observations.Note(agent, status);
    }

    /// <summary>Reports the status of a machine's agent to the service, if the agent is connected.</summary>
    public void Report(VmModel vm)
    {
        if (vm.Session)
        {
            Note(vm.Plan.Name, vm.Agent.Status());
        }
    }

    /// <summary>Records that an agent has connected.</summary>
    public void Connected(VmModel vm)
    {
        Lost(vm);
        Observations.Connected(vm.Plan.Name);
    }

    /// <summary>Gives up an agent's connection. Requests without a reply fail.</summary>
    public void Lost(VmModel vm)
    {
        Observations.Disconnected(vm.Plan.Name);
        if (_open.Remove(vm.Plan.Name, out var asked))
        {
            asked.ForEach(one => one.TrySetResult(
                new AgentReply.Failed("agent-disconnected", $"Agent '{vm.Plan.Name}' is not connected.",
                    "Start the agent, or see why it cannot reach the service.", true)));
        }
    }

    private async Task<AgentReply> LostAsync(string agent, CancellationToken ct)
    {
        var answer = new TaskCompletionSource<AgentReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        (_open.TryGetValue(agent, out var open) ? open : _open[agent] = []).Add(answer);
        await using var given = ct.Register(() => answer.TrySetCanceled(ct));
        return await answer.Task;
    }
}

/// <summary>Models the target sides of all machines.</summary>
internal sealed class FluidSite(OutageWorld world) : ITargetSite
{
    /// <inheritdoc/>
    public ITargetVolume? Find(string vm) => world.Vm(vm).Target;

    /// <inheritdoc/>
    public ITargetVolume Obtain(string vm) => world.Vm(vm).Target;

    /// <inheritdoc/>
    /// <remarks>The model has no replica directories that belong to another history.</remarks>
    public string? WhyNotOwn(ProtectedVmState state, IReadOnlyList<ProtectedDisk> disks) => null;

    /// <inheritdoc/>
    /// <remarks>The model's journal is never lost.</remarks>
    public void Begin(ProtectedVmState state, ProtectedVmEffect effect)
    {
        // Only a service that starts over a lost journal would read the note.
    }

    /// <inheritdoc/>
    public Task ReleaseAsync(string vm, bool keep)
    {
        world.Vm(vm).Target.Release();
        return Task.CompletedTask;
    }
}
