using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace ReplicationEngine.Benchmarks.Journaling;

/// <summary>
/// The peer: prepared inserts into one table without any index, WAL, synchronous=FULL, otherwise SQLite's defaults.
/// </summary>
internal static class RawSqlite
{
    /// <summary>Returns the events per second.</summary>
    public static double Measure(string path, byte[] payload, int events, int perTransaction)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        Execute(connection, "PRAGMA journal_mode=WAL");
        Execute(connection, "PRAGMA synchronous=FULL");
        Execute(connection, "CREATE TABLE events (position INTEGER PRIMARY KEY, payload BLOB NOT NULL)");
        using var insert = Prepare(connection, "INSERT INTO events (payload) VALUES ($payload)");
        insert.Parameters.AddWithValue("$payload", payload);
        using var begin = Prepare(connection, "BEGIN");
        using var commit = Prepare(connection, "COMMIT");
        var start = Stopwatch.GetTimestamp();
        for (var written = 0; written < events; written += perTransaction)
        {
            begin.ExecuteNonQuery();
            for (var i = 0; i < perTransaction; i++)
            {
                insert.ExecuteNonQuery();
            }

            commit.ExecuteNonQuery();
        }

        return events / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = Prepare(connection, sql);
        command.ExecuteNonQuery();
    }

    private static SqliteCommand Prepare(SqliteConnection connection, string sql)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        return command;
    }
}
