using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Tests.TestKit.Clocks;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>The loss at risk raises a warning beyond the threshold, also while nobody reports it.</summary>
[Trait("Req", "POL-4")]
public sealed class Facts_about_the_lag
{
    private static readonly TimeSpan Threshold = ReplicationPolicy.Default.RpoThreshold;
    private readonly ManualTime _time = new();

    [Fact]
    public void It_is_raised_once_beyond_the_threshold_and_taken_back_below_it()
    {
        var life = VmLife.Protected();
        Assert.Empty(Facts(life.State, Threshold, 5));
        Assert.Empty(Facts(life.State, null, 0));

        life.Tell(Assert.Single(Facts(life.State, Threshold + TimeSpan.FromTicks(1), 5)));
        Assert.Contains(life.State.Causes, cause => cause.Kind == HealthKind.RpoExceeded);
        Assert.Empty(Facts(life.State, Threshold * 2, 5));
        Assert.Empty(Facts(life.State, null, 0));

        life.Tell(Assert.Single(Facts(life.State, Threshold, 5)));
        Assert.DoesNotContain(life.State.Causes, cause => cause.Kind == HealthKind.RpoExceeded);
    }

    [Fact]
    public void Without_its_agent_as_much_is_at_risk_as_the_agent_has_been_away()
    {
        var agents = new AgentObservations(_time);
        agents.Note("site-a", Reports.Streaming with { LagSeconds = null });
        _time.Advance(TimeSpan.FromMinutes(7));
        Assert.Equal(TimeSpan.FromMinutes(7), agents.AtRisk("site-a", "web"));

        agents.Note("site-a", Reports.Streaming with { LagSeconds = 30 * 60 });
        Assert.Equal(TimeSpan.FromMinutes(30), agents.AtRisk("site-a", "web"));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(TimeSpan.FromMinutes(31), agents.AtRisk("site-a", "web"));
    }

    private static IReadOnlyList<ProtectedVmCommand> Facts(ProtectedVmState state, TimeSpan? atRisk, long bytes) =>
        VmFacts.Of(state, new VmObservation(AgentPresence.Connected, null, null, atRisk, bytes));
}
