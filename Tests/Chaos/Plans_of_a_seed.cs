using ReplicationEngine.Chaos.Plans;
using Xunit;

namespace ReplicationEngine.Tests.Chaos;

public sealed class Plans_of_a_seed
{
    private static readonly IReadOnlyList<Fault> All = [.. FaultNames.All.Select(f => f.Fault)];

    [Fact]
    public void The_same_seed_plans_the_same_and_another_one_something_else()
    {
        Assert.Equal(Text(11), Text(11));
        Assert.NotEqual(Text(11), Text(12));
    }

    [Fact]
    public void Two_faults_never_befall_the_same_thing_at_the_same_time()
    {
        foreach (var round in Rounds(All))
        {
            foreach (var faults in new[] { round.Faults, round.Story?.Reverse ?? [] })
            {
                foreach (var (one, other) in faults.SelectMany((f, i) => faults.Skip(i + 1).Select(o => (f, o))))
                {
                    var meet = one.At < other.At + other.For && other.At < one.At + one.For;
                    Assert.False(meet && (FaultNames.LanesOf(one.Fault) & FaultNames.LanesOf(other.Fault)) != 0);
                }
            }
        }
    }

    [Fact]
    public void Only_what_is_allowed_is_done_also_in_the_middle_of_operations()
    {
        foreach (var round in Rounds([Fault.PauseService, Fault.KillAgent]))
        {
            Assert.All(round.Faults.Concat(round.Story?.Reverse ?? []), fault =>
                Assert.True(fault.Fault is Fault.PauseService or Fault.KillAgent));
            Assert.All(round.Story?.Kills ?? [], kill => Assert.False(kill?.Service ?? false));
        }
    }

    [Fact]
    public void Over_some_seeds_every_fault_and_every_way_over_comes_up()
    {
        var rounds = Rounds(All).ToList();
        Assert.Equal(All, rounds.SelectMany(r => r.Faults).Select(f => f.Fault).Distinct().Order());
        Assert.Equal(
            Enum.GetValues<StoryKind>(), rounds.Where(r => r.Story is not null).Select(r => r.Story!.Kind).Distinct()
                .Order());
    }

    [Theory]
    [InlineData("kill-agent,stall", "KillAgent,Stall")]
    [InlineData("cut, kill-both", "KillBoth,CutBoth,CutToService,CutToAgent")]
    [InlineData("pause,pause-agent", "PauseAgent,PauseService")]
    public void Names_are_read_one_by_one_or_by_kind(string typed, string meant)
    {
        Assert.True(FaultNames.TryParse(typed, out var faults, out _));
        Assert.Equal(meant, string.Join(',', faults));
    }

    [Theory]
    [InlineData("")]
    [InlineData("stall,")]
    [InlineData("earthquake")]
    public void An_unknown_name_is_told_with_those_that_are_known(string typed)
    {
        Assert.False(FaultNames.TryParse(typed, out _, out var sentence));
        Assert.Contains($"'{typed.Split(',')[^1]}' is not a fault; give one or more of kill-agent,", sentence,
            StringComparison.Ordinal);
    }

    private static IEnumerable<RoundPlan> Rounds(IReadOnlyList<Fault> faults) =>
        Enumerable.Range(1, 60).SelectMany(seed => Enumerable.Range(1, 4).Select(round =>
            new ChaosPlan(seed, faults, vms: 2).Round(round)));

    private static string Text(int seed)
    {
        var round = new ChaosPlan(seed, All, vms: 2).Round(2);
        return string.Join('|', [.. round.Faults.Select(f => f.ToString()), .. round.Orders.Select(o => o.ToString()),
            round.Story!.Kind.ToString(), .. round.Story.Kills.Select(k => $"{k}")]);
    }
}
