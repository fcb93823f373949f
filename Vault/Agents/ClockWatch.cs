using Microsoft.Extensions.Hosting;
using ReplicationEngine.Orchestration.Sources;

namespace ReplicationEngine.Vault.Agents;

/// <summary>
/// Reads the clock of every connected agent each second. An agent that does not reply is not asked again until its
/// pending request has timed out.
/// </summary>
internal sealed class ClockWatch(AgentRegistry agents, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        var asked = new Dictionary<string, Task>(StringComparer.Ordinal);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach (var (agent, probe) in asked.Where(known => known.Value.IsCompleted).ToList())
            {
                await probe;
                asked.Remove(agent);
            }

            foreach (var agent in agents.ConnectedAgents)
            {
                if (!asked.ContainsKey(agent))
                {
                    asked[agent] = ProbeAsync(agent, stoppingToken);
                }
            }
        }
    }

    private async Task ProbeAsync(string agent, CancellationToken stopping)
    {
        using var deadline = new CancellationTokenSource(AnswerWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, stopping);
        try
        {
            await agents.ProbeAsync(agent, either.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // Without a reply there is no measurement. The agent's silence shows in its reports, which stop too.
            return;
        }
    }
}
