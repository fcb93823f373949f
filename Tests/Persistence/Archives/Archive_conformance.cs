using System.Diagnostics;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Tests.Persistence.Conformance;
using ReplicationEngine.Tests.TestKit;
using static ReplicationEngine.Tests.Persistence.Conformance.StoreHarness;

namespace ReplicationEngine.Tests.Persistence.Archives;

public sealed class Archive_of_sqlite() : Archive_conformance(new SqliteHarness());

public sealed class Archive_of_postgres(PostgresServer server) : Archive_conformance(new PostgresHarness(server));

/// <summary>What every store with an archive must do: streams are read as if nothing had been moved.</summary>
public abstract class Archive_conformance : IAsyncLifetime
{
    private static readonly DateTimeOffset s_ever = Now.AddYears(1);

    private readonly StoreHarness _store;

    private protected Archive_conformance(StoreHarness store) => _store = store;

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

    [Fact, Trait("Req", "I17"), Trait("Req", "I18")]
    public async Task A_stream_is_read_as_before_from_any_event_and_in_any_slices()
    {
        await WriteAsync(commands: 12, snapshotAt: 10);
        var before = await AllAsync(slice: 100);
        Assert.Equal((10, 1), await MoveAsync());
        await WriteAsync(commands: 12, snapshotAt: 10, from: 13);
        Assert.Equal((12, 1), await MoveAsync());

        var expected = before.Concat((await AllAsync(100)).Skip(before.Count)).ToList();
        foreach (var slice in new[] { 1, 2, 7, 100 })
        {
            Assert.Equal(expected, await AllAsync(slice));
        }

        for (var sequence = 1L; sequence <= expected.Count; sequence++)
        {
            var head = (await _store.Log.HeadAtAsync(Id(), sequence, default))!.Value;
            Assert.Equal(sequence, head.Sequence);
            var rest = await _store.Log.ReadStreamAsync(Id(), head, 100, default);
            Assert.Equal(expected.Skip((int)sequence).Take(1), rest.Events.Take(1).Select(Flat));
        }

        Assert.Null(await _store.Log.HeadAtAsync(Id(), expected.Count + 1, default));
        Assert.Equal(22, await _store.Log.ArchivedToAsync(Id(), default));
        Assert.Equal(0, await _store.Log.ArchivedToAsync(Id("nobody"), default));
    }

    [Fact, Trait("Req", "I17")]
    public async Task An_entity_recovers_from_its_snapshot_and_from_its_whole_stream()
    {
        await WriteAsync(commands: 12, snapshotAt: 10);
        var before = await _store.RecoverAsync(Id());
        await MoveAsync();
        await _store.ReopenAsync();

        Assert.Equal(before.Skip(1).Cast<StoredEvent>().Select(Flat), (await _store.RecoverAsync(Id())).Skip(1)
            .Cast<StoredEvent>().Select(Flat));
        Assert.Equal(
            await AllAsync(100),
            (await _store.RecoverAsync(Id(), withoutSnapshot: true)).Cast<StoredEvent>().Select(Flat));
    }

    [Fact, Trait("Req", "I19")]
    public async Task A_command_whose_events_were_moved_is_recognised()
    {
        await WriteAsync(commands: 30, snapshotAt: 29);
        await MoveAsync();

        for (var command = 1; command <= 30; command++)
        {
            Assert.Equal(
                new CommandRecord(Command(command), command, $"digest {command}"),
                await _store.Log.FindCommandAsync(Id(), Command(command), default));
        }

        Assert.Null(await _store.Log.FindCommandAsync(Id(), Command(31), default));
        Assert.Null(await _store.Log.FindCommandAsync(Id("two"), Command(1), default));
    }

    [Fact, Trait("Req", "I18")]
    public async Task Only_old_events_before_the_snapshot_are_moved_and_the_last_command_stays()
    {
        await WriteAsync(commands: 12, snapshotAt: 12);
        await WriteAsync(commands: 5, snapshotAt: 0, id: Id("without"));

        Assert.Equal((0, 0), await MoveAsync(before: Now));
        Assert.Equal((4, 1), await MoveAsync(before: Now.AddSeconds(5)));
        Assert.Equal((0, 0), await MoveAsync(atLeast: 8));
        Assert.Equal((7, 1), await MoveAsync(atLeast: 7));
        Assert.Equal((0, 0), await MoveAsync());
        Assert.Equal(["one", "without"], (await _store.Log.ListAsync("counter", default)).Select(id => id.Entity));
        Assert.Equal(12, (await _store.HeadAsync(Id())).Sequence);
    }

