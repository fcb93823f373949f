using ReplicationEngine.Tests.Actors.Hosting;
using ReplicationEngine.Vault.Agents;
using ReplicationEngine.Vault.Cli;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>How long an agent is away, and how far behind the target is, by a clock that nobody sets.</summary>
[Trait("Req", "I26")]
public sealed class Agents_that_are_away
{
    private readonly ManualTime _time = new();
    private readonly AgentRegistry _agents;

    public Agents_that_are_away() => _agents = new AgentRegistry(
        _time, new ServeOptions("/nowhere", new Uri("http://127.0.0.1:1"), Token: null));

    [Theory]
    [InlineData(-3)]
    [InlineData(3)]
    public void Are_away_for_as_long_as_it_took(int hours)
    {
        _time.Advance(TimeSpan.FromSeconds(4));
        _time.JumpWall(TimeSpan.FromHours(hours));
        Assert.Equal(TimeSpan.FromSeconds(4), _agents.AwayFor("site-a"));
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(TimeSpan.FromSeconds(7), _agents.AwayFor("site-a"));
    }

    [Theory]
    [InlineData(-3)]
    [InlineData(3)]
    public void Do_not_lag_because_a_clock_was_set_or_differs(int hours)
    {
        var report = Reports.Streaming with { OldestUnacked = VmLife.Start.AddSeconds(-2) };
        _agents.Note("site-a", report);
        _time.JumpWall(TimeSpan.FromHours(hours));
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(TimeSpan.FromSeconds(3), _agents.LagOf("web"));
        _agents.Note("site-a", report with { OldestUnacked = null });
        Assert.Equal(TimeSpan.Zero, _agents.LagOf("web"));
        Assert.Null(_agents.LagOf("db"));
    }
}
