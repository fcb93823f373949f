using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Tests.TestKit.Clocks;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>How long an agent is away, and how far behind the target is, by a clock that nobody sets.</summary>
[Trait("Req", "I26")]
public sealed class Agents_that_are_away
{
    private readonly ManualTime _time = new();
    private readonly AgentObservations _agents;

    public Agents_that_are_away() => _agents = new AgentObservations(_time);

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

    [Fact]
    public void Are_away_when_their_stream_is_open_but_nothing_comes()
    {
        _agents.Connected("site-a");
        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.True(_agents.IsConnected("site-a"));
        _agents.Heard("site-a");
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.False(_agents.IsConnected("site-a"));
        Assert.Equal(TimeSpan.FromSeconds(9), _agents.AwayFor("site-a"));
        Assert.Equal(("site-a", false), Assert.Single(_agents.Agents) is var (name, connected, _)
            ? (name, connected) : default);

        _agents.Disconnected("site-a");
        Assert.Equal(TimeSpan.FromSeconds(9), _agents.AwayFor("site-a"));
        _agents.Connected("site-a");
        Assert.Equal(TimeSpan.Zero, _agents.AwayFor("site-a"));
    }

    [Fact]
    public void Are_lost_after_ten_looks_at_a_silent_stream_in_a_row()
    {
        var watch = new SilenceWatch();
        Assert.All(Enumerable.Range(1, 9), _ => Assert.False(watch.Look(0)));
        Assert.False(watch.Look(1));
        Assert.All(Enumerable.Range(1, 9), _ => Assert.False(watch.Look(1)));
        Assert.True(watch.Look(1));
    }
}
