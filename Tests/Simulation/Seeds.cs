using System.Collections.Concurrent;
using System.Reflection;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.World;
using Xunit;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>Runs seeds on all cores.</summary>
internal static class Seeds
{
    /// <summary>The first of this commit's own seeds.</summary>
    public static ulong OfCommit => SplittableRandom.StableHash(
        typeof(SimWorld).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion)
            % 1_000_000_000;

    /// <summary>Runs a seed with the production parts, or others.</summary>
    public static SimResult Run(ulong seed, double hours, IWorldParts? parts = null) =>
        new SimWorld(Swarm.Plan(seed, TimeSpan.FromHours(hours)), parts).Run();

    /// <summary>Runs many seeds; every failure is named with the line that runs it again.</summary>
    public static void AllHold(ulong first, int count, double hours)
    {
        var failures = new ConcurrentQueue<string>();
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            var seed = first + (ulong)i;
            if (Run(seed, hours).Broken is { } broken)
            {
                failures.Enqueue($"./drctl simulate run --seed {seed} --hours {hours}: {broken.Message}");
            }
        });
        Assert.True(failures.IsEmpty, string.Join("\n", failures));
    }
}