    [Fact, Trait("Req", "I19")]
    public async Task A_command_is_never_torn_in_two()
    {
        await _store.AppendAsync(Id(), 1);
        await _store.AppendAsync(Id(), 2, events: 4);
        await _store.AppendAsync(Id(), 3);
        await SnapshotAsync(Id(), 3);

        Assert.Equal((1, 1), await MoveAsync());
        Assert.Equal((0, 0), await MoveAsync());
        Assert.Equal(6, (await AllAsync(100)).Count);
    }

    [Fact, Trait("Req", "I18")]
    public async Task The_stream_goes_on_behind_the_archive_and_numbers_are_never_used_again()
    {
        await WriteAsync(commands: 12, snapshotAt: 12);
        await MoveAsync();
        await _store.ReopenAsync();

        var head = await _store.HeadAsync(Id());
        Assert.NotNull(await _store.WriteAsync(
            Id(), Events(Id(), new StreamHead(11, (await _store.Log.HeadAtAsync(Id(), 11, default))!.Value.Hash), 40)));
        Assert.Equal(new StreamHead(13, (await _store.AppendAsync(Id(), 41)).Hash), await _store.HeadAsync(Id()));
        Assert.Equal(12, head.Sequence);
    }

    [Fact, Trait("Req", "I7")]
    public async Task A_damaged_or_missing_file_is_named_and_the_rest_of_the_stream_is_read()
    {
        await WriteAsync(commands: 12, snapshotAt: 10);
        var whole = await AllAsync(100);
        await MoveAsync();
        var file = Assert.Single(Directory.GetFiles(_store.Archive, "*", SearchOption.AllDirectories));
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[^100] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
        await _store.ReopenAsync();

        var damaged = await Assert.ThrowsAsync<JournalUnavailableException>(() => AllAsync(100));
        Assert.Contains(file, damaged.Message, StringComparison.Ordinal);
        Assert.Contains(
            await _store.RecoverAsync(Id(), withoutSnapshot: true), record => record is UnreadableRecord);
        var behind = (await _store.Log.HeadAtAsync(Id(), 10, default))!.Value;
        Assert.Equal(
            whole.Skip(10), (await _store.Log.ReadStreamAsync(Id(), behind, 100, default)).Events.Select(Flat));

        await Assert.ThrowsAsync<JournalUnavailableException>(
            async () => await _store.Log.FindCommandAsync(Id(), Command(1), default));
        File.Move(file, file + ".away");
        await Assert.ThrowsAsync<JournalUnavailableException>(() => MoveAsync());
        var missing = await Assert.ThrowsAsync<JournalUnavailableException>(() => AllAsync(100));
        Assert.Contains("Restore the file", missing.Message, StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<Exception>(() => _store.RecoverAsync(Id(), withoutSnapshot: true));
        Assert.IsType<EntitySnapshot>((await _store.RecoverAsync(Id()))[0]);
    }

    [Theory, Trait("Req", "I7")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_pipe_in_place_of_a_file_is_told_and_not_waited_for(bool behindLink)
    {
        await WriteAsync(commands: 12, snapshotAt: 10);
        await MoveAsync();
        var file = Assert.Single(Directory.GetFiles(_store.Archive, "*", SearchOption.AllDirectories));
        File.Delete(file);
        var pipe = behindLink ? file + ".pipe" : file;
        await Process.Start("mkfifo", [pipe]).WaitForExitAsync();
        if (behindLink)
        {
            File.CreateSymbolicLink(file, pipe);
        }

        await _store.ReopenAsync();

        var refused = await Assert.ThrowsAsync<JournalUnavailableException>(() => AllAsync(100));
        Assert.Contains("not a regular file", refused.Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Req", "I7")]
    public async Task A_file_of_another_journal_in_its_place_is_refused()
    {
        await WriteAsync(commands: 12, snapshotAt: 10);
        await WriteAsync(commands: 12, snapshotAt: 10, id: Id("two"));
        await MoveAsync();
        var files = Directory.GetFiles(_store.Archive, "*", SearchOption.AllDirectories);
        File.Copy(
            files.Single(file => file.Contains("two", StringComparison.Ordinal)),
            files.Single(file => !file.Contains("two", StringComparison.Ordinal)), overwrite: true);

        await Assert.ThrowsAsync<JournalUnavailableException>(() => AllAsync(100));
    }

    [Theory, Trait("Req", "I15")]
    [InlineData("INSERT")]
    [InlineData("DELETE")]
    public async Task What_fails_before_the_commit_leaves_the_journal_as_it_was_and_no_file(string step)
    {
        await WriteAsync(commands: 12, snapshotAt: 10);
        var before = await AllAsync(100);
        var table = step == "INSERT" ? "archive" : "journal";
        await _store.ChangeAsync(_store is SqliteHarness
            ? $"CREATE TRIGGER broken BEFORE {step} ON {table} BEGIN SELECT RAISE(ABORT, 'no {step}'); END"
            : "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS "
                + $"'BEGIN RAISE EXCEPTION ''no {step}''; END'; "
                + $"CREATE TRIGGER broken BEFORE {step} ON {table} FOR EACH ROW EXECUTE FUNCTION broken()");

        var exception = await Assert.ThrowsAsync<JournalUnavailableException>(() => MoveAsync());
        Assert.Contains($"no {step}", exception.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_store.Archive, "*", SearchOption.AllDirectories));
        Assert.Equal(before, await AllAsync(100));

        await _store.ChangeAsync(_store is SqliteHarness ? "DROP TRIGGER broken" : $"DROP TRIGGER broken ON {table}");
        Assert.Equal((10, 1), await MoveAsync());
        Assert.Equal(before, await AllAsync(100));
    }

    [Fact, Trait("Req", "I7")]
    public async Task Damaged_events_are_left_in_the_journal_and_told_of()
    {
        await WriteAsync(commands: 12, snapshotAt: 10);
        await WriteAsync(commands: 12, snapshotAt: 10, id: Id("two"));
        await _store.HarmAsync(Id(), 4, Damage.Payload);

        var moved = await _store.Store.ArchiveAsync(s_ever, 1, default);
        Assert.Equal((10, 1), (moved.Events, moved.Files));
        Assert.Contains("event 4 of counter|vault|one", Assert.Single(moved.Left), StringComparison.Ordinal);
    }

    [Fact, Trait("Req", "I18")]
    public async Task Any_order_of_appends_moves_and_restarts_keeps_every_stream()
    {
        var random = new Random(9);
        var expected = new Dictionary<string, List<string>> { ["a"] = [], ["b"] = [], ["c"] = [] };
        for (var command = 1; command <= 150; command++)
        {
            var id = Id(expected.Keys.ElementAt(random.Next(3)));
            var events = Events(id, await _store.HeadAsync(id), command, random.Next(1, 4));
            Assert.Null(await _store.WriteAsync(id, events));
            expected[id.Entity].AddRange(events.Select(Flat));
            if (random.Next(6) == 0)
            {
                await _store.SaveAsync(id, SnapshotOf(events[^1].Head));
            }

            if (random.Next(8) == 0)
            {
                await _store.Store.ArchiveAsync(Now.AddSeconds(random.Next(command + 2)), random.Next(1, 6), default);
            }

            if (random.Next(40) == 0)
            {
                await _store.ReopenAsync();
            }
        }

        foreach (var (entity, events) in expected)
        {
            Assert.Equal(events, await AllAsync(random.Next(1, 9), Id(entity)));
            Assert.Equal(
                events,
                (await _store.RecoverAsync(Id(entity), withoutSnapshot: true)).Cast<StoredEvent>().Select(Flat));
        }

        Assert.True(await _store.Log.CountFeedAsync(FeedPosition.Start, default) < expected.Values.Sum(e => e.Count));
    }

    private async Task WriteAsync(int commands, int snapshotAt, int from = 1, PersistenceId? id = null)
    {
        var head = StreamHead.Start;
        for (var command = from; command < from + commands; command++)
        {
            head = await _store.AppendAsync(id ?? Id(), command, digest: $"digest {command}");
            if (command - from + 1 == snapshotAt)
            {
                await _store.SaveAsync(id ?? Id(), SnapshotOf(head));
            }
        }
    }

    private async Task SnapshotAsync(PersistenceId id, long sequence) =>
        await _store.SaveAsync(id, SnapshotOf((await _store.Log.HeadAtAsync(id, sequence, default))!.Value));

    private static EntitySnapshot SnapshotOf(StreamHead head) =>
        EntitySnapshot.Create(1, head, Now, [1, 2, 3], [], coversStream: true);

    private async Task<(long Events, int Files)> MoveAsync(DateTimeOffset? before = null, int atLeast = 1)
    {
        var moved = await _store.Store.ArchiveAsync(before ?? s_ever, atLeast, default);
        Assert.Empty(moved.Left);
        return (moved.Events, moved.Files);
    }

    private async Task<List<string>> AllAsync(int slice, PersistenceId? id = null)
    {
        var (all, head) = (new List<string>(), StreamHead.Start);
        while (true)
        {
            var read = await _store.Log.ReadStreamAsync(id ?? Id(), head, slice, default);
            all.AddRange(read.Events.Select(Flat));
            if (read.EndOfStream)
            {
                return all;
            }

            head = read.Events[^1].Head;
        }
    }
}
