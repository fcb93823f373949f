using ReplicationEngine.Simulation.Faults;
using ReplicationEngine.Simulation.World;
using ReplicationEngine.Tests.TestKit.Processes;
using Xunit;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>A seed is a run: in any process, on any day.</summary>
public sealed class SameSeedSameTrace
{
    [Fact]
    public void Twenty_seeds_in_two_processes_have_the_same_traces()
    {
        string[] arguments = ["run", "--seed", "7000", "--seeds", "20", "--hours", "0.7", "--json"];
        var program = Path.Combine(AppContext.BaseDirectory, "drctl-simulate");
        using var one = ChildProcess.Start(program, arguments);
        using var other = ChildProcess.Start(program, arguments);
        one.WaitForExit();
        other.WaitForExit();
        Assert.Equal((0, ""), (one.ExitCode, one.Errors));
        Assert.Equal(Field(one.Output, "trace"), Field(other.Output, "trace"));
        Assert.Equal(Field(one.Output, "steps"), Field(other.Output, "steps"));
        Assert.NotEqual("0000000000000000", Field(one.Output, "trace"));
    }

    [Fact]
    public void Another_seed_has_another_trace() =>
        Assert.NotEqual(Seeds.Run(1, 0.2).Trace, Seeds.Run(2, 0.2).Trace);

    [Fact]
    [Trait("Req", "I26")]
    public void Wall_clocks_that_jump_change_nothing_but_timestamps()
    {
        for (ulong seed = 1; seed <= 12; seed++)
        {
            var calm = Swarm.Plan(seed, TimeSpan.FromHours(1.2), vms: 1);
            calm = calm with
            {
                RetentionMinutes = 24 * 60,
                Events = [.. calm.Events.Where(e => !Swarm.IsFault(e.Action))],
            };
            var random = new ReplicationEngine.Simulation.Kernel.SplittableRandom(seed);
            var jumps = Enumerable.Range(0, 8).Select(_ => new PlannedEvent(
                random.Between(300, 4000) * 1000L, 0, SimAction.ClockJump,
                random.Between(-365, 366) * 86_400_000L, random.Next(2)));
            var jumping = calm with { Events = [.. calm.Events.Concat(jumps).OrderBy(e => e.Ms)] };
            Assert.Equal(Story(calm), Story(jumping));
        }
    }

    /// <summary>What happened, to the second of virtual time, but for points that grew old.</summary>
    private static string Story(SimPlan plan)
    {
        var world = new SimWorld(plan, keepNotes: int.MaxValue);
        Assert.Null(world.Run().Broken);
        return string.Join('\n', world.Trace.Kept
            .TakeWhile(note => !note.Contains("agent vm-0 -1", StringComparison.Ordinal))
            .Where(note => note.Contains("protected-vm.", StringComparison.Ordinal)
                && !note.Contains("expired", StringComparison.Ordinal)
                && !note.Contains("rpo", StringComparison.Ordinal))
            .Select(note => note.Split('.')[0] + note[note.IndexOf(' ', StringComparison.Ordinal)..]));
    }

    private static string Field(string json, string name) =>
        System.Text.Json.JsonDocument.Parse(json).RootElement.GetProperty(name).ToString();
}
