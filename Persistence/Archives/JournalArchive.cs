using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Persistence.Sql;

namespace ReplicationEngine.Persistence.Archives;

/// <summary>Moves old events to a journal's archive without an engine, while no service runs on the journal.</summary>
public static class JournalArchive
{
    /// <summary>The name of the archive's directory in a service's data directory.</summary>
    public const string DirectoryName = ArchiveDirectory.DirectoryName;

    /// <summary>Moves events of the journal in a data directory.</summary>
    /// <param name="directory">The data directory.</param>
    /// <param name="before">The time before which events must have been decided.</param>
    /// <param name="atLeast">A stream with fewer movable events is left unchanged.</param>
    /// <param name="cancellationToken">Stops the operation between two files.</param>
    /// <exception cref="ReplayRefusedException">The directory has no journal.</exception>
    /// <exception cref="JournalInUseException">A service runs on the journal.</exception>
    /// <exception cref="JournalCorruptException">The journal is damaged.</exception>
    /// <exception cref="JournalUnavailableException">The journal or the archive cannot be read or written.</exception>
    public static async Task<ArchivedEvents> RunAsync(
        string directory, DateTimeOffset before, int atLeast, CancellationToken cancellationToken)
    {
        var file = Path.Combine(directory, RecordedJournal.FileName);
        if (!File.Exists(file))
        {
            throw new ReplayRefusedException(
                $"There is no journal in {directory}; name the directory given to `drctl serve --data`.");
        }

        using var store = new SqliteStore(file, TimeProvider.System);
        store.Open();
        return await store.ArchiveAsync(before, atLeast, cancellationToken);
    }

    /// <summary>Moves events of a journal in PostgreSQL. Its service may be running.</summary>
    /// <param name="connection">The connection string.</param>
    /// <param name="archive">The directory of the archive.</param>
    /// <param name="before">The time before which events must have been decided.</param>
    /// <param name="atLeast">A stream with fewer movable events is left unchanged.</param>
    /// <param name="cancellationToken">Stops the operation between two files.</param>
    /// <exception cref="ReplayRefusedException">The connection string is invalid.</exception>
    /// <exception cref="JournalUnavailableException">The journal or the archive cannot be read or written.</exception>
    public static async Task<ArchivedEvents> RunOnDatabaseAsync(
        string connection, string archive, DateTimeOffset before, int atLeast, CancellationToken cancellationToken)
    {
        PostgresStore store;
        try
        {
            store = new PostgresStore(connection, archive, TimeProvider.System);
        }
        catch (ArgumentException exception)
        {
            throw new ReplayRefusedException(
                $"The connection string of --postgres cannot be read: {exception.Message.ReplaceLineEndings(" ")}");
        }

        using (store)
        {
            store.OpenAlongside();
            return await store.ArchiveAsync(before, atLeast, cancellationToken);
        }
    }
}
