using ReplicationEngine.Chaos.Witness.Processes;
using Xunit;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>A seed is a run: in any process, on any day.</summary>
public sealed class Same_seed_same_trace
{
    // Two processes that need a processor each, on a machine that may have neither to spare.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(15);

    [Fact]
    public void Twenty_seeds_in_two_processes_have_the_same_traces()
    {
        string[] arguments = ["run", "--seed", "7000", "--seeds", "20", "--hours", "0.5", "--json"];
        var program = Path.Combine(AppContext.BaseDirectory, "drctl-simulate");
        using var one = ChildProcess.Start(program, arguments);
        using var other = ChildProcess.Start(program, arguments);
        one.WaitForExit(s_patience);
        other.WaitForExit(s_patience);
        Assert.Equal((0, ""), (one.ExitCode, one.Errors));
        Assert.Equal(Field(one.Output, "trace"), Field(other.Output, "trace"));
        Assert.Equal(Field(one.Output, "steps"), Field(other.Output, "steps"));
        Assert.NotEqual("0000000000000000", Field(one.Output, "trace"));
    }

    [Fact]
    public void Another_seed_has_another_trace() =>
        Assert.NotEqual(Seeds.Run(1, 0.2).Trace, Seeds.Run(2, 0.2).Trace);

    private static string Field(string json, string name) =>
        System.Text.Json.JsonDocument.Parse(json).RootElement.GetProperty(name).ToString();
}
