using Microsoft.Extensions.Logging;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Vault.Agents;
using ReplicationEngine.Vault.Target;

namespace ReplicationEngine.Vault.Effects;

/// <summary>Finds what a VM's state does not know yet: the difference between what is observed and what it
/// says.</summary>
internal sealed partial class FactFinder(
    ProtectedVms vms, AgentRegistry agents, ISourceSide source, TargetSite site, ILogger<FactFinder> logger)
{
    private static readonly TimeSpan AwayTooLong = TimeSpan.FromSeconds(5);

    /// <summary>All facts to be told now; none when the state is up to date.</summary>
    public IReadOnlyList<ProtectedVmCommand> Facts(ProtectedVmState state)
    {
        var (vm, agent) = (state.Enrollment.Vm.Value, state.Enrollment.Agent);
        var away = agents.AwayFor(agent);
        var status = agents.Status(vm);
        return VmFacts.Of(state, new VmObservation(
            away > AwayTooLong ? AgentPresence.Away : away > TimeSpan.Zero ? AgentPresence.Missed
                : AgentPresence.Connected,
            status is null || agents.Find(agent) is null ? null : Sights.Source(status),
            site.Find(vm)?.Sight(),
            agents.AtRisk(agent, vm), status?.LagBytes ?? 0));
    }

    /// <summary>Tells a newly connected agent what each of its VMs' source side is to be, and the VMs that it is
    /// there.</summary>
    public async Task WelcomeAsync(string agent, CancellationToken ct)
    {
        foreach (var vm in await vms.ListAsync(ct))
        {
            if ((await vms.LookAsync(vm, ct)).View is not { } view || view.State.Enrollment.Agent != agent
                || view.State.Phase is Phase.NotProtected)
            {
                continue;
            }

            try
            {
                // While prerequisites are checked there is nothing to direct, but a check that failed for want of the
                // agent is tried again at once when the VM is told below.
                if (view.State.Phase is not Phase.Enabling { Step: EnableStep.CheckingPrerequisites })
                {
                    await source.DirectAsync(view.State, ct);
                }
            }
            catch (EffectFailedException e)
            {
                NotDirected(agent, vm, e.Message);
            }

            await vms.TellAsync(vm, new ProtectedVmCommand.RecordAgentConnected(), $"connected|{view.Sequence}", ct);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "agent '{Agent}' could not be directed for '{Vm}': {Reason}")]
    private partial void NotDirected(string agent, string vm, string reason);
}
