using ReplicationEngine.Actors.Journaling;
using static ReplicationEngine.Tests.Persistence.Conformance.StoreHarness;

namespace ReplicationEngine.Tests.Persistence.Conformance;

/// <summary>What every store's journal must do.</summary>
public abstract class Journal_conformance : IAsyncLifetime
{
    private readonly StoreHarness _store;

    private protected Journal_conformance(StoreHarness store) => _store = store;

    public ValueTask InitializeAsync()
    {
        _store.Open();
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Written_events_are_read_back_as_they_were_given()
    {
        var events = Events(Id(), StreamHead.Start, command: 1, events: 3, new WakeMark(Now, true), "digest");
        Assert.Null(await _store.WriteAsync(Id(), events));
        await _store.ReopenAsync();

        var slice = await _store.Log.ReadStreamAsync(Id(), StreamHead.Start, 10, default);
        Assert.True(slice.EndOfStream);
        Assert.Equal(events.Select(Flat), slice.Events.Select(Flat));
        Assert.Equal(events.Select(Flat), (await _store.RecoverAsync(Id())).Cast<StoredEvent>().Select(Flat));
    }

    [Fact]
    public async Task A_stream_that_does_not_exist_is_empty()
    {
        var slice = await _store.Log.ReadStreamAsync(Id("nobody"), StreamHead.Start, 10, default);

        Assert.Empty(slice.Events);
        Assert.True(slice.EndOfStream);
        Assert.Empty(await _store.RecoverAsync(Id("nobody")));
    }

    [Fact]
    public async Task An_event_without_payload_is_kept()
    {
        var recorded = new RecordedCommand("empty.command.v1", [], null, null, default);
        Assert.Null(await _store.WriteAsync(Id(), EventChain.Seal(
            StreamHead.Start, new EncodedEvent("empty.v1", []), Now, "tester", Command(1), recorded)));
        await _store.ReopenAsync();

        var slice = await _store.Log.ReadStreamAsync(Id(), StreamHead.Start, 10, default);
        Assert.Empty(Assert.Single(slice.Events).Payload);
    }

    [Fact]
    public async Task A_long_stream_is_read_in_slices_from_any_event()
    {
        var heads = new List<StreamHead>();
        for (var i = 1; i <= 20; i++)
        {
            heads.Add(await _store.AppendAsync(Id(), i));
        }

        var first = await _store.Log.ReadStreamAsync(Id(), heads[4], 10, default);
        Assert.Equal(Enumerable.Range(6, 10).Select(n => (long)n), first.Events.Select(stored => stored.Sequence));
        Assert.False(first.EndOfStream);
        var rest = await _store.Log.ReadStreamAsync(Id(), heads[14], 10, default);
        Assert.Equal(5, rest.Events.Count);
        Assert.True(rest.EndOfStream);
    }

    [Fact, Trait("Req", "I15"), Trait("Req", "I18")]
    public async Task A_number_that_is_taken_is_refused_and_nothing_of_the_write_is_stored()
    {
        var head = await _store.AppendAsync(Id(), 1);

        Assert.NotNull(await _store.WriteAsync(Id(), Events(Id(), StreamHead.Start, 2, events: 3)));

        Assert.Equal(head, await _store.HeadAsync(Id()));
        await _store.AppendAsync(Id(), 2);
    }

    [Fact, Trait("Req", "I19")]
    public async Task A_command_is_taken_once_per_stream()
    {
        await _store.AppendAsync(Id(), 1);
        await _store.AppendAsync(Id(), 2, events: 3);
        var head = await _store.AppendAsync(Id(), 3);

        Assert.NotNull(await _store.WriteAsync(Id(), Events(Id(), head, 2, events: 2)));
        await _store.ReopenAsync();
        Assert.NotNull(await _store.WriteAsync(Id(), Events(Id(), head, 2)));
        Assert.Equal(head, await _store.HeadAsync(Id()));
        await _store.AppendAsync(Id("other"), 2);
    }

    [Fact, Trait("Req", "I19")]
    public async Task A_command_is_found_by_its_id()
    {
        await _store.AppendAsync(Id(), 1);
        await _store.AppendAsync(Id(), 2, events: 2, digest: "digest");
        var expected = new CommandRecord(Command(2), 3, "digest");

        Assert.Equal(expected, await _store.Log.FindCommandAsync(Id(), Command(2), default));
        await _store.ReopenAsync();
        Assert.Equal(expected, await _store.Log.FindCommandAsync(Id(), Command(2), default));
        Assert.Null(await _store.Log.FindCommandAsync(Id(), Command(3), default));
        Assert.Null(await _store.Log.FindCommandAsync(Id("nobody"), Command(2), default));
    }

    [Fact, Trait("Req", "OPS-5")]
    public async Task The_feed_has_every_event_once_in_commit_order_and_resumes_anywhere()
    {
        await _store.AppendAsync(Id("a"), 1, events: 2);
        await _store.AppendAsync(Id("b"), 2);
        Assert.NotNull(await _store.WriteAsync(Id("a"), Events(Id("a"), StreamHead.Start, 3)));
        await _store.AppendAsync(Id("a"), 4);
        await _store.ReopenAsync();
        await _store.AppendAsync(Id("c"), 5);

        await _store.ShownAsync();
        var feed = await _store.Log.ReadFeedAsync(FeedPosition.Start, 100, default);
        Assert.Equal(feed.Select(next => next.Position.Value).Order(), feed.Select(next => next.Position.Value));
        Assert.Equal(["a", "a", "b", "a", "c"], feed.Select(next => next.Id.Entity));
        Assert.Equal([1L, 2, 1, 3, 1], feed.Select(next => next.Event.Sequence));
        var resumed = await _store.Log.ReadFeedAsync(feed[1].Position, 2, default);
        Assert.Equal([feed[2].Position, feed[3].Position], resumed.Select(next => next.Position));
        Assert.Empty(await _store.Log.ReadFeedAsync(feed[^1].Position, 10, default));
    }

    [Fact, Trait("Req", "I18")]
    public async Task Many_writers_at_once_keep_every_stream_whole()
    {
        await Task.WhenAll(Enumerable.Range(0, 16).Select(entity => Task.Run(async () =>
        {
            var head = StreamHead.Start;
            for (var i = 1; i <= 25; i++)
            {
                var events = Events(Id($"e{entity}"), head, i);
                Assert.Null(await _store.WriteAsync(Id($"e{entity}"), events));
                head = events[^1].Head;
            }
        })));

        await _store.ShownAsync();
        var feed = await _store.Log.ReadFeedAsync(FeedPosition.Start, 1_000, default);
        Assert.Equal(400, feed.Count);
        Assert.All(feed.GroupBy(next => next.Id), stream => Assert.Equal(
            Enumerable.Range(1, 25).Select(n => (long)n), stream.Select(next => next.Event.Sequence)));
    }

    [Fact, Trait("Req", "I15"), Trait("Req", "I18")]
    public async Task Of_many_writes_under_the_same_number_one_wins()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(1, 20).Select(command => Task.Run(
            async () => await _store.WriteAsync(Id(), Events(Id(), StreamHead.Start, command)))));

