using System.CommandLine;
using ReplicationEngine.Vault.Contracts;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ReplicationEngine.Vault.Cli;

/// <summary>The commands about agents: <c>agents</c> and <c>agents forget</c>.</summary>
internal static class AgentCommands
{
    /// <summary>Returns the command <c>drctl agents</c>.</summary>
    public static Command Make(ClientCommands commands)
    {
        var agents = commands.View("agents", "List the agents: connection, VMs and clock offset", [],
            async (run, cancellationToken) =>
        {
            var found = await run.Client.AgentsAsync(cancellationToken);
            run.Answer(found, a => Page(a, run.Surroundings.Time.GetUtcNow()));
        });
        agents.Subcommands.Add(Forget(commands));
        return agents;
    }

    private static Command Forget(ClientCommands commands)
    {
        var name = new Argument<string>("NAME") { Description = "The name of a disconnected agent" };
        return commands.View(
            "forget", "Release the name of a disconnected agent, so that its replacement can register", [name],
            async (run, cancellationToken) =>
            {
                var agent = run.Parsed.GetRequiredValue(name);
                await run.Client.ForgetAgentAsync(agent, cancellationToken);
                run.Answer(
                    new AgentForgotten(agent),
                    r => [$"{r.Forgotten}: the name is free; the next agent that registers it gets it"]);
            });
    }

    private static IRenderable Page(IReadOnlyList<AgentView> agents, DateTimeOffset now)
    {
        if (agents.Count == 0)
        {
            return Pages.Line("No agent has registered yet; start one with `drctl agent --server URL --data DIR`.");
        }

        var table = Pages.Table("AGENT", "CONNECTED", "LAST SEEN", "VMS", "CLOCK");
        foreach (var agent in agents)
        {
            table.With(
                agent.Name, agent.Connected ? "yes" : "no",
                agent.LastSeen is { } seen ? StatusPages.Ago(seen, now) : "not since the service started",
                string.Join(", ", agent.Vms), StatusPages.Clock(agent.ClockOffsetSeconds));
        }

        return new Rows(
        [
            table, .. agents.Where(a => a.Conflict is not null).Select(a => Pages.Line($"warning: {a.Conflict}")),
        ]);
    }
}

/// <summary>The agent's name that was released.</summary>
internal sealed record AgentForgotten(string Forgotten);
