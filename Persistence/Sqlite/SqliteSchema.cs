// The journal's file. It is an SQLite 3 database (application id 0x52504A31, "RPJ1"; user version 2), so its pages are
// SQLite's; its tables are these.
//
//   events        the truth: rows are only ever added, one per event, by rising position
//     position    i64, the feed position: 1, 2, 3 … without gaps, in commit order
//     stream      i64, the key of the stream
//     sequence    i64, from 1
//     time        i64, UTC ticks (100 ns since 0001-01-01)
//     command     16 bytes, RFC 9562 order
//     name        text, the stored event name
//     actor       text
//     wake_due    i64 ticks or null, the earliest durable timer after this event's append
//     owes        0 or 1, whether effects were outstanding after it
//     hash        32 bytes, the seal (see EventChain)
//     payload     bytes
//   streams       key, (type, vault, entity) unique; sequence, hash, wake_due, owes as of the last index run
//   stream_index  (stream, sequence) -> position
//   commands      (stream, command) -> first, last sequence
//   progress      one row: the position up to which the three tables above are up to date
//   snapshots     stream -> version, sequence, hash, checksum (32 bytes), payload
//   leases        name -> owner, epoch, expires (UTC ticks)
//
// An append writes to `events` only (and a row of `streams` for a new stream): one table, at its end. Maintaining an
// index with every append would dirty a page per entity, which costs three quarters of the throughput when a thousand
// entities are busy. What the indexes do not know yet is kept in memory, rebuilt when the file is opened by reading
// the events above progress.indexed, and written in sorted order every IndexEvery events and on a clean stop.
namespace ReplicationEngine.Persistence.Sqlite;

/// <summary>Creates and checks the tables.</summary>
internal static class SqliteSchema
{
    public const int ApplicationId = 0x52504A31;
    public const int Version = 2;

    private const string Tables = """
        CREATE TABLE IF NOT EXISTS events (
          position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, sequence INTEGER NOT NULL, time INTEGER NOT NULL,
          command BLOB NOT NULL, name TEXT NOT NULL, actor TEXT NOT NULL, wake_due INTEGER, owes INTEGER NOT NULL,
          hash BLOB NOT NULL, payload BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS streams (
          key INTEGER PRIMARY KEY, type TEXT NOT NULL, vault TEXT NOT NULL, entity TEXT NOT NULL,
          sequence INTEGER NOT NULL, hash BLOB NOT NULL, wake_due INTEGER, owes INTEGER NOT NULL,
          UNIQUE (type, vault, entity));
        CREATE TABLE IF NOT EXISTS stream_index (
          stream INTEGER NOT NULL, sequence INTEGER NOT NULL, position INTEGER NOT NULL,
          PRIMARY KEY (stream, sequence)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS commands (
          stream INTEGER NOT NULL, command BLOB NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
          PRIMARY KEY (stream, command)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS progress (
          id INTEGER PRIMARY KEY CHECK (id = 1), indexed INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS snapshots (
          stream INTEGER PRIMARY KEY, version INTEGER NOT NULL, sequence INTEGER NOT NULL, hash BLOB NOT NULL,
          checksum BLOB NOT NULL, payload BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS leases (
          name TEXT PRIMARY KEY, owner TEXT NOT NULL, epoch INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
        INSERT OR IGNORE INTO progress (id, indexed) VALUES (1, 0);
        """;

    /// <summary>Prepares the writing connection: durable commits, and the tables.</summary>
    /// <exception cref="Actors.Journaling.JournalUnavailableException">The file belongs to something else or is
    /// newer.</exception>
    public static void Apply(SqliteDatabase database)
    {
        database.Execute("PRAGMA journal_mode=WAL");
        database.Execute("PRAGMA synchronous=FULL");
        database.Execute("PRAGMA wal_autocheckpoint=4000");
        database.Execute("PRAGMA cache_size=-16384");
        var application = Read(database, "PRAGMA application_id");
        var version = Read(database, "PRAGMA user_version");
        var tables = Read(database, "SELECT count(*) FROM sqlite_master");
        if ((application != ApplicationId || version != Version) && (application != 0 || version != 0 || tables != 0))
        {
            throw new Actors.Journaling.JournalUnavailableException(
                $"The file {database.Path} is not a journal of version {Version} (application {application:x8}, "
                + $"version {version}); choose another path or the engine's version that wrote it.");
        }

        database.Execute(
            $"BEGIN IMMEDIATE; PRAGMA application_id={ApplicationId}; PRAGMA user_version={Version}; {Tables} COMMIT;");
    }

    private static long Read(SqliteDatabase database, string sql)
    {
        var statement = database.Prepare(sql);
        statement.Step();
        var value = statement.Int64(0);
        statement.Reset();
        return value;
    }
}
