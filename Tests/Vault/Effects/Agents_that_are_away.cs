using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Tests.Actors.Hosting;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>How long an agent is away, and how far behind the target is, by a clock that nobody sets.</summary>
[Trait("Req", "I26")]
public sealed class Agents_that_are_away
{
    private readonly ManualTime _time = new();
    private readonly AgentSightings _agents;

    public Agents_that_are_away() => _agents = new AgentSightings(_time);

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
        var report = Reports.Streaming with { LagSeconds = 2 };
        _agents.Note("site-a", report);
        _time.JumpWall(TimeSpan.FromHours(hours));
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(TimeSpan.FromSeconds(3), _agents.LagOf("web"));
        _agents.Note("site-a", report with { LagSeconds = null });
        Assert.Equal(TimeSpan.Zero, _agents.LagOf("web"));
        Assert.Null(_agents.LagOf("db"));
    }
}
