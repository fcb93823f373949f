using ReplicationEngine.Actors.Clustering;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Counters;
using ReplicationEngine.Persistence.Sql;
using static ReplicationEngine.Tests.Actors.Hosting.TestEngine;

namespace ReplicationEngine.Tests.Actors.Clustering;

/// <summary>
/// Three processes on one journal, each sending commands to all counters while one of them is killed and the database
/// crashes, one is suspended, one is cut off and one stops. Afterwards every row is read.
/// </summary>
public sealed class Nodes_as_processes : IAsyncLifetime
{
    private const int Size = 3;
    private const int Counters = 40;
    private const int SomeCommands = 30;

    private readonly PostgresServer _server = new();
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("nodes-");
    private NodeProcess[] _nodes = [];
    private string _connection = "";

    public async ValueTask InitializeAsync()
    {
        _connection = await _server.NewDatabaseAsync();
        NodeAddress[] addresses = [.. Enumerable.Range(1, Size).Select(n => TestCluster.Free($"127.0.0.{n}"))];
        _nodes = [.. Enumerable.Range(1, Size).Select(number =>
            new NodeProcess(_connection, number, Counters, _directory.FullName, addresses))];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            node.Dispose();
        }

        await _server.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Fact]
    [Trait("Req", "I15")]
    [Trait("Req", "I19")]
    [Trait("Req", "I20")]
    public async Task Accept_each_command_once_whatever_happens_to_them()
    {
        await Task.WhenAll(_nodes.Select(node => node.StartAsync()));
        await WorkAsync(_nodes);

        _nodes[2].Now.Kill();
        await _server.RestartAsync();
        await WorkAsync(_nodes[0], _nodes[1]);
        await _nodes[2].StartAsync();
        await WorkAsync(_nodes);

        // The others remove a node that is suspended for long. When it is resumed it still believes to own its share.
        _nodes[0].Now.Halt();
        await RemovedByAsync(_nodes[0], _nodes[1]);
        await WorkAsync(_nodes[1], _nodes[2]);
        _nodes[0].Now.GoOn();
        Assert.Equal(NodeProcess.Removed, _nodes[0].Now.WaitForExit(Eventually.Patience));
        await _nodes[0].StartAsync();

        // Of two halves that cannot reach each other the smaller one ends itself.
        _nodes[1].CutFrom(_nodes[0], _nodes[2]);
        _nodes[0].CutFrom(_nodes[1]);
        _nodes[2].CutFrom(_nodes[1]);
        Assert.Equal(NodeProcess.Removed, _nodes[1].Now.WaitForExit(Eventually.Patience));
        await WorkAsync(_nodes[0], _nodes[2]);
        Assert.Equal(0, _nodes[0].Now.Stop());
        await WorkAsync(_nodes[2]);
        Assert.Equal(0, _nodes[2].Now.Stop());

        await JudgeAsync();
    }

    private static Task WorkAsync(params NodeProcess[] nodes) =>
        Task.WhenAll(nodes.Select(node => node.WorksAsync(SomeCommands)));

    private static Task RemovedByAsync(NodeProcess lost, NodeProcess other) => Eventually.HoldsAsync(
        () => other.Now.Output.Contains($"gone {lost.Address}", StringComparison.Ordinal));

    private async Task JudgeAsync()
    {
        await using var engine = await StartAsync(build: builder =>
            builder.UsePostgreSql(_connection).AddProjection<Totals>());
        Assert.True(await engine.Engine.ReadModel.CaughtUpAsync(Totals.ProjectionName, Eventually.Patience, default));
        var accepted = _nodes.SelectMany(node => node.Accepted)
            .ToLookup(ack => ack.Counter, ack => Command(ack.Number), StringComparer.Ordinal);
        for (var number = 0; number < Counters; number++)
        {
            var counter = $"c{number}";
            var stored = new List<Engine.Identifiers.CommandId>();
            await foreach (var recorded in engine[counter].HistoryAsync(1, long.MaxValue, default))
            {
                stored.Add(recorded.CommandId);
                Assert.Equal(stored.Count, recorded.Sequence);
            }

            Assert.Equal(stored.Count, stored.Distinct().Count());
            Assert.Empty(accepted[counter].Except(stored));
            Assert.Equal(stored.Count, (await engine[counter].StateAsync(default)).State.Total);
            Assert.Equal(
                new Total(counter, stored.Count, stored.Count, null),
                await engine.Engine.ReadModel.FindAsync<Total>(Totals.ProjectionName, counter, default));
        }
    }
}