        // A batch that several of them were in may have failed as a whole.
        Assert.True(outcomes.Count(outcome => outcome is null) <= 1);
        Assert.Equal(outcomes.Count(outcome => outcome is null), (await _store.HeadAsync(Id())).Sequence);
    }

    [Fact]
    public async Task Streams_are_listed_by_type_in_order()
    {
        foreach (var id in new[] { Id("b"), Id("a", "z"), Id("B"), Id("x", type: "other"), Id("a"), Id("a|b") })
        {
            await _store.AppendAsync(id, 1);
        }

        Assert.Equal(
            [Id("B"), Id("a"), Id("a|b"), Id("b"), Id("a", "z")], await _store.Log.ListAsync("counter", default));
        Assert.Empty(await _store.Log.ListAsync("nothing", default));
    }

    [Fact, Trait("Req", "ERR-3")]
    public async Task The_wake_index_holds_the_last_mark_of_each_stream()
    {
        var due = new WakeMark(Now.AddMinutes(5), OwesEffects: false);
        var owes = new WakeMark(null, OwesEffects: true);
        await _store.AppendAsync(Id("timer"), 1, wake: due);
        await _store.AppendAsync(Id("effect"), 1, events: 2, wake: owes);
        await _store.AppendAsync(Id("done"), 1, wake: owes);
        await _store.AppendAsync(Id("done"), 2);
        await _store.AppendAsync(Id("x", type: "other"), 1, wake: due);
        WakeEntry[] expected = [new(Id("effect"), owes), new(Id("timer"), due)];

        Assert.Equal(expected, await _store.Log.ListWakesAsync("counter", default));
        await _store.ReopenAsync();
        Assert.Equal(expected, await _store.Log.ListWakesAsync("counter", default));
    }

    [Theory, Trait("Req", "I7"), Trait("Req", "S23")]
    [InlineData(Damage.Payload, 2, 2)]
    [InlineData(Damage.Name, 1, 1)]
    [InlineData(Damage.Actor, 3, 3)]
    [InlineData(Damage.Time, 2, 2)]
    [InlineData(Damage.Command, 4, 4)]
    [InlineData(Damage.Removed, 2, 2)]
    [InlineData(Damage.Swapped, 2, 2)]
    [InlineData(Damage.Payload, 5, 5)]
    public async Task Damage_is_named_at_the_first_event_that_cannot_be_trusted(Damage damage, long at, long named)
    {
        for (var i = 1; i <= 5; i++)
        {
            await _store.AppendAsync(Id(), i);
        }

        await _store.AppendAsync(Id("sound"), 1);
        await _store.HarmAsync(Id(), at, damage);

        var exception = await Assert.ThrowsAsync<JournalCorruptException>(
            async () => await _store.Log.ReadStreamAsync(Id(), StreamHead.Start, 100, default));
        Assert.Equal((Id(), named), (exception.Id, exception.Sequence));
        Assert.Single((await _store.Log.ReadStreamAsync(Id("sound"), StreamHead.Start, 100, default)).Events);
    }

    [Fact, Trait("Req", "I7")]
    public async Task A_reader_that_knows_more_than_the_stream_holds_is_told_so()
    {
        await _store.AppendAsync(Id(), 1);

        var exception = await Assert.ThrowsAsync<JournalCorruptException>(
            async () => await _store.Log.ReadStreamAsync(Id(), new StreamHead(7, ChainHash.None), 100, default));
        Assert.Equal(2, exception.Sequence);
    }

    [Fact]
    public async Task The_newest_snapshot_is_offered_with_the_events_behind_it()
    {
        var first = await _store.AppendAsync(Id(), 1);
        var second = await _store.AppendAsync(Id(), 2);
        await _store.AppendAsync(Id(), 3);
        await _store.SaveAsync(Id(), Snapshot(second, [2, 2]));
        await _store.SaveAsync(Id(), Snapshot(first, [1]));
        await _store.ReopenAsync();

        var records = await _store.RecoverAsync(Id());
        var snapshot = Assert.IsType<EntitySnapshot>(records[0]);
        Assert.Equal((second, 7), (snapshot.Head, snapshot.Version));
        Assert.Equal([2, 2], snapshot.Payload);
        Assert.True(snapshot.IsIntact);
        Assert.Equal(Snapshot(second, [2, 2]).Commands, snapshot.Commands);
        Assert.Equal(3, Assert.IsType<StoredEvent>(records[^1]).Sequence);
        Assert.Equal(2, records.Count);
        Assert.Equal(3, (await _store.RecoverAsync(Id(), withoutSnapshot: true)).Count);
    }

    internal static EntitySnapshot Snapshot(StreamHead head, byte[] state) => EntitySnapshot.Create(
        7, head, Now, state,
        [new CommandRecord(Command(1), 1, null), new CommandRecord(Command(2), 2, "digest")], coversStream: true);
}

public sealed class Journal_in_memory() : Journal_conformance(new MemoryHarness());

public sealed class Journal_in_sqlite() : Journal_conformance(new SqliteHarness());
