using Microsoft.Extensions.DependencyInjection;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.InMemory;
using ReplicationEngine.Tests.Actors.Hosting;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Counters;
using static ReplicationEngine.Tests.Actors.Hosting.TestEngine;

namespace ReplicationEngine.Tests.Actors.Projections;

/// <summary>Every event has its effect on the documents once, whatever fails on the way.</summary>
[Trait("Req", "OPS-5")]
public sealed class Projections_of_an_engine
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(240);

    private int _commands;

    [Fact]
    public async Task Who_has_changed_something_reads_it_afterwards()
    {
        await using var engine = await EngineAsync(new MemoryStore(), new Totals());
        for (var n = 1; n <= 50; n++)
        {
            var sequence = await AddAsync(engine, "a", n);
            Assert.True(await engine.Engine.ReadModel.PassedAsync(
                Totals.ProjectionName, engine["a"].Id, sequence, s_patience, default));
            Assert.Equal(n * (n + 1) / 2, (await FindAsync(engine, "a"))!.Sum);
        }
    }

    [Fact]
    public async Task Each_event_is_taken_once_over_restarts_of_the_engine()
    {
        var store = new MemoryStore();
        for (var life = 1; life <= 4; life++)
        {
            await using var engine = await EngineAsync(store, new Totals());
            await AddAsync(engine, "a", 1);
            await AddAsync(engine, "b", 10);
            await CaughtUpAsync(engine);
            Assert.Equal(new Total("a", life, life, null), await FindAsync(engine, "a"));
            Assert.Equal(new Total("b", 10 * life, life, null), await FindAsync(engine, "b"));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Each_event_is_taken_once_whichever_call_of_the_store_fails(bool afterItsWork)
    {
        for (var failing = 1; failing <= 9; failing++)
        {
            var fails = (int call) => call == failing || call == failing + 1;
            var documents = new FailingDocuments(
                afterItsWork ? _ => false : fails, afterItsWork ? fails : _ => false);
            await using var engine = await EngineAsync(
                new MemoryStore { Documents = documents }, new Totals());
            for (var n = 0; n < 5; n++)
            {
                await AddAsync(engine, "a", 1);
                await AddAsync(engine, "b", 2);
                await CaughtUpAsync(engine);
            }

            Assert.InRange(documents.Calls, failing + 1, int.MaxValue);
            Assert.Equal(new Total("a", 5, 5, null), await FindEventuallyAsync(engine, "a"));
            Assert.Equal(new Total("b", 10, 5, null), await FindEventuallyAsync(engine, "b"));
        }
    }

    [Fact]
    public async Task A_projection_that_fails_on_its_own_goes_on_where_it_was()
    {
        var fails = 3;
        var totals = new Totals
        {
            Taking = _ => Interlocked.Decrement(ref fails) >= 0
                ? throw new InvalidCastException("the projection fails") : Task.CompletedTask,
        };
        await using var engine = await EngineAsync(new MemoryStore(), totals);
        await AddAsync(engine, "a", 1);
        await CaughtUpAsync(engine);
        Assert.Equal(new Total("a", 1, 1, null), await FindAsync(engine, "a"));
        Assert.Null((await engine.Engine.ReadModel.StatusAsync(default)).Single().Trouble);
    }

    [Fact]
    public async Task What_the_feed_leaves_out_is_found_by_the_entitys_own_numbers()
    {
        var store = new OddStore((id, sequence) => id.Entity == "a" && sequence is 1 or 3 or 4);
        await using var engine = await EngineAsync(store, new Totals());
        for (var n = 0; n < 5; n++)
        {
            await AddAsync(engine, "a", 1);
            await AddAsync(engine, "b", 1);
        }

        await CaughtUpAsync(engine);
        Assert.Equal(new Total("a", 5, 5, null), await FindAsync(engine, "a"));
        Assert.Equal(new Total("b", 5, 5, null), await FindAsync(engine, "b"));
    }

    [Fact]
    [Trait("Req", "I29")]
    public async Task Damage_ends_the_story_of_one_entity_until_it_is_mended()
    {
        var store = new MemoryStore();
        PersistenceId id;
        StoredEvent whole;
        await using (var engine = await EngineAsync(store, null))
        {
            id = engine["a"].Id;
            await AddAsync(engine, "a", 1);
            await AddAsync(engine, "a", 1);
            await AddAsync(engine, "b", 1);
            whole = (await store.ReadStreamAsync(id, StreamHead.Start, 10, default)).Events[1];
            store.Replace(id, 2, new UnreadableRecord("counter.added.v1", "is damaged"));
        }

        await using var reader = await EngineAsync(store, new Totals());
        await AddAsync(reader, "b", 1);
        await CaughtUpAsync(reader);
        Assert.Equal(new Total("b", 2, 2, null), await FindAsync(reader, "b"));
        Assert.Contains("is damaged", (await FindAsync(reader, "a"))!.Trouble!, StringComparison.Ordinal);

        store.Replace(id, 2, whole);
        reader.Engine.ReadModel.Retake(Totals.ProjectionName, id);
        await Eventually.HoldsAsync(async () => (await FindAsync(reader, "a"))!.Trouble is null);
        Assert.Equal(new Total("a", 2, 2, null), await FindAsync(reader, "a"));
        await reader["a"].LiftQuarantineAsync(default);
        await AddAsync(reader, "a", 1);
        await CaughtUpAsync(reader);
        Assert.Equal(new Total("a", 3, 3, null), await FindAsync(reader, "a"));
    }

    [Fact]
    public async Task One_that_is_built_anew_is_read_as_it_was_until_it_is_complete()
    {
        var (building, held) = (false, new TaskCompletionSource());
        var totals = new Totals { Taking = _ => Volatile.Read(ref building) ? held.Task : Task.CompletedTask };
        await using var engine = await EngineAsync(new MemoryStore(), totals);
        var model = engine.Engine.ReadModel;
        await AddAsync(engine, "a", 1);
        await CaughtUpAsync(engine);

        Volatile.Write(ref building, true);
        await model.RebuildAsync(Totals.ProjectionName, default);
        await Eventually.HoldsAsync(async () =>
            (await model.StatusAsync(default)).Single() is { Activity: ProjectionActivity.Rebuilding, Behind: 1 });
        Assert.Equal(new Total("a", 1, 1, null), await FindAsync(engine, "a"));

        held.SetResult();
        await Eventually.HoldsAsync(async () =>
            (await model.StatusAsync(default)).Single() is { Activity: ProjectionActivity.Following, Generation: 2 });
        Assert.Equal(new Total("a", 1, 1, null), await FindAsync(engine, "a"));
        await AddAsync(engine, "a", 1);
        await CaughtUpAsync(engine);
        Assert.Equal(new Total("a", 2, 2, null), await FindAsync(engine, "a"));
    }

    [Fact]
    public async Task A_rebuilding_goes_on_after_a_restart()
    {
        var store = new MemoryStore();
        var (building, held) = (false, new TaskCompletionSource());
        await using (var engine = await EngineAsync(
            store, new Totals { Taking = _ => Volatile.Read(ref building) ? held.Task : Task.CompletedTask }))
        {
            await AddAsync(engine, "a", 1);
            await CaughtUpAsync(engine);
            Volatile.Write(ref building, true);
            await engine.Engine.ReadModel.RebuildAsync(Totals.ProjectionName, default);
            await Eventually.HoldsAsync(async () => (await store.Documents.HeadsAsync(default)).Count == 2);
            var stopping = engine.StopAsync();
            held.SetResult();
            await stopping;
        }

        await using var again = await EngineAsync(store, new Totals());
        await Eventually.HoldsAsync(async () => (await again.Engine.ReadModel.StatusAsync(default)).Single() is
            { Activity: ProjectionActivity.Following, Generation: 2 });
        Assert.Equal(new Total("a", 1, 1, null), await FindAsync(again, "a"));
        await Eventually.HoldsAsync(async () => (await store.Documents.HeadsAsync(default)).Count == 1);
    }

    [Fact]
    public async Task A_read_during_which_a_rebuilding_ends_finds_its_document()
    {
        var documents = new FailingDocuments(_ => false, _ => false);
        await using var engine = await EngineAsync(new MemoryStore { Documents = documents }, new Totals());
        await AddAsync(engine, "a", 1);
        await CaughtUpAsync(engine);
        documents.Finding = (Total.Kind, async () =>
        {
            await engine.Engine.ReadModel.RebuildAsync(Totals.ProjectionName, default);
            await Eventually.HoldsAsync(async () => (await documents.HeadsAsync(default)) is [{ Generation: 2 }]);
        });

        Assert.Equal(new Total("a", 1, 1, null), await FindAsync(engine, "a"));
        Assert.Null(documents.Finding);
    }

    [Fact]
    public async Task Of_two_complete_generations_the_newer_is_read_and_the_other_dropped()
    {
        var store = new MemoryStore();
        await using (var engine = await EngineAsync(store, new Totals()))
        {
            await AddAsync(engine, "a", 1);
            await CaughtUpAsync(engine);
        }

        // As a crash leaves them between the last batch of the new one and the end of the old one.
        var head = Assert.Single(await store.Documents.HeadsAsync(default));
        await store.Documents.CommitAsync(
            new ProjectionBatch(null, head with { Generation = 2, Position = FeedPosition.Start, Revision = 1 }, []),
            default);
        await using var next = await EngineAsync(store, new Totals());
        await CaughtUpAsync(next);
        Assert.Equal(new Total("a", 1, 1, null), await FindAsync(next, "a"));
        Assert.Equal(2, Assert.Single(await store.Documents.HeadsAsync(default)).Generation);
        Assert.Empty(await store.Documents.ListAsync(
            new DocumentSet(Totals.ProjectionName, 1, Total.Kind), new DocumentRange("", 10), default));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Documents_of_another_version_or_of_a_journal_that_is_gone_are_built_anew(bool ofAnotherJournal)
    {
        var documents = new MemoryDocuments();
        await using (var engine = await EngineAsync(new MemoryStore { Documents = documents }, new Totals()))
        {
            await AddAsync(engine, "a", 1);
            await AddAsync(engine, "a", 1);
            await CaughtUpAsync(engine);
        }

        var journal = new MemoryStore { Documents = documents };
        await using var next = await EngineAsync(journal, new Totals { Version = ofAnotherJournal ? 1 : 2 });
        await AddAsync(next, "b", 5);
        await CaughtUpAsync(next);
        Assert.Null(await FindAsync(next, "a"));
        Assert.Equal(new Total("b", 5, 1, null), await FindAsync(next, "b"));
        Assert.Equal(2, (await next.Engine.ReadModel.StatusAsync(default)).Single().Generation);
    }

    [Fact]
    public async Task An_unknown_projection_is_named_with_those_there_are()
    {
        await using var engine = await EngineAsync(new MemoryStore(), new Totals());
        var unknown = await Assert.ThrowsAsync<UnknownProjectionException>(
            async () => await engine.Engine.ReadModel.RebuildAsync("total", default));
        Assert.Equal("There is no projection 'total'; the projections are totals.", unknown.Message);
    }

    private static Task<TestEngine> EngineAsync(IEngineStore store, Totals? totals) => StartAsync(
        build: builder =>
        {
            builder.Services.AddSingleton(store);
            if (totals is not null)
            {
                builder.Services.AddSingleton<IProjection>(totals);
            }
        });

    private static async Task CaughtUpAsync(TestEngine engine) => Assert.True(
        await engine.Engine.ReadModel.CaughtUpAsync(Totals.ProjectionName, s_patience, default));

    private static async Task<Total?> FindAsync(TestEngine engine, string counter) =>
        await engine.Engine.ReadModel.FindAsync<Total>(Totals.ProjectionName, counter, default);

    // The store may still have to fail, and the reader be the one who meets it.
    private static async Task<Total?> FindEventuallyAsync(TestEngine engine, string counter)
    {
        Total? found = null;
        await Eventually.HoldsAsync(async () =>
        {
            try
            {
                found = await FindAsync(engine, counter);
                return true;
            }
            catch (JournalUnavailableException)
            {
                return false;
            }
        });
        return found;
    }

    private async Task<long> AddAsync(TestEngine engine, string counter, long amount)
    {
        var reply = await engine[counter].AskAsync(
            new CounterCommand.Add(amount), Command(++_commands), "me", default);
        return Assert.IsType<ReplicationEngine.Actors.Entities.CommandReply.Accepted>(reply).Sequence;
    }
}
