using ReplicationEngine.Agent.Control;
using ReplicationEngine.Vault.Agents;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>The control stream's first word decides who is heard.</summary>
public sealed class First_words_of_agents
{
    private readonly AgentRegistry _agents = new(TimeProvider.System);

    [Fact]
    public async Task Another_version_is_refused_before_anything_is_heard()
    {
        var (agent, said) = await FakeAgent.CallAsync(_agents, "site-a", version: 1);
        await using var caller = agent;

        Assert.Contains(
            "protocol", Assert.IsType<ControlMessage.Refused>(said).Reason, StringComparison.Ordinal);
        Assert.Empty(_agents.ConnectedAgents);
        Assert.Empty(_agents.Views());
    }

    [Fact]
    public async Task A_stolen_name_leaves_the_connected_agent_its_requests_and_its_reports()
    {
        var (first, welcome) = await FakeAgent.CallAsync(_agents, "site-a");
        await using var honest = first;
        Assert.IsType<ControlMessage.Welcome>(welcome);
        honest.Answer = _ => new AgentReply.Inspected([], ["asked the honest one"]);
        _agents.Note("site-a", Reports.Streaming);

        var (second, said) = await FakeAgent.CallAsync(_agents, "site-a");
        await using var thief = second;
        Assert.IsType<ControlMessage.Refused>(said);

        var reply = await _agents.AskAsync(
            "site-a",
            new AgentRequest.Inspect("web", []), TestContext.Current.CancellationToken);
        Assert.Equal(["asked the honest one"], Assert.IsType<AgentReply.Inspected>(reply).Problems);
        Assert.Equal(Reports.Streaming, _agents.Sightings.Status("web"));
        Assert.Equal(TimeSpan.Zero, _agents.Sightings.AwayFor("site-a"));
    }
}
