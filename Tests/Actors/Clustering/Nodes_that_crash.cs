using System.Collections.Concurrent;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Counters;
using static ReplicationEngine.Tests.Actors.Hosting.TestEngine;

namespace ReplicationEngine.Tests.Actors.Clustering;

public sealed class Nodes_that_crash(ClusterDatabase database)
{
    private const int Counters = 60;

    [Fact]
    [Trait("Req", "I19")]
    [Trait("Req", "I20")]
    public async Task Lose_and_double_nothing_when_one_crashes_and_comes_back()
    {
        await using var cluster = new TestCluster(
            await database.Server.NewDatabaseAsync(), 3, TestCluster.ShortPause);
        await cluster.StartAllAsync();
        var load = new Load(cluster, "x", from: [0, 1]);
        await load.UntilAsync(Counters);

        await cluster.CrashAsync(2);
        await load.UntilAsync(load.Accepted + (3 * Counters));
        await cluster.StopAsync(2);
        await cluster.StartAsync(2);
        await Eventually.HoldsAsync(() => TestCluster.IsComplete(cluster[0], 3));
        await load.UntilAsync(load.Accepted + Counters);

        await load.EndAsync();
        await load.JudgeAsync(2);
        Assert.Equal(0, load.Unknown);
    }

    [Fact]
    public async Task Take_over_what_a_crashed_one_owed()
    {
        var started = new ConcurrentQueue<string>();
        await using var cluster = new TestCluster(
            await database.Server.NewDatabaseAsync(), 3, TestCluster.ShortPause) { Effects = new Noting(started) };
        await cluster.StartAllAsync();
        var owing = Enumerable.Range(0, Counters).Select(number => $"c{number}").ToList();
        foreach (var (number, counter) in owing.Index())
        {
            await cluster[0][counter].AskAsync(new CounterCommand.StartWork(counter), Command(number), "me", default);
        }

        await Eventually.HoldsAsync(() => started.Distinct(StringComparer.Ordinal).Count() == Counters);
        var shards = await cluster[0].Engine.Cluster.ShardsAsync(Eventually.Patience, default);
        var lost = shards.Where(shard => shard.Node == TestCluster.NameOf(2)).Sum(shard => shard.Entities);
        Assert.InRange(lost, 1, Counters - 1);
        started.Clear();

        await cluster.CrashAsync(2);

        await Eventually.HoldsAsync(() => started.Distinct(StringComparer.Ordinal).Count() == lost);
    }

    [Fact]
    public async Task Read_the_documents_of_one_that_runs_the_projections_and_replace_it()
    {
        await using var cluster = new TestCluster(
            await database.Server.NewDatabaseAsync(), 3, TestCluster.ShortPause);
        await cluster.StartAllAsync();
        for (var node = 0; node < 3; node++)
        {
            await cluster.AddAsync(node, $"c{node}", node, 1);
            var id = cluster[node][$"c{node}"].Id;
            var model = cluster[node].Engine.ReadModel;
            Assert.True(await model.PassedAsync(Totals.ProjectionName, id, 1, Eventually.Patience, default));
            Assert.Equal(1, (await model.FindAsync<Total>(Totals.ProjectionName, $"c{node}", default))!.Sum);
            await model.RebuildAsync(Totals.ProjectionName, default);
            await Eventually.HoldsAsync(async () => (await model.StatusAsync(default)) is
                [{ Activity: ProjectionActivity.Following, Behind: 0 } status] && status.Generation == node + 2);
        }

        for (var node = 0; node < 2; node++)
        {
            await cluster.CrashAsync(node);
            await cluster.AddAsync(2, "c2", 10 + node, 1);
            Assert.True(await cluster[2].Engine.ReadModel.PassedAsync(
                Totals.ProjectionName, cluster[2]["c2"].Id, 2 + node, Eventually.Patience, default));
            await cluster.StopAsync(node);
            await cluster.StartAsync(node);
            await Eventually.HoldsAsync(() => TestCluster.IsComplete(cluster[2], 3));
        }
    }

    /// <summary>Notes each effect that starts and never ends it.</summary>
    private sealed class Noting(ConcurrentQueue<string> started) : IEffectHandler<CounterCommand>
    {
        public async ValueTask HandleAsync(
            PersistenceId id, Effect effect, IEntityCommandSink<CounterCommand> sink,
            CancellationToken cancellationToken)
        {
            started.Enqueue(id.Entity);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        }
    }
}
