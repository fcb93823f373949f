using System.Text;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Persistence.Sqlite;
using ReplicationEngine.Tests.Persistence.Conformance;
using static ReplicationEngine.Tests.Persistence.Conformance.StoreHarness;

namespace ReplicationEngine.Tests.Persistence.Sqlite;

public sealed class SqliteStoreTests : IDisposable
{
    private readonly SqliteHarness _store = new();

    public void Dispose() => _store.Dispose();

    [Fact]
    public void A_second_store_on_the_same_file_gets_one_clear_error()
    {
        var exception = Assert.Throws<JournalInUseException>(() => new SqliteStore(_store.File));

        Assert.Contains(_store.File, exception.Message, StringComparison.Ordinal);
        Assert.Contains("another data directory", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_that_cannot_be_made_is_one_clear_error()
    {
        var path = Path.Combine(_store.File, "below", "journal.db");

        Assert.Throws<JournalUnavailableException>(() => new SqliteStore(path));
    }

    [Fact, Trait("Req", "I7")]
    public void A_file_that_is_no_database_is_corrupt()
    {
        _store.Close();
        File.WriteAllBytes(_store.File, Encoding.UTF8.GetBytes(new string('x', 8192)));

        Assert.Throws<JournalCorruptException>(() => new SqliteStore(_store.File));
    }

    [Fact]
    public void A_database_of_another_program_is_left_alone()
    {
        var path = _store.File + ".other";
        using (var database = new SqliteDatabase(path, readOnly: false))
        {
            database.Execute("CREATE TABLE theirs (id INTEGER)");
        }

        var exception = Assert.Throws<JournalUnavailableException>(() => new SqliteStore(path));
        Assert.Contains("is not a journal", exception.Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Req", "I27")]
    public async Task A_full_disk_refuses_the_append_whole_and_room_makes_it_work_again()
    {
        var token = await _store.OwnAsync();
        var head = await _store.AppendAsync(Id(), token, 1);
        await _store.Store.LimitPagesAsync(1);
        var large = Large(token, head, command: 2);

        Assert.IsType<AppendOutcome.JournalFull>(await _store.Journal.AppendAsync(large, default));
        Assert.Equal(head, await _store.HeadAsync(Id()));
        await _store.Store.LimitPagesAsync(100_000);
        Assert.Equal(
            new AppendOutcome.Appended(new FeedPosition(5)), await _store.Journal.AppendAsync(large, default));
        _store.Reopen();
        Assert.Equal(large.NewHead, await _store.HeadAsync(Id()));
    }

    [Fact, Trait("Req", "I7")]
    public async Task A_byte_flipped_in_the_file_is_found_and_named()
    {
        var token = await _store.OwnAsync();
        for (var i = 1; i <= 3; i++)
        {
            await _store.AppendAsync(Id(), token, i);
        }

        _store.Close();
        var bytes = await File.ReadAllBytesAsync(_store.File, default(CancellationToken));
        var at = bytes.AsSpan().IndexOf("one-2-1"u8);
        Assert.True(at > 0);
        bytes[at] ^= 0x20;
        await File.WriteAllBytesAsync(_store.File, bytes, default(CancellationToken));
        _store.Reopen();

        var exception = await Assert.ThrowsAsync<JournalCorruptException>(
            async () => await _store.Journal.ReadStreamAsync(Id(), StreamHead.Start, 10, default));
        Assert.Equal(2, exception.Sequence);
    }

    [Fact, Trait("Req", "I7")]
    public async Task A_journal_cut_off_at_its_end_is_found()
    {
        var token = await _store.OwnAsync();
        for (var i = 1; i <= 3; i++)
        {
            await _store.AppendAsync(Id(), token, i);
        }

        _store.Execute("DELETE FROM events WHERE sequence=3; DELETE FROM stream_index WHERE sequence=3");

        var first = await _store.Journal.ReadStreamAsync(Id(), StreamHead.Start, 10, default);
        Assert.False(first.EndOfStream);
        var head = new StreamHead(2, first.Events[^1].Hash);
        var exception = await Assert.ThrowsAsync<JournalCorruptException>(
            async () => await _store.Journal.ReadStreamAsync(Id(), head, 10, default));
        Assert.Equal(3, exception.Sequence);
    }

    [Fact, Trait("Req", "I17")]
    public async Task Events_that_were_not_indexed_before_a_crash_are_indexed_after_it()
    {
        var token = await _store.OwnAsync();
        await _store.AppendAsync(Id("a"), token, 1, events: 2);
        _store.Reopen();
        var head = await _store.AppendAsync(Id("a"), token, 2, wake: new WakeMark(Now, OwesEffects: true));
        await _store.AppendAsync(Id("b"), token, 3);

        // A crash leaves file and log as they are now; a copy taken here is what the next process finds.
        var copy = _store.File + ".copy";
        File.Copy(_store.File, copy);
        File.Copy(_store.File + "-wal", copy + "-wal");
        using var store = new SqliteStore(copy);

        var slice = await store.ReadStreamAsync(Id("a"), StreamHead.Start, 2, default);
        Assert.False(slice.EndOfStream);
        Assert.Equal(head, new StreamHead(3, (await store.ReadStreamAsync(
            Id("a"), new StreamHead(2, slice.Events[^1].Hash), 2, default)).Events[^1].Hash));
        Assert.Equal(new CommandRecord(Command(2), 3, 3), await store.FindCommandAsync(Id("a"), Command(2), default));
        Assert.Equal(new CommandRecord(Command(1), 1, 2), await store.FindCommandAsync(Id("a"), Command(1), default));
        Assert.Equal(4, (await store.ReadFeedAsync(FeedPosition.Start, 10, default)).Count);
        Assert.Single(await store.ListWakesAsync("counter", default));
        Assert.Equal(new AppendOutcome.Appended(new FeedPosition(5)), await store.AppendAsync(
            Request(Id("a"), token, head, 4), default));
    }

    [Fact]
    public async Task An_index_run_in_the_middle_changes_nothing_for_readers()
    {
        var token = await _store.OwnAsync();
        var heads = new StreamHead[2_000];
        for (var round = 1; round <= 17; round++)
        {
            var requests = heads.Select((head, i) => Request(Id($"e{i}"), token, head, round)).ToArray();
            var outcomes = await Task.WhenAll(
                requests.Select(request => _store.Journal.AppendAsync(request, default).AsTask()));
            Assert.All(outcomes, outcome => Assert.IsType<AppendOutcome.Appended>(outcome));
            heads = [.. requests.Select(request => request.NewHead)];
        }

        Assert.Equal(heads[7], await _store.HeadAsync(Id("e7")));
        Assert.NotNull(await _store.Journal.FindCommandAsync(Id("e7"), Command(1), default));
        Assert.NotNull(await _store.Journal.FindCommandAsync(Id("e7"), Command(17), default));
        Assert.IsType<AppendOutcome.Duplicate>(
            await _store.Journal.AppendAsync(Request(Id("e7"), token, heads[7], 1), default));
    }

    [Fact]
    public async Task A_lease_that_was_never_given_back_is_free_for_the_next_process_whatever_its_name()
    {
        var token = await _store.OwnAsync();
        _store.Reopen();

        var outcome = await _store.Leases.AcquireAsync("region", "another name", Now, DateTimeOffset.MaxValue, default);
        Assert.Equal(token.Epoch + 1, Assert.IsType<LeaseOutcome.Granted>(outcome).Lease.Epoch);
    }

    [Fact, Trait("Req", "I28")]
    public async Task After_a_failed_write_nothing_is_acknowledged_until_the_journal_is_opened_anew()
    {
        const int failedSync = 1034;
        var token = await _store.OwnAsync();
        var head = await _store.AppendAsync(Id(), token, 1);
        var failing = new SimpleOperation<bool>(
            () => throw new SqliteFault(_store.File, failedSync, "disk I/O error"), _ => { });
        _store.Store.Writer.Enqueue(failing);
        await Assert.ThrowsAsync<JournalUnavailableException>(() => failing.Completion);

        Assert.IsType<AppendOutcome.Unknown>(await _store.Journal.AppendAsync(Request(Id(), token, head, 2), default));
        await Assert.ThrowsAsync<JournalUnavailableException>(() => _store.OwnAsync());
        Assert.Equal(head, await _store.HeadAsync(Id()));
        _store.Reopen();
        await _store.AppendAsync(Id(), token, 3);
    }

    [Fact]
    public async Task A_closed_store_answers_unknown_rather_than_never()
    {
        var token = await _store.OwnAsync();
        var store = _store.Store;
        _store.Close();

        Assert.IsType<AppendOutcome.Unknown>(
            await store.AppendAsync(Request(Id(), token, StreamHead.Start, 1), default));
    }

    private static AppendRequest Large(FencingToken token, StreamHead head, int command)
    {
        var encoded = Enumerable.Range(0, 4).Select(_ => new EncodedEvent("large.v1", new byte[300_000])).ToArray();
        var context = new ReplicationEngine.Engine.Kernel.DecisionContext(Now, Command(command), "tester");
        return AppendRequest.Create(Id(), token, head, context, encoded, default);
    }
}
