using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Sqlite;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// Makes a new SQLite journal from a log. Everything is written in one transaction after the seals of each event were
/// compared, so that the journal is there whole or not at all.
/// </summary>
public static class JournalImport
{
    private const long ReportEvery = 8_192;

    /// <summary>Imports.</summary>
    /// <param name="source">The log.</param>
    /// <param name="directory">The data directory of a service that is yet to be; made when it is missing.</param>
    /// <param name="progress">Is told now and then.</param>
    /// <param name="cancellationToken">Gives up; nothing is left.</param>
    /// <returns>The number of events.</returns>
    /// <exception cref="ReplayRefusedException">The directory has a journal.</exception>
    /// <exception cref="ReplayException">An event does not fit its seal.</exception>
    /// <exception cref="JournalInUseException">A service runs there.</exception>
    /// <exception cref="JournalUnavailableException">The file cannot be written.</exception>
    public static long Run(
        RecordedJournal source, string directory, Action<ReplayProgress>? progress,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        var file = Path.Combine(directory, RecordedJournal.FileName);
        long events;
        using (FileLock.Take(file))
        {
            if (File.Exists(file) || File.Exists(file + "-wal"))
            {
                throw new ReplayRefusedException($"{file} exists; name a data directory without a journal.");
            }

            var complete = false;
            try
            {
                events = Write(source, file, progress, cancellationToken);
                complete = true;
            }
            catch (SqliteFault fault)
            {
                throw fault.Translate();
            }
            finally
            {
                if (!complete)
                {
                    Remove(file);
                }
            }
        }

        // Opening rebuilds the index tables from the events, and closing writes them.
        using var store = new SqliteStore(file);
        return events;
    }

    private static void Remove(string file)
    {
        File.Delete(file);
        File.Delete(file + "-wal");
        File.Delete(file + "-shm");
    }

    private static long Write(
        RecordedJournal source, string file, Action<ReplayProgress>? progress, CancellationToken cancellationToken)
    {
        using var database = new SqliteDatabase(file, readOnly: false);
        SqliteSchema.Apply(database);
        var keys = source.Streams.Index().ToDictionary(item => item.Item, item => item.Index + 1L);
        database.Execute("BEGIN IMMEDIATE");
        WriteStreams(database, keys);
        var events = WriteEvents(source, database, keys, progress, cancellationToken);
        WriteSnapshots(source, database, keys);
        WriteLeases(source, database);
        database.Execute("COMMIT");
        return events;
    }

    private static void WriteStreams(SqliteDatabase database, Dictionary<PersistenceId, long> keys)
    {
        var add = database.Prepare(
            "INSERT INTO streams (key, type, vault, entity, sequence, hash, owes) "
            + "VALUES (?1, ?2, ?3, ?4, 0, zeroblob(32), 0)");
        foreach (var (id, key) in keys)
        {
            add.Bind(1, key).Bind(2, id.Type).Bind(3, id.Vault.Value).Bind(4, id.Entity).Run();
        }
    }

    private static long WriteEvents(
        RecordedJournal source, SqliteDatabase database, Dictionary<PersistenceId, long> keys,
        Action<ReplayProgress>? progress, CancellationToken cancellationToken)
    {
        var add = database.Prepare(
            "INSERT INTO events "
            + "(position, stream, sequence, time, command, name, actor, wake_due, owes, hash, payload) "
            + "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
        var heads = new Dictionary<PersistenceId, StreamHead>();
        var position = 0L;
        foreach (var recorded in source.ReadAll())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (SealCheck.Next(heads.GetValueOrDefault(recorded.Id), recorded) is { } broken)
            {
                throw new ReplayException(broken);
            }

            var stored = recorded.Event;
            heads[recorded.Id] = new StreamHead(stored.Sequence, stored.Hash);
            add.Bind(1, ++position)
                .Bind(2, keys[recorded.Id])
                .Bind(3, stored.Sequence)
                .Bind(4, stored.Time.UtcTicks)
                .Bind(5, stored.CommandId.Value)
                .Bind(6, stored.Name)
                .Bind(7, stored.Actor)
                .Bind(8, recorded.Wake.NextDue)
                .Bind(9, recorded.Wake.OwesEffects ? 1 : 0)
                .Bind(10, stored.Hash)
                .Bind(11, stored.Payload)
                .Run();
            if (position % ReportEvery == 0)
            {
                progress?.Invoke(new ReplayProgress(position, source.EventCount, 0));
            }
        }

        foreach (var id in source.Streams)
        {
            if (source.DeclaredHead(id) is { } declared && declared.Sequence > heads.GetValueOrDefault(id).Sequence)
            {
                throw new ReplayException(new JournalDamage(
                    DamageKind.Sequence, id, heads.GetValueOrDefault(id).Sequence + 1, null, null, "it is missing"));
            }
        }

        return position;
    }

    private static void WriteSnapshots(
        RecordedJournal source, SqliteDatabase database, Dictionary<PersistenceId, long> keys)
    {
        var add = database.Prepare(
            "INSERT INTO snapshots (stream, version, sequence, hash, checksum, payload) "
            + "VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        foreach (var snapshot in source.Snapshots)
        {
            add.Bind(1, keys[snapshot.Id])
                .Bind(2, snapshot.Version)
                .Bind(3, snapshot.Head.Sequence)
                .Bind(4, snapshot.Head.Hash)
                .Bind(5, snapshot.Checksum)
                .Bind(6, snapshot.Payload)
                .Run();
        }
    }

    private static void WriteLeases(RecordedJournal source, SqliteDatabase database)
    {
        var add = database.Prepare("INSERT INTO leases (name, owner, epoch, expires) VALUES (?1, ?2, ?3, ?4)");
        foreach (var lease in source.Leases)
        {
            add.Bind(1, lease.Name)
                .Bind(2, lease.Owner)
                .Bind(3, lease.Epoch)
                .Bind(4, lease.ExpiresAt.UtcTicks)
                .Run();
        }
    }
}
