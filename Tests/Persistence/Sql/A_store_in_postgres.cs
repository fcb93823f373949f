using Npgsql;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Persistence.Sql;
using ReplicationEngine.Tests.Persistence.Conformance;
using ReplicationEngine.Tests.TestKit;
using static ReplicationEngine.Tests.Persistence.Conformance.StoreHarness;

[assembly: AssemblyFixture(typeof(PostgresServer))]

namespace ReplicationEngine.Tests.Persistence.Sql;

public sealed class Journal_in_postgres(PostgresServer server) : Journal_conformance(new PostgresHarness(server));

public sealed class A_store_in_postgres(PostgresServer server) : IAsyncLifetime
{
    private readonly PostgresHarness _store = new(server);

    public ValueTask InitializeAsync()
    {
        _store.Open();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact, Trait("Req", "OPS-5")]
    public async Task The_feed_misses_no_event_of_a_transaction_that_stays_open_while_others_commit()
    {
        await _store.AppendAsync(Id("first"), 1);
        await _store.ShownAsync();
        await using var open = new NpgsqlConnection(_store.Connection);
        await open.OpenAsync();
        await using var transaction = await open.BeginTransactionAsync();
        await using (var insert = new NpgsqlCommand(
            "INSERT INTO journal (created, deleted, persistence_id, sequence_number, message, tags, manifest, "
            + "identifier) SELECT created, deleted, 'counter|vault|held', 1, message, '', manifest, identifier "
            + "FROM journal",
            open))
        {
            await insert.ExecuteNonQueryAsync();
        }

        await _store.AppendAsync(Id("later"), 2);
        var feed = await _store.Log.ReadFeedAsync(FeedPosition.Start, 10, default);
        Assert.Equal(["first"], feed.Select(next => next.Id.Entity));

        await transaction.CommitAsync();
        await _store.ShownAsync();
        var rest = await _store.Log.ReadFeedAsync(feed[^1].Position, 10, default);
        Assert.Equal(["held", "later"], rest.Select(next => next.Id.Entity));
    }

    [Fact, Trait("Req", "OPS-5")]
    public async Task The_feed_of_a_database_that_was_restored_from_another_servers_dump_is_whole()
    {
        await _store.AppendAsync(Id("a"), 1);
        await _store.AppendAsync(Id("b"), 2);
        await _store.ExecuteAsync("UPDATE journal SET tx = (4000000000 + ordering)::text::xid8");
        Assert.Empty(await _store.Log.ReadFeedAsync(FeedPosition.Start, 10, default));

        await _store.ReopenAsync();
        await _store.AppendAsync(Id("c"), 3);
        await _store.ShownAsync();
        var feed = await _store.Log.ReadFeedAsync(FeedPosition.Start, 10, default);
        Assert.Equal(["a", "b", "c"], feed.Select(next => next.Id.Entity));
    }

    [Fact]
    public async Task Numbers_that_were_rolled_back_hold_the_feed_up_no_longer_than_their_transaction()
    {
        await _store.AppendAsync(Id(), 1);
        Assert.NotNull(await _store.WriteAsync(Id(), Events(Id(), StreamHead.Start, 2)));
        await _store.AppendAsync(Id(), 3);

        await _store.ShownAsync();
        Assert.Equal(2, (await _store.Log.ReadFeedAsync(FeedPosition.Start, 10, default)).Count);
    }

