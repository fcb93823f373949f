using ReplicationEngine.Engine.Scenarios;
using Xunit;

namespace ReplicationEngine.Tests.Engine.Scenarios;

public sealed class The_scenario_catalog
{
    [Theory]
    [Trait("Req", "SCN-1")]
    [Trait("Req", "SCN-2")]
    [Trait("Req", "SCN-3")]
    [Trait("Req", "SCN-5")]
    [InlineData("SCN-1", PlannedFailoverRule.Allowed, true, ReverseReplicationRule.Manual)]
    [InlineData("SCN-2", PlannedFailoverRule.Allowed, true, ReverseReplicationRule.Manual)]
    [InlineData("SCN-3", PlannedFailoverRule.WhenAgentConfirmsShutdown, false, ReverseReplicationRule.None)]
    [InlineData("SCN-5", PlannedFailoverRule.Allowed, true, ReverseReplicationRule.Automatic)]
    public void Says_what_each_scenario_allows(
        string id, PlannedFailoverRule planned, bool failback, ReverseReplicationRule reverse)
    {
        var scenario = ScenarioCatalog.Find(id)!;

        Assert.Equal(
            (planned, failback, reverse, CommitRule.Manual, true, TimeSpan.FromDays(15)),
            (scenario.PlannedFailover, scenario.Failback, scenario.ReverseReplication, scenario.Commit,
                scenario.AppConsistentPoints, scenario.MaxRetention));
    }

    [Fact]
    [Trait("Req", "SCN-11")]
    public void Has_ids_of_their_own_a_default_and_nothing_else()
    {
        Assert.Equal(ScenarioCatalog.All.Length,
            ScenarioCatalog.All.Select(scenario => scenario.Id).Distinct().Count());
        Assert.NotNull(ScenarioCatalog.Find(ScenarioCatalog.DefaultId));
        Assert.Null(ScenarioCatalog.Find("SCN-0"));
    }

    [Fact]
    public void Has_no_failback_without_reverse_replication()
    {
        Assert.All(
            ScenarioCatalog.All,
            scenario => Assert.True(!scenario.Failback || scenario.ReverseReplication != ReverseReplicationRule.None));
    }
}
