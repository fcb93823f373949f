using Microsoft.Data.Sqlite;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.InMemory;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Clocks;
using ReplicationEngine.Tests.TestKit.Counters;
using static ReplicationEngine.Tests.Actors.Hosting.TestEngine;

namespace ReplicationEngine.Tests.Actors.Hosting;

public sealed class An_engine_that_restarts : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("engine-");

    private string File => Path.Combine(_directory.FullName, "data", "journal.db");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Nothing_acknowledged_is_lost_over_restarts_on_a_file()
    {
        for (var round = 0; round < 3; round++)
        {
            await using var engine = await StartAsync(path: File, configure: options => options.SnapshotEvery = 10);
            for (var i = 1; i <= 25; i++)
            {
                var reply = await engine["a"].AskAsync(
                    new CounterCommand.Add(1), Command(round * 100 + i), "me", default);
                Assert.Equal(new CommandReply.Accepted(round * 25 + i), reply);
            }
        }

        await using var last = await StartAsync(path: File);
        Assert.Equal(75, (await last["a"].StateAsync(default)).State.Total);
        Assert.Equal(
            new CommandReply.Accepted(1),
            await last["a"].AskAsync(new CounterCommand.Add(1), Command(1), "me", default));
    }

    [Fact]
    public async Task A_second_engine_on_the_same_file_gets_one_clear_error()
    {
        await using var engine = await StartAsync(path: File);

        await Assert.ThrowsAsync<JournalInUseException>(() => StartAsync(path: File));
    }

    [Fact, Trait("Req", "ERR-3")]
    public async Task A_durable_timer_fires_after_a_restart_although_nobody_asks()
    {
        var time = new ManualTime();
        var start = time.GetUtcNow();
        var store = new MemoryStore();
        await using (var engine = await StartAsync(store, time: time))
        {
            await engine["a"].AskAsync(
                new CounterCommand.SetTimer("t", time.GetUtcNow().AddMinutes(5)), Command(1), "me", default);
        }

        await using var later = await StartAsync(store, time: time);
        time.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal(1, await LastAsync(store));
        await Eventually.HoldsAsync(async () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return await LastAsync(store) == 2;
        });
        Assert.True(time.GetUtcNow() >= start.AddMinutes(5));
    }

    [Fact]
    public async Task A_durable_timer_wakes_a_passivated_entity()
    {
        var time = new ManualTime();
        var store = new MemoryStore();
        await using var engine = await StartAsync(store, time: time);
        await engine["a"].AskAsync(
            new CounterCommand.SetTimer("t", time.GetUtcNow().AddHours(26)), Command(1), "me", default);
        time.Advance(TimeSpan.FromHours(25));
        await Eventually.HoldsAsync(() => engine.ActiveCounters == 0);

        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(1, (await engine["a"].StateAsync(default)).State.Fired);
    }

    [Fact]
    public async Task An_entity_in_use_stays_in_memory()
    {
        var time = new ManualTime();
        await using var engine = await StartAsync(time: time);
        for (var i = 0; i < 20; i++)
        {
            await engine["a"].StateAsync(default);
            time.Advance(TimeSpan.FromMinutes(9));
            Assert.Equal(1, engine.ActiveCounters);
        }

        time.Advance(TimeSpan.FromMinutes(20));
        await Eventually.HoldsAsync(() => engine.ActiveCounters == 0);
        Assert.Equal(0, (await engine["a"].StateAsync(default)).State.Total);
    }

    [Fact, Trait("Req", "I7")]
    public async Task A_journal_of_an_earlier_form_is_refused_with_one_sentence()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        await using (var connection = new SqliteConnection($"Data Source={File};Pooling=False"))
        {
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA application_id=1380993585; CREATE TABLE events (position INTEGER)";
            await command.ExecuteNonQueryAsync();
        }

        var refused = await Assert.ThrowsAsync<JournalUnavailableException>(() => StartAsync(path: File));
        Assert.Contains("earlier version", refused.Message, StringComparison.Ordinal);
    }

    private static async Task<long> LastAsync(MemoryStore store)
    {
        var id = new PersistenceId(Counter.TypeName, new Engine.Identifiers.VaultId("vault"), "a");
        return (await store.ReadStreamAsync(id, StreamHead.Start, 100, default)).Events[^1].Sequence;
    }
}
