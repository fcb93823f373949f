using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Persistence.Sql;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Counters;
using static ReplicationEngine.Tests.Actors.Hosting.TestEngine;

[assembly: AssemblyFixture(typeof(PostgresServer))]

namespace ReplicationEngine.Tests.Actors.Hosting;

/// <summary>Commands whose senders stay with them until they are accepted, and what must have become of them.</summary>
public abstract class A_troubled_journal
{
    private protected const int Counters = 20;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(240);

    private bool _stopped;

    private protected ConcurrentDictionary<string, int> Accepted { get; } = new(StringComparer.Ordinal);

    private protected int Commands;

    private protected static void Projected(ReplicationEngineBuilder builder) =>
        builder.Services.AddSingleton<IProjection>(new Totals());

    private protected static async Task<CommandReply> AskAsync(
        TestEngine engine, string counter, ReplicationEngine.Engine.Identifiers.CommandId id) =>
        await engine[counter].AskAsync(new CounterCommand.Add(1), id, "me", default);

    /// <summary>Sends commands, each until it is accepted.</summary>
    private protected async Task SendAsync(TestEngine engine)
    {
        while (!Volatile.Read(ref _stopped))
        {
            var number = Interlocked.Increment(ref Commands);
            var counter = $"c{number % Counters}";
            await Eventually.HoldsAsync(async () =>
                await AskAsync(engine, counter, Command(number)) is CommandReply.Accepted);
            Accepted.AddOrUpdate(counter, 1, (_, count) => count + 1);
        }
    }

    private protected async Task StopAsync(TestEngine engine, List<Task> senders)
    {
        Volatile.Write(ref _stopped, true);
        await Task.WhenAll(senders);
        Assert.True(await engine.Engine.ReadModel.CaughtUpAsync(Totals.ProjectionName, s_patience, default));
        foreach (var (counter, count) in Accepted)
        {
            Assert.Equal(count, (await engine[counter].StateAsync(default)).State.Total);
            Assert.Equal(
                new Total(counter, count, count, null),
                await engine.Engine.ReadModel.FindAsync<Total>(Totals.ProjectionName, counter, default));
        }
    }
}

/// <summary>A database that crashes is trouble that ends by itself, and loses and doubles nothing.</summary>
[Trait("Req", "I19")]
[Trait("Req", "I20")]
public sealed class A_database_that_crashes(PostgresServer server) : A_troubled_journal
{
    private const int Senders = 8;
    private const int Restarts = 5;

    [Fact]
    public async Task A_database_that_crashes_again_and_again_under_load_loses_and_doubles_nothing()
    {
        var connection = await server.NewDatabaseAsync();
        await using var engine = await StartAsync(build: builder => Projected(builder.UsePostgreSql(connection)));
        var senders = Enumerable.Range(0, Senders).Select(_ => SendAsync(engine)).ToList();
        for (var restart = 0; restart < Restarts; restart++)
        {
            var before = Accepted.Values.Sum();
            await Eventually.HoldsAsync(() => Accepted.Values.Sum() >= before + Counters);
            await server.RestartAsync();
        }

        await StopAsync(engine, senders);
    }
}

/// <summary>A lock of somebody else is trouble that is told while it lasts, and ends by itself.</summary>
[Trait("Req", "I19")]
public sealed class A_journal_that_is_locked : A_troubled_journal, IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory();

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task A_lock_that_somebody_else_holds_is_told_and_ends_by_itself()
    {
        var path = Path.Combine(_directory.FullName, "journal.db");
        await using var engine = await StartAsync(path: path, build: Projected);
        Assert.IsType<CommandReply.Accepted>(await AskAsync(engine, "c0", Command(++Commands)));
        var source = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false };
        await using var other = new SqliteConnection(source.ToString());
        await other.OpenAsync();
        await using var held = other.BeginTransaction(deferred: false);
        var waiting = AskAsync(engine, "c0", Command(++Commands));
        await Eventually.HoldsAsync(() => engine.Engine.Trouble.Current is not null);
        Assert.Contains("locked", engine.Engine.Trouble.Current!.Value.What, StringComparison.Ordinal);
        await held.RollbackAsync();

        // Whatever it was told, its id leads to one effect.
        _ = await waiting;
        await Eventually.HoldsAsync(async () =>
            await AskAsync(engine, "c0", Command(Commands)) is CommandReply.Accepted);
        Accepted["c0"] = 2;
        await StopAsync(engine, []);
        Assert.Null(engine.Engine.Trouble.Current);
    }
}
