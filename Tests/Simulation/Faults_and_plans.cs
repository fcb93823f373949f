using System.Globalization;
using System.Text.Json;
using ReplicationEngine.Simulation.Faults;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using Xunit;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>Known seeds and event files keep their meaning while faults are added.</summary>
public sealed class Faults_and_plans
{
    [Fact]
    public void Each_fault_has_a_number_of_its_own() =>
        Assert.Equal(Enumerable.Range(0, FaultList.All.Count), FaultList.All.Select(fault => fault.Number));

    /// <summary>Faults that were added since do not count: a seed may have them in addition.</summary>
    [Fact]
    public void A_seed_has_the_plan_that_it_always_had()
    {
        const int newestThen = 30;
        var hash = 0UL;
        for (ulong seed = 1; seed <= 200; seed++)
        {
            foreach (var e in Swarm.Plan(seed, TimeSpan.FromHours(1)).Events
                .Where(e => e is not PlannedFault { Fault.Number: > newestThen }))
            {
                hash = SplittableRandom.StableHash($"{e.Ms} {e.Vm} {e.Name} {e.A} {e.B}", hash);
            }
        }

        Assert.Equal("8c0b89b8606c325b", hash.ToString("x16", CultureInfo.InvariantCulture));
    }

    [Fact]
    public void An_event_is_written_with_its_name_and_read_back()
    {
        PlannedEvent[] events =
        [
            new PlannedAction(1, 0, SimAction.Write, 2, 3),
            new PlannedFault(4, 1, FaultList.Of<LinkCut>(), 5),
        ];
        var json = JsonSerializer.Serialize(events);
        Assert.Equal(
            """[{"Ms":1,"Vm":0,"Action":"Write","A":2,"B":3},"""
            + """{"Ms":4,"Vm":1,"Action":"LinkCut","A":5,"B":0}]""", json);
        Assert.Equal(events, JsonSerializer.Deserialize<PlannedEvent[]>(json));
    }

    [Fact]
    public void A_name_that_nothing_has_is_refused() => Assert.Throws<JsonException>(
        () => JsonSerializer.Deserialize<PlannedEvent>("""{ "Ms": 1, "Vm": 0, "Action": "Nothing" }"""));
}
