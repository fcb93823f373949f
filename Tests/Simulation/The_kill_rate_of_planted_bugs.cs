using System.Collections.Concurrent;
using System.Globalization;
using Xunit;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>Each planted bug is caught within the seeds that docs/SIMULATOR.md states.</summary>
public sealed class The_kill_rate_of_planted_bugs
{
    private const ulong First = 40_000;

    [Fact]
    public void Every_planted_bug_is_caught_within_its_seeds()
    {
        var rows = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
        var missed = new ConcurrentQueue<string>();
        Parallel.ForEach(
            PlantedBug.All, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, bug =>
            {
                foreach (var number in Enumerable.Range(1, bug.Within).Prepend(bug.FoundWith).Distinct())
                {
                    if (Seeds.Run(First + (ulong)(number - 1), 1, bug.Make()).Broken is { } broken)
                    {
                        rows[bug.What] = string.Create(
                            CultureInfo.InvariantCulture,
                            $"| {bug.Invariant} | {bug.What} | {number} | {broken.Invariant} | {bug.Within} |");
                        return;
                    }
                }

                missed.Enqueue($"{bug} was not caught within {bug.Within} seeds");
            });
        var table = string.Join('\n', PlantedBug.All.Select(bug => rows.GetValueOrDefault(bug.What)));
        TestContext.Current.TestOutputHelper?.WriteLine(table);
        Assert.All(PlantedBug.All, bug => Assert.InRange(bug.FoundWith, 1, bug.Within));
        Assert.True(missed.IsEmpty, string.Join('\n', missed) + "\n" + table);
    }
}
