using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Tests.Actors.Counters;
using static ReplicationEngine.Tests.Actors.Hosting.TestEngine;

namespace ReplicationEngine.Tests.Actors.Hosting;

public sealed class EngineRestartTests : IDisposable
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
        var stores = Memory();
        await using (var engine = await StartAsync(stores, time: time))
        {
            await engine["a"].AskAsync(
                new CounterCommand.SetTimer("t", time.GetUtcNow().AddMinutes(5)), Command(1), "me", default);
        }

        await using var later = await StartAsync(stores, time: time);
        time.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal(1, (await Head(stores)).Sequence);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(2, (await Head(stores)).Sequence);
    }

    [Fact]
    public async Task A_durable_timer_wakes_a_passivated_entity()
    {
        var time = new ManualTime();
        var stores = Memory();
        await using var engine = await StartAsync(stores, time: time);
        await engine["a"].AskAsync(
            new CounterCommand.SetTimer("t", time.GetUtcNow().AddHours(26)), Command(1), "me", default);
        time.Advance(TimeSpan.FromHours(25));
        Assert.Equal(0, engine.ActiveCounters);

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
        Assert.Equal(0, engine.ActiveCounters);
        Assert.Equal(0, (await engine["a"].StateAsync(default)).State.Total);
    }

    private static async Task<StreamHead> Head(ReplicationEngine.Actors.Hosting.EngineStores stores)
    {
        var id = new PersistenceId(Counter.TypeName, new Engine.Identifiers.VaultId("vault"), "a");
        var slice = await stores.Journal.ReadStreamAsync(id, StreamHead.Start, 100, default);
        return new StreamHead(slice.Events[^1].Sequence, slice.Events[^1].Hash);
    }
}
