using System.Text;
using Microsoft.Data.Sqlite;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Persistence.Sql;
using ReplicationEngine.Tests.Persistence.Conformance;
using static ReplicationEngine.Tests.Persistence.Conformance.StoreHarness;

namespace ReplicationEngine.Tests.Persistence.Sql;

public sealed class A_store_in_sqlite : IAsyncLifetime
{
    private readonly SqliteHarness _store = new();

    public ValueTask InitializeAsync()
    {
        _store.Open();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public void A_second_store_on_the_same_file_gets_one_clear_error()
    {
        var exception = Assert.Throws<JournalInUseException>(() => Open(_store.File));

        Assert.Contains(_store.File, exception.Message, StringComparison.Ordinal);
        Assert.Contains("another data directory", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_that_cannot_be_made_is_one_clear_error() =>
        Assert.Throws<JournalUnavailableException>(() => Open(Path.Combine(_store.File, "below", "journal.db")));

    [Fact, Trait("Req", "I27")]
    public void A_directory_that_is_gone_is_a_reason_to_store_nothing_and_no_exception()
    {
        var directory = Directory.CreateTempSubdirectory();
        var space = new FreeSpace(Path.Combine(directory.FullName, "journal.db"), TimeProvider.System);
        directory.Delete();

        Assert.Contains("cannot be reached", space.WhyFull(), StringComparison.Ordinal);
    }

    [Fact, Trait("Req", "I7")]
    public async Task A_file_that_is_no_database_is_corrupt()
    {
        await _store.CloseAsync();
        await File.WriteAllBytesAsync(_store.File, Encoding.UTF8.GetBytes(new string('x', 8192)));

        Assert.Throws<JournalCorruptException>(() => Open(_store.File));
    }

    [Theory]
    [InlineData("CREATE TABLE theirs (id INTEGER)", "is not a journal")]
    [InlineData("PRAGMA application_id=1380993585; CREATE TABLE events (id INTEGER)", "earlier version")]
    [InlineData("PRAGMA application_id=1380993586; PRAGMA user_version=9", "version 9")]
    public async Task A_database_of_another_program_or_version_is_left_alone(string sql, string sentence)
    {
        var path = _store.File + ".other";
        await SqliteHarness.ExecuteAsync(path, sql);
        var before = await File.ReadAllBytesAsync(path);

        var exception = Assert.Throws<JournalUnavailableException>(() => Open(path));
        Assert.Contains(sentence, exception.Message, StringComparison.Ordinal);
        Assert.Equal(before.Length, new FileInfo(path).Length);
    }

    [Theory]
    [InlineData(1, "DROP TABLE archive")]
    [InlineData(2, "SELECT 1")]
    public async Task A_former_version_is_brought_up_to_date_and_nothing_of_it_is_lost(int version, string sql)
    {
        await _store.AppendAsync(Id(), 1);
        var before = await _store.HeadAsync(Id());
        await _store.CloseAsync();
        await SqliteHarness.ExecuteAsync(
            _store.File,
            $"{sql}; DROP INDEX journal_command; CREATE UNIQUE INDEX journal_command ON journal (persistence_id, tags) "
            + $"WHERE tags <> ''; PRAGMA user_version={version}");

        _store.Open();
        Assert.Equal(before, await _store.HeadAsync(Id()));
        Assert.NotNull(await _store.WriteAsync(Id(), Events(Id(), before, 1)));
        await _store.CloseAsync();
        using var journal = RecordedJournal.OpenStore(Path.GetDirectoryName(_store.File)!);
        Assert.Empty(journal.CheckStore());
    }

    [Theory]
    [InlineData("CREATE INDEX journal_command ON journal (persistence_id, tags) WHERE tags <> ''", true)]
    [InlineData("CREATE INDEX journal_command ON snapshot (created)", true)]
    [InlineData("CREATE UNIQUE INDEX journal_command ON journal (persistence_id, tags) WHERE tags <> ''", false)]
    public async Task A_former_version_s_index_of_commands_is_checked_too(string index, bool damaged)
    {
        await _store.AppendAsync(Id(), 1);
        await _store.CloseAsync();
        await SqliteHarness.ExecuteAsync(
            _store.File, $"DROP INDEX journal_command; {index}; PRAGMA user_version=2");

        using var journal = RecordedJournal.OpenStore(Path.GetDirectoryName(_store.File)!);
        Assert.Equal(damaged, journal.CheckStore().Any());
    }

    [Fact]
    public async Task A_former_version_that_holds_a_command_twice_is_refused_and_stays_as_it_is()
    {
        await _store.AppendAsync(Id(), 1);
        await _store.CloseAsync();
        await SqliteHarness.ExecuteAsync(
            _store.File,
            "DROP INDEX journal_command; INSERT INTO journal (created, deleted, persistence_id, sequence_number, "
            + "message, tags, manifest, identifier) SELECT created, 0, persistence_id, 9, message, tags, manifest, "
            + "identifier FROM journal; CREATE INDEX journal_command ON journal (tags); PRAGMA user_version=2");

        var refused = Assert.Throws<JournalUnavailableException>(() => _store.Open());
        Assert.Contains("cannot be upgraded to version", refused.Message, StringComparison.Ordinal);
        await using var connection = new SqliteConnection($"Data Source={_store.File}");
        await connection.OpenAsync();
        await using var version = connection.CreateCommand();
        version.CommandText = "PRAGMA user_version";
        Assert.Equal(2L, await version.ExecuteScalarAsync());
    }

    [Fact]
    public async Task Commits_are_durable_and_a_command_is_unique()
    {
        await using var connection = new SqliteConnection($"Data Source={_store.File}");
        await connection.OpenAsync();
        Assert.Equal("wal", await ReadAsync("PRAGMA journal_mode"));
        Assert.Equal(2L, await ReadAsync("PRAGMA synchronous"));
        Assert.Equal(2L, await ReadAsync(
            "SELECT count(*) FROM sqlite_master WHERE type='index' AND sql LIKE 'CREATE UNIQUE INDEX journal_%'"));

        async Task<object?> ReadAsync(string sql)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = sql;
            return await command.ExecuteScalarAsync();
        }
    }

    [Fact, Trait("Req", "I7")]
    public async Task A_byte_flipped_in_the_file_is_found_and_named()
    {
        for (var i = 1; i <= 3; i++)
        {
            await _store.AppendAsync(Id(), i);
        }

        await _store.CloseAsync();
        var bytes = await File.ReadAllBytesAsync(_store.File);
        var at = bytes.AsSpan().IndexOf("one-2-1"u8);
        Assert.True(at > 0);
        bytes[at] ^= 0x20;
        await File.WriteAllBytesAsync(_store.File, bytes);
        _store.Open();

        var exception = await Assert.ThrowsAsync<JournalCorruptException>(
            async () => await _store.Log.ReadStreamAsync(Id(), StreamHead.Start, 10, default));
        Assert.Equal(2, exception.Sequence);
    }

    [Fact, Trait("Req", "I7"), Trait("Req", "I29")]
    public async Task A_record_that_cannot_be_read_is_offered_as_such_when_an_entity_recovers()
    {
        await _store.AppendAsync(Id(), 1);
        await _store.AppendAsync(Id(), 2);
        await _store.SaveAsync(Id(), Journal_conformance.Snapshot(new StreamHead(1, default), [1]));
        await _store.ExecuteAsync(
            "UPDATE journal SET message=x'93' WHERE sequence_number=2; UPDATE snapshot SET snapshot=x'00'");

        var records = await _store.RecoverAsync(Id());
        Assert.Equal(["snapshot.v1", "counter.added.v1"], records.Cast<UnreadableRecord>().Select(r => r.Name));
    }

    [Fact, Trait("Req", "I17")]
    public async Task What_was_acknowledged_before_a_crash_is_there_after_it()
    {
        await _store.AppendAsync(Id("a"), 1, events: 2);
        var head = await _store.AppendAsync(Id("a"), 2, wake: new WakeMark(Now, OwesEffects: true));
        await _store.AppendAsync(Id("b"), 3);

        // A crash leaves file and log as they are now; a copy taken here is what the next process finds.
        var copy = _store.File + ".copy";
        File.Copy(_store.File, copy);
        File.Copy(_store.File + "-wal", copy + "-wal");
        using var store = Open(copy);

        Assert.Equal(head, (await store.Log.ReadStreamAsync(Id("a"), StreamHead.Start, 9, default)).Events[^1].Head);
        Assert.Equal(
            new CommandRecord(Command(2), 3, null), await store.Log.FindCommandAsync(Id("a"), Command(2), default));
        Assert.Equal(4, (await store.Log.ReadFeedAsync(FeedPosition.Start, 10, default)).Count);
        Assert.Single(await store.Log.ListWakesAsync("counter", default));
    }

    [Fact]
    public async Task Writes_wait_for_a_lock_that_somebody_else_holds()
    {
        await using var other = new SqliteConnection($"Data Source={_store.File};Pooling=False");
        await other.OpenAsync();
        await using var transaction = await other.BeginTransactionAsync();
        await using (var command = other.CreateCommand())
        {
            command.CommandText = "DELETE FROM journal";
            await command.ExecuteNonQueryAsync();
        }

        var write = _store.WriteAsync(Id(), Events(Id(), StreamHead.Start, 1));
        Assert.Empty((await _store.Log.ReadFeedAsync(FeedPosition.Start, 10, default)));
        Assert.False(write.IsCompleted);
        await transaction.RollbackAsync();
        Assert.Null(await write);
    }

    [Fact, Trait("Req", "I18"), Trait("Req", "I19")]
    public async Task Of_writes_that_are_committed_together_only_those_fail_that_the_tables_refuse()
    {
        await _store.AppendAsync(Id("taken"), 1);
        await _store.AppendAsync(Id("repeated"), 2);
        await using var other = new SqliteConnection($"Data Source={_store.File};Pooling=False");
        await other.OpenAsync();
        await using var transaction = await other.BeginTransactionAsync();
        await using (var command = other.CreateCommand())
        {
            command.CommandText = "DELETE FROM snapshot";
            await command.ExecuteNonQueryAsync();
        }

        var head = (await _store.HeadAsync(Id("repeated")));
        var good = Enumerable.Range(10, 20).Select(number => _store.WriteAsync(
            Id($"good-{number}"), Events(Id($"good-{number}"), StreamHead.Start, number, events: 2))).ToList();
        var taken = _store.WriteAsync(Id("taken"), Events(Id("taken"), StreamHead.Start, 3));
        var repeated = _store.WriteAsync(Id("repeated"), Events(Id("repeated"), head, 2, events: 3));
        await transaction.RollbackAsync();

        Assert.All(await Task.WhenAll(good), Assert.Null);
        Assert.Contains("UNIQUE", (await taken)?.Message, StringComparison.Ordinal);
        Assert.Contains("UNIQUE", (await repeated)?.Message, StringComparison.Ordinal);
        Assert.Equal(head, await _store.HeadAsync(Id("repeated")));
        Assert.Equal(42, (await _store.Log.ReadFeedAsync(FeedPosition.Start, 100, default)).Count);
    }

    [Fact, Trait("Req", "I29")]
    public async Task An_entity_that_recovers_beside_a_write_that_fails_is_not_harmed_by_it()
    {
        using var writer = new SqliteWriter($"Data Source={_store.File}.none;Mode=ReadWrite", 1, TimeProvider.System);
        var failing = writer.WriteAsync([new JournalRow("a|b|c", 1, [], "", "name", 1, "writer")]);
        var settled = writer.SettleAsync();
        writer.Start();

        await settled;
        await Assert.ThrowsAsync<SqliteException>(() => failing);
    }

    [Fact]
    public async Task A_write_to_a_store_that_is_closed_says_so()
    {
        var writer = new SqliteWriter($"Data Source={_store.File}", 1, TimeProvider.System);
        writer.Start();
        await writer.SettleAsync();
        writer.Dispose();

        await Assert.ThrowsAsync<JournalUnavailableException>(writer.SettleAsync);
    }

    private static SqliteStore Open(string path)
    {
        var store = new SqliteStore(path, TimeProvider.System);
        store.Open();
        return store;
    }
}
