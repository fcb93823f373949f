using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Tests.TestKit.Clocks;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>How far an agent's clock is from the service's, and how new a report is whatever the agent's clock
/// says.</summary>
[Trait("Req", "I26")]
public sealed class Clocks_of_agents
{
    private readonly ManualTime _time = new();
    private readonly AgentClocks _clocks;

    public Clocks_of_agents() => _clocks = new AgentClocks(_time);

    [Theory]
    [InlineData(-86_400)]
    [InlineData(-10)]
    [InlineData(0)]
    [InlineData(86_400)]
    public void Are_measured_to_half_a_round_trip(int seconds)
    {
        Read(TimeSpan.FromSeconds(seconds), there: 30, back: 10);

        var error = _clocks.OffsetOf("a")!.Value - TimeSpan.FromSeconds(seconds);
        Assert.InRange(error.TotalMilliseconds, -20, 20);
    }

    [Fact]
    public void Are_known_best_by_the_shortest_round_trip()
    {
        Read(TimeSpan.FromSeconds(5), there: 900, back: 100);
        Read(TimeSpan.FromSeconds(5), there: 1, back: 1);
        Read(TimeSpan.FromSeconds(5), there: 100, back: 900);

        Assert.Equal(TimeSpan.FromSeconds(5), _clocks.OffsetOf("a"));
    }

    [Theory]
    [InlineData(86_400)]
    [InlineData(-86_400)]
    public void Are_measured_anew_once_one_was_set(int seconds)
    {
        Read(TimeSpan.Zero, there: 1, back: 1);
        Read(TimeSpan.FromSeconds(seconds), there: 40, back: 40);
        Assert.Equal(TimeSpan.FromSeconds(seconds), _clocks.OffsetOf("a"));

        _time.JumpWall(TimeSpan.FromSeconds(seconds));
        Read(TimeSpan.FromSeconds(seconds), there: 40, back: 40, wallJumped: TimeSpan.FromSeconds(seconds));
        Assert.Equal(TimeSpan.Zero, _clocks.OffsetOf("a"));
    }

    [Fact]
    public void Are_not_known_before_an_answer() => Assert.Null(_clocks.OffsetOf("a"));

    [Fact]
    [Trait("Req", "I21")]
    public void Say_nothing_of_how_new_a_report_is_but_the_probe_that_it_names_does()
    {
        var asked = _time.GetTimestamp();
        var probe = _clocks.Ask("a");
        _time.Advance(TimeSpan.FromSeconds(3));
        var report = Reports.Streaming with { Probe = probe.Number, At = _time.GetUtcNow().AddYears(1) };
        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(asked, _clocks.Before("a", report)!.Value.Stamp);
        Assert.Null(_clocks.Before("a", report with { Probe = null }));
        Assert.Null(_clocks.Before("a", report with { Probe = probe.Number + 1 }));
        Assert.Null(_clocks.Before("another", report));
    }

    private void Read(TimeSpan offset, int there, int back, TimeSpan wallJumped = default)
    {
        var probe = _clocks.Ask("a");
        _time.Advance(TimeSpan.FromMilliseconds(there));
        var read = new AgentReply.ClockRead(_time.GetUtcNow() - wallJumped + offset);
        _time.Advance(TimeSpan.FromMilliseconds(back));
        _clocks.Answered("a", probe, read);
    }
}
