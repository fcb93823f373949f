using ReplicationEngine.Agent.Control;
using ReplicationEngine.Vault.Agents;
using ReplicationEngine.Vault.Cli;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>The control stream's first word decides who is heard.</summary>
public sealed class Tokens_of_agents
{
    private readonly AgentRegistry _agents = new(
        TimeProvider.System, new ServeOptions("/nowhere", new Uri("http://127.0.0.1:1"), "s3cret"));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("guess")]
    [InlineData("s3cret0")]
    [InlineData("S3CRET")]
    public async Task A_wrong_one_is_refused_before_anything_is_heard(string? token)
    {
        var (agent, said) = await FakeAgent.CallAsync(_agents, "site-a", token);
        await using var caller = agent;

        Assert.Contains("token", Assert.IsType<ControlMessage.Refused>(said).Reason, StringComparison.Ordinal);
        Assert.Empty(_agents.ConnectedAgents);
        Assert.Empty(_agents.Views());
    }

    [Fact]
    public async Task A_stolen_name_leaves_the_connected_agent_its_requests_and_its_reports()
    {
        var (first, welcome) = await FakeAgent.CallAsync(_agents, "site-a", "s3cret");
        await using var honest = first;
        Assert.IsType<ControlMessage.Welcome>(welcome);
        honest.Answer = _ => new AgentReply.Inspected([], ["asked the honest one"]);
        _agents.Note("site-a", Reports.Streaming);

        foreach (var token in new[] { "guess", null, "s3cret" })
        {
            var (second, said) = await FakeAgent.CallAsync(_agents, "site-a", token);
            await using var thief = second;
            Assert.IsType<ControlMessage.Refused>(said);
        }

        var reply = await _agents.AskAsync(
            "site-a",
            new AgentRequest.Inspect("web", []), TestContext.Current.CancellationToken);
        Assert.Equal(["asked the honest one"], Assert.IsType<AgentReply.Inspected>(reply).Problems);
        Assert.Equal(Reports.Streaming, _agents.Sightings.Status("web"));
        Assert.Equal(TimeSpan.Zero, _agents.Sightings.AwayFor("site-a"));
    }
}
