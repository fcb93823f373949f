using System.Diagnostics;
using ReplicationEngine.Persistence.Sqlite;

namespace ReplicationEngine.Benchmarks.Journaling;

/// <summary>
/// The peer: prepared inserts into one table without any index, WAL, synchronous=FULL, else SQLite's defaults.
/// </summary>
internal static class RawSqlite
{
    /// <summary>Events per second.</summary>
    public static double Measure(string path, byte[] payload, int events, int perTransaction)
    {
        using var database = new SqliteDatabase(path, readOnly: false);
        database.Execute("PRAGMA journal_mode=WAL");
        database.Execute("PRAGMA synchronous=FULL");
        database.Execute("CREATE TABLE events (position INTEGER PRIMARY KEY, payload BLOB NOT NULL)");
        var insert = database.Prepare("INSERT INTO events (payload) VALUES (?1)");
        var begin = database.Prepare("BEGIN");
        var commit = database.Prepare("COMMIT");
        var start = Stopwatch.GetTimestamp();
        for (var written = 0; written < events; written += perTransaction)
        {
            begin.Run();
            for (var i = 0; i < perTransaction; i++)
            {
                insert.Bind(1, payload).Run();
            }

            commit.Run();
        }

        return events / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
