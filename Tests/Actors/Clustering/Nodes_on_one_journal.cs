using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Npgsql;
using ReplicationEngine.Actors.Clustering;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Persistence.InMemory;
using ReplicationEngine.Persistence.Sql;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Counters;
using static ReplicationEngine.Tests.Actors.Hosting.TestEngine;

namespace ReplicationEngine.Tests.Actors.Clustering;

public sealed class Nodes_on_one_journal(ClusterDatabase database)
{
    private const int Counters = 60;

    [Fact]
    [Trait("Req", "I19")]
    public async Task Accept_any_command_and_show_every_state()
    {
        await using var cluster = new TestCluster(await database.Server.NewDatabaseAsync(), 3);
        await cluster.StartAllAsync();
        for (var number = 0; number < Counters; number++)
        {
            var reply = await cluster.AddAsync(number % 3, $"c{number}", number, number + 1);
            Assert.Equal(new CommandReply.Accepted(1), reply);
        }

        for (var number = 0; number < Counters; number++)
        {
            var other = cluster[(number + 1) % 3][$"c{number}"];
            var view = await other.StateAsync(default);
            Assert.Equal((number + 1, 1), (view.State.Total, view.Sequence));
            var again = await cluster.AddAsync((number + 2) % 3, $"c{number}", number, number + 1);
            Assert.Equal(new CommandReply.Accepted(1), again);
            var refused = Assert.IsType<CommandReply.Refused>(await other.AskAsync(
                new CounterCommand.AddOnce(1), Command(1_000), "me", default));
            Assert.Equal("limit-reached", refused.Refusal.Code);
            Assert.StartsWith($"The total {number + 1} allows", refused.Refusal.Message, StringComparison.Ordinal);
        }

        var shards = await cluster[0].Engine.Cluster.ShardsAsync(Eventually.Patience, default);
        Assert.Equal(Counters, shards.Sum(shard => shard.Entities));
        Assert.Equal(3, shards.Select(shard => shard.Node).Distinct().Count());
    }

    [Fact]
    public async Task Run_no_entities_without_the_role_and_serve_all_the_same()
    {
        await using var cluster = new TestCluster(await database.Server.NewDatabaseAsync(), 2);
        await Task.WhenAll(cluster.StartAsync(0), cluster.StartAsync(1, [ClusterNode.StoreRole]));
        await Eventually.HoldsAsync(() => TestCluster.IsComplete(cluster[1], 2));

        Assert.Equal(new CommandReply.Accepted(1), await cluster.AddAsync(1, "a", 1, 5));
        Assert.Equal(5, (await cluster[1]["a"].StateAsync(default)).State.Total);
        var model = cluster[1].Engine.ReadModel;
        Assert.True(await model.PassedAsync(
            Totals.ProjectionName, cluster[1]["a"].Id, 1, Eventually.Patience, default));
        Assert.Equal(5, (await model.FindAsync<Total>(Totals.ProjectionName, "a", default))!.Sum);
        var shards = await cluster[0].Engine.Cluster.ShardsAsync(Eventually.Patience, default);
        Assert.Equal([TestCluster.NameOf(0)], shards.Select(shard => shard.Node).Distinct());
    }

    [Fact]
    [Trait("Req", "I19")]
    public async Task Fail_no_command_while_each_is_restarted_in_turn()
    {
        await using var cluster = new TestCluster(await database.Server.NewDatabaseAsync(), 3);
        await cluster.StartAllAsync();
        for (var node = 0; node < 3; node++)
        {
            var load = new Load(cluster, $"x{node}", from: [(node + 1) % 3, (node + 2) % 3]);
            await load.UntilAsync(Counters);
            await cluster.StopAsync(node);
            await load.UntilAsync(load.Accepted + Counters);
            await cluster.StartAsync(node);
            await Eventually.HoldsAsync(() => TestCluster.IsComplete(cluster[(node + 1) % 3], 3));
            await load.EndAsync();

            Assert.Equal(0, load.Unknown);
            await load.JudgeAsync(node);
        }
    }

