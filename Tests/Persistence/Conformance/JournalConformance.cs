using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using static ReplicationEngine.Tests.Persistence.Conformance.StoreHarness;

namespace ReplicationEngine.Tests.Persistence.Conformance;

/// <summary>What every journal must do.</summary>
public abstract class JournalConformance : IDisposable
{
    private readonly StoreHarness _store;

    private protected JournalConformance(StoreHarness store) => _store = store;

    public void Dispose()
    {
        _store.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task An_appended_event_is_read_back_as_it_was_given()
    {
        var request = Request(Id(), await _store.OwnAsync(), StreamHead.Start, command: 1, events: 3);
        var outcome = await _store.Journal.AppendAsync(request, default);
        _store.Reopen();

        Assert.Equal(new AppendOutcome.Appended(new FeedPosition(3)), outcome);
        var slice = await _store.Journal.ReadStreamAsync(Id(), StreamHead.Start, 10, default);
        Assert.True(slice.EndOfStream);
        Assert.Equal(request.Events.Select(Flat), slice.Events.Select(Flat));
    }

    [Fact]
    public async Task A_stream_that_does_not_exist_is_empty()
    {
        var slice = await _store.Journal.ReadStreamAsync(Id("nobody"), StreamHead.Start, 10, default);

        Assert.Empty(slice.Events);
        Assert.True(slice.EndOfStream);
    }

    [Fact]
    public async Task An_event_without_payload_is_kept()
    {
        var context = new DecisionContext(Now, Command(1), "tester");
        var request = AppendRequest.Create(
            Id(), await _store.OwnAsync(), StreamHead.Start, context, [new EncodedEvent("empty.v1", [])], default);
        await _store.Journal.AppendAsync(request, default);
        _store.Reopen();

        var slice = await _store.Journal.ReadStreamAsync(Id(), StreamHead.Start, 10, default);
        Assert.Empty(Assert.Single(slice.Events).Payload);
    }

    [Fact]
    public async Task A_long_stream_is_read_in_slices_from_any_event()
    {
        var token = await _store.OwnAsync();
        var heads = new List<StreamHead>();
        for (var i = 1; i <= 20; i++)
        {
            heads.Add(await _store.AppendAsync(Id(), token, i));
        }

        var first = await _store.Journal.ReadStreamAsync(Id(), heads[4], 10, default);
        Assert.Equal(Enumerable.Range(6, 10).Select(n => (long)n), first.Events.Select(stored => stored.Sequence));
        Assert.False(first.EndOfStream);
        var rest = await _store.Journal.ReadStreamAsync(Id(), heads[14], 10, default);
        Assert.Equal(5, rest.Events.Count);
        Assert.True(rest.EndOfStream);
    }

    [Fact, Trait("Req", "I18")]
    public async Task An_append_behind_another_head_is_a_conflict_and_writes_nothing()
    {
        var token = await _store.OwnAsync();
        var head = await _store.AppendAsync(Id(), token, 1);

        var outcome = await _store.Journal.AppendAsync(Request(Id(), token, StreamHead.Start, 2), default);

        Assert.Equal(new AppendOutcome.VersionConflict(head), outcome);
        Assert.Equal(head, await _store.HeadAsync(Id()));
    }

    [Fact, Trait("Req", "I18")]
    public async Task An_append_behind_a_head_of_the_right_number_and_another_seal_is_a_conflict()
    {
        var token = await _store.OwnAsync();
        var head = await _store.AppendAsync(Id(), token, 1);
        var forged = new StreamHead(head.Sequence, ChainHash.None);

        Assert.Equal(
            new AppendOutcome.VersionConflict(head),
            await _store.Journal.AppendAsync(Request(Id(), token, forged, 2), default));
    }

    [Fact, Trait("Req", "I15"), Trait("Req", "I18")]
    public async Task An_append_under_an_older_epoch_is_fenced_and_writes_nothing()
    {
        var old = await _store.OwnAsync();
        var head = await _store.AppendAsync(Id(), old, 1);
        var newer = await _store.OwnAsync();
        _store.Reopen();

        Assert.Equal(
            new AppendOutcome.Fenced(newer.Epoch),
            await _store.Journal.AppendAsync(Request(Id(), old, head, 2), default));
        Assert.Equal(head, await _store.HeadAsync(Id()));
        await _store.AppendAsync(Id(), newer, 3);
    }

    [Fact, Trait("Req", "I15")]
    public async Task An_append_under_a_lease_that_was_never_granted_is_fenced()
    {
        var outcome = await _store.Journal.AppendAsync(
            Request(Id(), new FencingToken("unknown", 1), StreamHead.Start, 1), default);

        Assert.Equal(new AppendOutcome.Fenced(0), outcome);
    }

    [Fact, Trait("Req", "I19")]
    public async Task A_command_is_taken_once_per_stream()
    {
        var token = await _store.OwnAsync();
        await _store.AppendAsync(Id(), token, 1);
        await _store.AppendAsync(Id(), token, 2, events: 3);
        var head = await _store.AppendAsync(Id(), token, 3);
        var duplicate = new AppendOutcome.Duplicate(new CommandRecord(Command(2), 2, 4));

        Assert.Equal(duplicate, await _store.Journal.AppendAsync(Request(Id(), token, head, 2), default));
        _store.Reopen();
        Assert.Equal(duplicate, await _store.Journal.AppendAsync(Request(Id(), token, head, 2), default));
        Assert.Equal(duplicate, await _store.Journal.AppendAsync(Request(Id(), token, StreamHead.Start, 2), default));
        await _store.AppendAsync(Id("other"), token, 2);
    }

    [Fact, Trait("Req", "I19")]
    public async Task A_command_is_found_by_its_id()
    {
        var token = await _store.OwnAsync();
        await _store.AppendAsync(Id(), token, 1);
        await _store.AppendAsync(Id(), token, 2, events: 2);

        Assert.Equal(
            new CommandRecord(Command(2), 2, 3), await _store.Journal.FindCommandAsync(Id(), Command(2), default));
        _store.Reopen();
        Assert.Equal(
            new CommandRecord(Command(2), 2, 3), await _store.Journal.FindCommandAsync(Id(), Command(2), default));
        Assert.Null(await _store.Journal.FindCommandAsync(Id(), Command(3), default));
        Assert.Null(await _store.Journal.FindCommandAsync(Id("nobody"), Command(2), default));
    }

    [Fact, Trait("Req", "OPS-5")]
    public async Task The_feed_has_every_event_once_in_commit_order_without_gaps_and_resumes_anywhere()
    {
        var token = await _store.OwnAsync();
        await _store.AppendAsync(Id("a"), token, 1, events: 2);
        await _store.AppendAsync(Id("b"), token, 2);
        await _store.Journal.AppendAsync(Request(Id("a"), token, StreamHead.Start, 3), default);
        await _store.AppendAsync(Id("a"), token, 4);
        _store.Reopen();
        await _store.AppendAsync(Id("c"), await _store.OwnAsync(), 5);

        var feed = await _store.Journal.ReadFeedAsync(FeedPosition.Start, 100, default);
        Assert.Equal([1L, 2, 3, 4, 5], feed.Select(next => next.Position.Value));
        Assert.Equal(["a", "a", "b", "a", "c"], feed.Select(next => next.Id.Entity));
        Assert.Equal([1L, 2, 1, 3, 1], feed.Select(next => next.Event.Sequence));
        var resumed = await _store.Journal.ReadFeedAsync(new FeedPosition(2), 2, default);
        Assert.Equal([3L, 4], resumed.Select(next => next.Position.Value));
        Assert.Empty(await _store.Journal.ReadFeedAsync(new FeedPosition(5), 10, default));
    }

    [Fact, Trait("Req", "I18")]
    public async Task Many_writers_at_once_keep_every_stream_and_the_feed_without_gaps()
    {
        var token = await _store.OwnAsync();
        await Task.WhenAll(Enumerable.Range(0, 16).Select(entity => Task.Run(async () =>
        {
            var head = StreamHead.Start;
            for (var i = 1; i <= 25; i++)
            {
                var request = Request(Id($"e{entity}"), token, head, i);
                Assert.IsType<AppendOutcome.Appended>(await _store.Journal.AppendAsync(request, default));
                head = request.NewHead;
            }
        })));

        var feed = await _store.Journal.ReadFeedAsync(FeedPosition.Start, 1_000, default);
        Assert.Equal(Enumerable.Range(1, 400).Select(n => (long)n), feed.Select(next => next.Position.Value));
        Assert.All(feed.GroupBy(next => next.Id), stream => Assert.Equal(
            Enumerable.Range(1, 25).Select(n => (long)n), stream.Select(next => next.Event.Sequence)));
    }

    [Fact, Trait("Req", "I18")]
    public async Task Of_many_appends_behind_the_same_head_one_wins()
    {
        var token = await _store.OwnAsync();
        var outcomes = await Task.WhenAll(Enumerable.Range(1, 20).Select(command => Task.Run(
            async () => await _store.Journal.AppendAsync(Request(Id(), token, StreamHead.Start, command), default))));

        Assert.Single(outcomes.OfType<AppendOutcome.Appended>());
        Assert.Equal(19, outcomes.OfType<AppendOutcome.VersionConflict>().Count());
        Assert.Equal(1, (await _store.HeadAsync(Id())).Sequence);
    }

    [Fact]
    public async Task Streams_are_listed_by_type_in_order()
    {
        var token = await _store.OwnAsync();
        foreach (var id in new[] { Id("b"), Id("a", "z"), Id("B"), Id("x", type: "other"), Id("a") })
        {
            await _store.AppendAsync(id, token, 1);
        }

        Assert.Equal([Id("B"), Id("a"), Id("b"), Id("a", "z")], await _store.Journal.ListAsync("counter", default));
        Assert.Empty(await _store.Journal.ListAsync("nothing", default));
    }

    [Fact, Trait("Req", "ERR-3")]
    public async Task The_reminder_index_holds_the_last_mark_of_each_stream()
    {
        var token = await _store.OwnAsync();
        var due = new WakeMark(Now.AddMinutes(5), OwesEffects: false);
        var owes = new WakeMark(null, OwesEffects: true);
        await _store.AppendAsync(Id("timer"), token, 1, wake: due);
        await _store.AppendAsync(Id("effect"), token, 1, events: 2, wake: owes);
        await _store.AppendAsync(Id("done"), token, 1, wake: owes);
        await _store.AppendAsync(Id("done"), token, 2);
        await _store.AppendAsync(Id("x", type: "other"), token, 1, wake: due);
        WakeEntry[] expected = [new(Id("effect"), owes), new(Id("timer"), due)];

        Assert.Equal(expected, await _store.Reminders.ListWakesAsync("counter", default));
        _store.Reopen();
        Assert.Equal(expected, await _store.Reminders.ListWakesAsync("counter", default));
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
        var token = await _store.OwnAsync();
        var heads = new List<StreamHead>();
        for (var i = 1; i <= 5; i++)
        {
            heads.Add(await _store.AppendAsync(Id(), token, i));
        }

        await _store.AppendAsync(Id("sound"), token, 1);
        _store.Harm(Id(), at, damage);

        var exception = await Assert.ThrowsAsync<JournalCorruptException>(
            async () => await _store.Journal.ReadStreamAsync(Id(), StreamHead.Start, 100, default));
        Assert.Equal((Id(), named), (exception.Id, exception.Sequence));
        var tail = await Record.ExceptionAsync(
            async () => await _store.Journal.ReadStreamAsync(Id(), heads[(int)at - 1], 100, default));
        Assert.True(tail is null == (damage != Damage.Swapped || at == 5));
        Assert.Single((await _store.Journal.ReadStreamAsync(Id("sound"), StreamHead.Start, 100, default)).Events);
    }

    [Fact, Trait("Req", "I7")]
    public async Task A_reader_that_knows_more_than_the_stream_holds_is_told_so()
    {
        await _store.AppendAsync(Id(), await _store.OwnAsync(), 1);

        var exception = await Assert.ThrowsAsync<JournalCorruptException>(
            async () => await _store.Journal.ReadStreamAsync(Id(), new StreamHead(7, ChainHash.None), 100, default));
        Assert.Equal(2, exception.Sequence);
    }

    private static string Flat(StoredEvent stored) =>
        $"{stored.Sequence} {stored.Name} {Convert.ToHexString(stored.Payload)} {stored.Time:O} {stored.Actor} "
        + $"{stored.CommandId} {stored.Hash}";
}

public sealed class InMemoryJournalTests() : JournalConformance(new InMemoryHarness());

public sealed class SqliteJournalTests() : JournalConformance(new SqliteHarness());
