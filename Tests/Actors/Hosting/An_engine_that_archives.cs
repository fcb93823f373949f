using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Counters;
using static ReplicationEngine.Tests.Actors.Hosting.TestEngine;

namespace ReplicationEngine.Tests.Actors.Hosting;

/// <summary>An engine moves old events to the journal's archive while it works, and nobody notices.</summary>
public sealed class An_engine_that_archives : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("archiving-");

    private string File => Path.Combine(_directory.FullName, "journal.db");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact, Trait("Req", "I17"), Trait("Req", "I19")]
    public async Task The_journal_stays_small_while_commands_state_and_documents_are_as_ever()
    {
        await using (var engine = await EngineAsync())
        {
            for (var n = 1; n <= 300; n++)
            {
                Assert.Equal(new CommandReply.Accepted(n), await AddAsync(engine, n));
            }

            await Eventually.HoldsAsync(async () => await ArchivedToAsync(engine) >= 290);
            Assert.InRange(Rows(), 1, 10);
            Assert.Equal(new CommandReply.Accepted(1), await AddAsync(engine, 1));
            Assert.Equal(new CommandReply.Accepted(301), await AddAsync(engine, 301));
        }

        // Without its snapshot the counter reads all its events again, and so does a projection that is rebuilt.
        using (var connection = Open())
        {
            using var command = connection.CreateCommand();
            command.CommandText = "DELETE FROM snapshot";
            command.ExecuteNonQuery();
        }

        await using var later = await EngineAsync();
        Assert.Equal(301, (await later["a"].StateAsync(default)).State.Total);
        Assert.Equal(new CommandReply.Accepted(7), await AddAsync(later, 7));
        await later.Engine.ReadModel.RebuildAsync(Totals.ProjectionName, default);
        Assert.True(await later.Engine.ReadModel.CaughtUpAsync(
            Totals.ProjectionName, TimeSpan.FromSeconds(60), default));
        Assert.Equal(
            new Total("a", 301, 301, null),
            await later.Engine.ReadModel.FindAsync<Total>(Totals.ProjectionName, "a", default));
    }

    [Fact, Trait("Req", "I17")]
    public async Task Appending_reading_and_moving_at_once_disturb_each_other_in_nothing()
    {
        await using var engine = await EngineAsync(archives: false);
        using var ending = new CancellationTokenSource();
        var moving = Task.Run(async () =>
        {
            while (!ending.IsCancellationRequested)
            {
                await engine.Store.ArchiveAsync(DateTimeOffset.MaxValue, 1, default);
            }
        });
        var reading = Task.Run(async () =>
        {
            while (!ending.IsCancellationRequested)
            {
                var slice = await engine.Store.Log.ReadStreamAsync(
                    engine["a"].Id, StreamHead.Start, 10_000, default);
                Assert.Equal(
                    Enumerable.Range(1, slice.Events.Count).Select(n => (long)n),
                    slice.Events.Select(stored => stored.Sequence));
            }
        });
        for (var n = 1; n <= 400; n++)
        {
            Assert.Equal(new CommandReply.Accepted(n), await AddAsync(engine, n));
        }

        await ending.CancelAsync();
        await moving;
        await reading;
        Assert.Equal(400, (await engine["a"].StateAsync(default)).State.Total);
    }

    [Fact]
    public async Task An_archive_that_cannot_be_written_holds_nothing_up_and_is_tried_again()
    {
        var archive = Path.Combine(_directory.FullName, "archive");
        await System.IO.File.WriteAllTextAsync(archive, "a file where the directory should be");
        await using var engine = await EngineAsync();
        for (var n = 1; n <= 50; n++)
        {
            Assert.Equal(new CommandReply.Accepted(n), await AddAsync(engine, n));
        }

        await Assert.ThrowsAsync<JournalUnavailableException>(
            async () => await engine.Store.ArchiveAsync(DateTimeOffset.MaxValue, 1, default));
        Assert.Equal(50, Rows());
        Assert.Null(engine.Engine.Trouble.Current);

        System.IO.File.Delete(archive);
        await Eventually.HoldsAsync(async () => await ArchivedToAsync(engine) > 0);
    }

    [Fact, Trait("Req", "I19"), Trait("Req", "I29")]
    public async Task A_damaged_file_of_the_archive_stops_only_the_command_that_needs_it()
    {
        await using var engine = await EngineAsync(archives: false);
        for (var n = 1; n <= 100; n++)
        {
            await AddAsync(engine, n);
        }

        await engine.Store.ArchiveAsync(DateTimeOffset.MaxValue, 1, default);
        var file = Assert.Single(Directory.GetFiles(_directory.FullName, "*.rpj", SearchOption.AllDirectories));
        var sound = await System.IO.File.ReadAllBytesAsync(file);
        await System.IO.File.WriteAllBytesAsync(file, sound[..^100]);

        using var limit = Eventually.Limit();
        var asked = engine["a"].AskAsync(new CounterCommand.Add(1), Command(1), "me", limit.Token).AsTask();
        Assert.Equal(new CommandReply.Accepted(101), await AddAsync(engine, 101));
        await System.IO.File.WriteAllBytesAsync(file, sound);
        Assert.Equal(new CommandReply.Accepted(1), await AddAsync(engine, 1));
        Assert.True(
            await asked is CommandReply.Accepted { Sequence: 1 } or CommandReply.Unavailable,
            $"{await asked}");
        Assert.Equal(101, (await engine["a"].StateAsync(default)).State.Total);
    }

    private Task<TestEngine> EngineAsync(bool archives = true) => StartAsync(
        path: File,
        configure: options =>
        {
            options.SnapshotEvery = 10;
            options.ArchiveAfter = archives ? TimeSpan.Zero : null;
            options.ArchiveAtLeast = 5;
            options.ArchiveEvery = TimeSpan.FromSeconds(1);
        },
        build: builder => builder.Services.AddSingleton<IProjection>(new Totals()));

    private static async Task<CommandReply> AddAsync(TestEngine engine, int n) =>
        await engine["a"].AskAsync(new CounterCommand.Add(1), Command(n), "me", default);

    private static ValueTask<long> ArchivedToAsync(TestEngine engine) =>
        engine.Store.Log.ArchivedToAsync(engine["a"].Id, default);

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();
        return connection;
    }

    private long Rows()
    {
        using var connection = Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM journal";
        return (long)command.ExecuteScalar()!;
    }
}
