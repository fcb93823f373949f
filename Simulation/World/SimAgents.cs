using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Orchestration.Sources;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The agents as the service reaches them between a start and its death, over links that lose messages.
/// </summary>
internal sealed class SimAgents(SimWorld world, ServiceNode service) : IAgents
{
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(5);
    private readonly Dictionary<string, SimVm> _vms =
        world.Vms.ToDictionary(vm => vm.AgentName, StringComparer.Ordinal);
    private readonly Dictionary<string, int> _lives = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<TaskCompletionSource<AgentReply>>> _open = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public AgentObservations Observations { get; } = new(service.Clock);

    /// <summary>Called with every report of a volume.</summary>
    public Action<string, VolumeStatus> Noted { get; set; } = (_, _) => { };

    /// <inheritdoc/>
    public AgentClocks Clocks { get; } = new(service.Clock);

    /// <inheritdoc/>
    public async Task<AgentReply> AskAsync(string agent, AgentRequest request, CancellationToken ct)
    {
        var vm = _vms[agent];
        var answer = new TaskCompletionSource<AgentReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        var open = _open.TryGetValue(agent, out var known) ? known : _open[agent] = [];
        open.Add(answer);
        var life = vm.Agent.Life;
        vm.Wire.Tell(toService: false, () => Answer(vm, life, request, reply => vm.Wire.Tell(
            toService: true, () => service.After(TimeSpan.Zero, () => answer.TrySetResult(reply)))));
        await using var given = ct.Register(() => answer.TrySetCanceled(ct));
        try
        {
            return await answer.Task;
        }
        finally
        {
            open.Remove(answer);
        }
    }

    // A request to a process that has died does not reach the next one, because its connection is another one.
    private void Answer(SimVm vm, int life, AgentRequest request, Action<AgentReply> answered)
    {
        vm.Agent.Enter(
            life, () => world.Run(async () => answered(await vm.Agent.AnswerAsync(request)), vm.Agent));

        // Each request runs in its own task, and one of them may be slow.
        vm.Wire.Late(() => vm.Agent.Enter(
            life, () => world.Run(() => vm.Agent.AnswerAsync(request), vm.Agent)));
    }

    /// <inheritdoc/>
    public void Note(string agent, VolumeStatus status)
    {
        Observations.Note(agent, status);
        Noted(agent, status);
    }

    /// <summary>Reads the clock of a connected agent. The call gives up when the reply is lost.</summary>
    public async Task ProbeAsync(SimVm vm, CancellationToken life)
    {
        if (!Observations.IsConnected(vm.AgentName))
        {
            return;
        }

        using var deadline = new CancellationTokenSource(AnswerWithin, service.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, life);
        try
        {
            var probe = Clocks.Ask(vm.AgentName);
            if (await AskAsync(vm.AgentName, probe, either.Token) is AgentReply.ClockRead read)
            {
                Clocks.Answered(vm.AgentName, probe, read);
            }
        }
        catch (OperationCanceledException)
        {
            world.Trace.Note("clock not read");
        }
    }

    /// <summary>Records a report of an agent. Returns whether it is the first one over a new connection.</summary>
    public bool Reported(SimVm vm, int life, IReadOnlyList<VolumeStatus> report)
    {
        var again = !Observations.HasSession(vm.AgentName) || _lives[vm.AgentName] != life;
        if (again)
        {
            Ended(vm);
            _lives[vm.AgentName] = life;
            Observations.Connected(vm.AgentName);
        }

        Observations.Heard(vm.AgentName);
        foreach (var status in report)
        {
            Note(vm.AgentName, status);
        }

        return again;
    }

    /// <summary>
    /// Called when the connection to an agent is given up. Requests over it get no reply from the agent any more.
    /// </summary>
    public void Ended(SimVm vm)
    {
        if (!Observations.HasSession(vm.AgentName))
        {
            return;
        }

        Observations.Disconnected(vm.AgentName);
        foreach (var answer in _open.TryGetValue(vm.AgentName, out var open) ? open.ToArray() : [])
        {
            answer.TrySetResult(new AgentReply.Failed("agent-disconnected", "The agent is not connected.", null, true));
        }
    }
}
