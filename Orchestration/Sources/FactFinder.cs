using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;

namespace ReplicationEngine.Orchestration.Sources;

/// <summary>Finds what a VM's state does not know yet: the difference between what is observed and what it
/// says.</summary>
internal sealed class FactFinder(IAgents agents, ISourceSide source, ITargetSite site)
{
    private static readonly TimeSpan AwayTooLong = TimeSpan.FromSeconds(5);

    /// <summary>All facts to be told now; none when the state is up to date.</summary>
    public IReadOnlyList<ProtectedVmCommand> Facts(ProtectedVmState state)
    {
        var (vm, agent, seen) = (state.Enrollment.Vm.Value, state.Enrollment.Agent, agents.Sightings);
        var away = seen.AwayFor(agent);
        var status = seen.Status(vm);
        return VmFacts.Of(state, new VmObservation(
            away > AwayTooLong ? AgentPresence.Away : away > TimeSpan.Zero ? AgentPresence.Missed
                : AgentPresence.Connected,
            status is null || !seen.IsConnected(agent) ? null : SourceReports.Sight(status),
            site.Find(vm)?.Sight(), seen.AtRisk(agent, vm), status?.LagBytes ?? 0));
    }

    /// <summary>
    /// An agent has connected: tells it what a VM's source side is to be, and the VM that it is there. Answers why it
    /// could not be directed; null when it was, or there is nothing to direct.
    /// </summary>
    public async Task<string?> WelcomeAsync(
        ProtectedVmState state, Func<ProtectedVmCommand, CancellationToken, Task> tell, CancellationToken ct)
    {
        var problem = await DirectAsync(state, ct);
        await tell(new ProtectedVmCommand.RecordAgentConnected(), ct);
        return problem;
    }

    // While prerequisites are checked there is nothing to direct, but a check that failed for want of the agent is tried
    // again at once when the VM is told.
    private async Task<string?> DirectAsync(ProtectedVmState state, CancellationToken ct)
    {
        if (state.Phase is Phase.NotProtected or Phase.Enabling { Step: EnableStep.CheckingPrerequisites })
        {
            return null;
        }

        try
        {
            await source.DirectAsync(state, ct);
            return null;
        }
        catch (EffectFailedException e)
        {
            return e.Message;
        }
    }
}