    [Fact]
    public async Task Form_one_cluster_however_they_start_and_share_the_journal_with_no_lone_service()
    {
        var connection = await database.Server.NewDatabaseAsync();
        await using (var cluster = new TestCluster(connection, 2))
        {
            await cluster.StartAllAsync();
            var refused = await Assert.ThrowsAsync<JournalInUseException>(
                () => StartAsync(build: builder => builder.UsePostgreSql(connection)));
            Assert.Contains("is open in another process", refused.Message, StringComparison.Ordinal);

            // A node that is told of no other one must not found a second cluster.
            await using var stranger = new TestCluster(connection, 1);
            await stranger.StartAsync(0);
            await Eventually.HoldsAsync(() => Waits(stranger));
        }

        await using var lone = await StartAsync(build: builder => builder.UsePostgreSql(connection));
        await using var late = new TestCluster(connection, 1);
        await late.StartAsync(0);
        await Eventually.HoldsAsync(() => Waits(late));
        var told = Assert.IsType<CommandReply.Unavailable>(await late.AddAsync(0, "c", 1, 1));
        Assert.Contains("give it the address of one", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refuse_to_start_with_settings_that_cannot_work()
    {
        var connection = await database.Server.NewDatabaseAsync();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var taken = new NodeAddress("127.0.0.1", ((IPEndPoint)other.LocalEndpoint).Port);
        await RefusesAsync<EngineConfigurationException>(
            $"The node cannot listen on {taken}", new ClusterNode { Name = "a", Address = taken },
            builder => builder.UsePostgreSql(connection));
        var free = TestCluster.Free("127.0.0.1");
        await RefusesAsync<EngineConfigurationException>(
            "Several nodes can only share a journal in PostgreSQL", new ClusterNode { Name = "a", Address = free },
            builder => builder.UseInMemory());
        await RefusesAsync<OptionsValidationException>(
            "'a b' is not a name of a node", new ClusterNode { Name = "a b", Address = free },
            builder => builder.UseInMemory());
        await RefusesAsync<OptionsValidationException>(
            "'10.0.0.1:7500' is not a loopback address",
            new ClusterNode { Name = "a", Address = free, Join = [new NodeAddress("10.0.0.1", 7500)] },
            builder => builder.UseInMemory());
        await RefusesAsync<OptionsValidationException>(
            "'boss' is not a role", new ClusterNode { Name = "a", Address = free, Roles = ["boss"] },
            builder => builder.UseInMemory());
    }

    [Theory]
    [InlineData("127.0.0.1:7500", true)]
    [InlineData("node-1.example:1", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("127.0.0.1:", false)]
    [InlineData(":7500", false)]
    [InlineData("127.0.0.1:0", false)]
    [InlineData("127.0.0.1:65536", false)]
    [InlineData("a b:7500", false)]
    public void Have_addresses_of_host_and_port(string text, bool valid) =>
        Assert.Equal(valid ? text : null, NodeAddress.Parse(text)?.ToString());

    private static async Task RefusesAsync<TException>(
        string why, ClusterNode node, Action<ReplicationEngineBuilder> build)
        where TException : Exception
    {
        var refused = await Assert.ThrowsAsync<TException>(
            () => StartAsync(configure: options => options.Node = node, build: build));
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Req", "I15")]
    public async Task Recover_an_entity_whose_events_two_owners_wrote_in_turn()
    {
        var connection = await database.Server.NewDatabaseAsync();
        await using (var first = await StartAsync(build: builder => builder.UsePostgreSql(connection)))
        {
            for (var number = 1; number <= 6; number++)
            {
                await first["c"].AskAsync(new CounterCommand.Add(1), Command(number), "me", default);
            }
        }

        await using (var source = NpgsqlDataSource.Create(connection))
        {
            await using var command = source.CreateCommand(
                "UPDATE journal SET writer_uuid = CASE sequence_number % 2 WHEN 0 THEN 'a' ELSE 'b' END");
            Assert.Equal(6, await command.ExecuteNonQueryAsync());
        }

        await using var second = await StartAsync(build: builder => builder.UsePostgreSql(connection));
        Assert.Equal(6, (await second["c"].StateAsync(default)).State.Total);
    }

    private static bool Waits(TestCluster cluster) =>
        cluster[0].Engine.Cluster.Waiting?.StartsWith("Other nodes use", StringComparison.Ordinal) == true;
}
