using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Sqlite;

namespace ReplicationEngine.Tests.Persistence.Conformance;

internal sealed class SqliteHarness : StoreHarness
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("journal-");
    private SqliteStore? _store;

    public SqliteHarness() => _store = new SqliteStore(File);

    public string File => Path.Combine(_directory.FullName, "journal.db");

    public SqliteStore Store => _store ?? throw new InvalidOperationException("The store is closed.");

    public override IEventJournal Journal => Store;

    public override ISnapshotStore Snapshots => Store;

    public override ILeaseStore Leases => Store.Leases;

    public override IReminderIndex Reminders => Store;

    public override void Reopen()
    {
        Close();
        _store = new SqliteStore(File);
    }

    public void Close()
    {
        _store?.Dispose();
        _store = null;
    }

    public override void Harm(PersistenceId id, long sequence, Damage damage)
    {
        var row = "stream=(SELECT key FROM streams WHERE entity='" + id.Entity + "') AND sequence=";
        Execute(damage switch
        {
            Damage.Payload => $"UPDATE events SET payload=x'00' WHERE {row}{sequence}",
            Damage.Name => $"UPDATE events SET name='counter.other.v1' WHERE {row}{sequence}",
            Damage.Actor => $"UPDATE events SET actor='somebody' WHERE {row}{sequence}",
            Damage.Time => $"UPDATE events SET time=time+1 WHERE {row}{sequence}",
            Damage.Command => $"UPDATE events SET command=zeroblob(16) WHERE {row}{sequence}",
            Damage.Removed => $"DELETE FROM events WHERE {row}{sequence}",
            Damage.Swapped => $"""
                UPDATE events SET sequence=-1 WHERE {row}{sequence};
                UPDATE events SET sequence={sequence} WHERE {row}{sequence + 1};
                UPDATE events SET sequence={sequence + 1} WHERE {row}-1;
                """,
            _ => throw new ArgumentOutOfRangeException(nameof(damage)),
        });
    }

    /// <summary>Runs SQL on the closed file and opens the store again.</summary>
    public void Execute(string sql)
    {
        Close();
        using (var database = new SqliteDatabase(File, readOnly: false))
        {
            database.Execute(sql);
        }

        _store = new SqliteStore(File);
    }

    public override void Dispose()
    {
        Close();
        _directory.Delete(recursive: true);
    }
}