    [Theory]
    [InlineData("DROP INDEX journal_command", "lacks a unique index")]
    [InlineData("ALTER TABLE journal ALTER COLUMN tx DROP DEFAULT", "lacks a unique index")]
    [InlineData("UPDATE engine_schema SET version=9", "version 9")]
    [InlineData("DELETE FROM engine_schema", "no row with its version")]
    public async Task What_the_journal_stands_on_is_checked_at_start(string sql, string sentence)
    {
        await _store.CloseAsync();
        await _store.ExecuteAsync(sql);

        var refused = Assert.Throws<JournalUnavailableException>(() => _store.Open());
        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "DROP TABLE archive")]
    [InlineData(2, "SELECT 1")]
    public async Task A_former_version_is_brought_up_to_date_and_nothing_of_it_is_lost(int version, string sql)
    {
        await _store.AppendAsync(Id(), 1);
        var before = await _store.HeadAsync(Id());
        await _store.CloseAsync();
        await _store.ExecuteAsync(
            $"{sql}; DROP INDEX journal_command; CREATE UNIQUE INDEX journal_command ON journal (persistence_id, tags) "
            + $"WHERE tags <> ''; UPDATE engine_schema SET version={version}");

        _store.Open();
        Assert.Equal(before, await _store.HeadAsync(Id()));
        Assert.NotNull(await _store.WriteAsync(Id(), Events(Id(), before, 1)));
        Assert.Equal(0, await _store.Log.ArchivedToAsync(Id(), default));
    }

    [Fact, Trait("Req", "I15")]
    public async Task A_database_belongs_to_one_process_at_a_time()
    {
        using var second = new PostgresStore(_store.Connection, archive: null, TimeProvider.System);
        Assert.Contains(
            "open in another process", Assert.Throws<JournalInUseException>(second.Open).Message,
            StringComparison.Ordinal);
        second.OpenAlongside();

        await _store.CloseAsync();
        second.Open();
        Assert.Null(second.WhyFull());
    }

    [Fact, Trait("Req", "I15")]
    public async Task A_process_that_has_lost_the_database_to_another_accepts_nothing_until_it_has_it_back()
    {
        Assert.Null(_store.Store.WhyFull());
        using (var second = new PostgresStore(_store.Connection, archive: null, TimeProvider.System))
        {
            // The first one takes its lock again when it sees that the session has ended; here the other is faster.
            while (!TryOpen(second))
            {
                await _store.ExecuteAsync(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname=current_database() "
                    + $"AND application_name='{PostgresLock.ApplicationName}'");
            }

            await Eventually.HoldsAsync(() => _store.Store.WhyFull() is not null);
            Assert.Contains("open in another process", _store.Store.WhyFull(), StringComparison.Ordinal);
        }

        await Eventually.HoldsAsync(() => _store.Store.WhyFull() is null);
    }

    [Fact]
    public async Task Two_never_move_events_to_the_archive_at_once_and_neither_keeps_the_other_out_for_good()
    {
        const string key = "1380993588";
        await using (var other = new NpgsqlConnection(_store.Connection))
        {
            await other.OpenAsync();
            await using var take = new NpgsqlCommand($"SELECT pg_advisory_lock({key})", other);
            await take.ExecuteNonQueryAsync();
            var refused = await Assert.ThrowsAsync<JournalUnavailableException>(MoveAsync);
            Assert.Contains("Another process is moving events", refused.Message, StringComparison.Ordinal);
            await using var give = new NpgsqlCommand($"SELECT pg_advisory_unlock({key})", other);
            await give.ExecuteNonQueryAsync();

            await MoveAsync();
            Assert.Equal(true, await new NpgsqlCommand($"SELECT pg_try_advisory_lock({key})", other)
                .ExecuteScalarAsync());
        }

        Task<ArchivedEvents> MoveAsync() =>
            _store.Store.ArchiveAsync(DateTimeOffset.MaxValue, 1, CancellationToken.None).AsTask();
    }

    [Fact]
    public async Task A_database_of_another_program_is_left_alone()
    {
        await _store.CloseAsync();
        await _store.ExecuteAsync("DROP TABLE engine_schema");

        var refused = Assert.Throws<JournalUnavailableException>(() => _store.Open());
        Assert.Contains("another program", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_that_does_not_answer_is_one_clear_error()
    {
        using var store = new PostgresStore(
            "Host=/nowhere;Username=nobody;Database=none", archive: null, TimeProvider.System);

        Assert.Contains(
            "none on /nowhere", Assert.Throws<JournalUnavailableException>(store.Open).Message,
            StringComparison.Ordinal);
    }

    [Fact, Trait("Req", "I17")]
    public async Task What_was_acknowledged_is_there_after_the_server_crashed()
    {
        await using var own = new PostgresServer();
        await using var store = new PostgresHarness(own);
        store.Open();
        var head = await store.AppendAsync(Id(), 1, events: 3);

        await own.RestartAsync();

        Assert.Equal(head, await store.HeadAsync(Id()));
    }

    private static bool TryOpen(PostgresStore store)
    {
        try
        {
            store.Open();
            return true;
        }
        catch (JournalInUseException)
        {
            return false;
        }
    }
}
