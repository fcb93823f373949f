using System.Collections.Concurrent;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;
using Xunit;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>Seeds reach what production has code for, not only in theory; and nothing breaks there.</summary>
public sealed class Rare_states
{
    private const ulong First = 80_000;
    private const int Count = 100;

    /// <summary>Nothing within the service brings these about: see docs/SIMULATOR.md.</summary>
    private static readonly string[] Unreached = [Probes.PruneHeld, Probes.StaleAtStore, Probes.SlowAnswer];

    [Fact]
    public void Within_a_hundred_seeds_every_rare_state_is_reached()
    {
        var sought = Probes.All.Except(Unreached, StringComparer.Ordinal).ToList();
        var reached = new ConcurrentDictionary<string, long>(StringComparer.Ordinal);
        var broken = new ConcurrentQueue<string>();
        Parallel.For(0, Count, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, (i, loop) =>
        {
            var result = new SimWorld(Swarm.Plan(First + (ulong)i, TimeSpan.FromHours(1))).Run();
            foreach (var ((what, _), count) in result.Sometimes.Counts)
            {
                reached.AddOrUpdate(what, count, (_, sum) => sum + count);
            }

            if (result.Broken is { } failure)
            {
                broken.Enqueue($"./drctl simulate run --seed {First + (ulong)i} --hours 1: {failure.Message}");
            }

            if (sought.TrueForAll(reached.ContainsKey))
            {
                loop.Stop();
            }
        });
        Assert.True(broken.IsEmpty, string.Join('\n', broken));
        Assert.Empty(sought.Where(what => !reached.ContainsKey(what)));
    }
}
