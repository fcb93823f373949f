using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>One run of the service: the product's orchestration over the fluid volumes of all machines.</summary>
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

    /// <summary>The agents as this run reaches them.</summary>
    public FluidAgents Agents { get; }

    /// <summary>Runs effects.</summary>
    public EffectTurns Effects { get; }

    /// <summary>Finds what the entities do not know yet.</summary>
    public FactFinder Facts { get; }
}

/// <summary>
/// The agents over links that break. A request over a broken link is answered when the connection counts as lost.
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

    /// <summary>A connected agent reports.</summary>
    public void Report(VmModel vm)
    {
        if (vm.Session)
        {
            Note(vm.Plan.Name, vm.Agent.Status());
        }
    }

    /// <summary>An agent has connected.</summary>
    public void Connected(VmModel vm)
    {
        Lost(vm);
        Observations.Connected(vm.Plan.Name);
    }

    /// <summary>An agent's connection is given up: what was asked over it is not answered any more.</summary>
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

/// <summary>The target sides of all machines.</summary>
internal sealed class FluidSite(OutageWorld world) : ITargetSite
{
    /// <inheritdoc/>
    public ITargetVolume? Find(string vm) => world.Vm(vm).Target;

    /// <inheritdoc/>
    public ITargetVolume Obtain(string vm) => world.Vm(vm).Target;

    /// <inheritdoc/>
    /// <remarks>The model has no directories of another history.</remarks>
    public string? WhyNotOwn(ProtectedVmState state, IReadOnlyList<ProtectedDisk> disks) => null;

    /// <inheritdoc/>
    /// <remarks>The model's journal is never lost.</remarks>
    public void Begin(ProtectedVmState state, ProtectedVmEffect effect)
    {
        // Only a service that starts over a lost journal reads what would be noted.
    }

    /// <inheritdoc/>
    public Task ReleaseAsync(string vm, bool keep)
    {
        world.Vm(vm).Target.Release();
        return Task.CompletedTask;
    }
}
