// A journal in PostgreSQL: the tables of SqliteJournalSchema, and
//
//   journal.tx      xid8, the id of the transaction that wrote the row: the feed's order (see PostgresEventLog). The
//                   plugin names its columns when it inserts, so the default fills this one.
//   engine_schema   one row: the version of these tables
//
// Persistence ids are compared by their bytes (collation "C"), as everywhere else.
using System.Globalization;
using Npgsql;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>Creates and checks the tables of a journal in PostgreSQL.</summary>
internal static class PostgresSchema
{
    /// <summary>The version of the tables.</summary>
    public const int Version = 3;

    private const int FirstVersion = 1;
    private const int FirstWithArchive = 2;

    private const string Tables = """
        CREATE TABLE journal (
          ordering BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, created BIGINT NOT NULL, deleted BOOLEAN NOT NULL,
          persistence_id VARCHAR(1024) COLLATE "C" NOT NULL, sequence_number BIGINT NOT NULL, message BYTEA NOT NULL,
          tags VARCHAR(100) COLLATE "C", manifest VARCHAR(500), identifier INTEGER, writer_uuid VARCHAR(128),
          tx XID8 NOT NULL DEFAULT pg_current_xact_id());
        CREATE UNIQUE INDEX journal_stream ON journal (persistence_id, sequence_number);
        CREATE INDEX journal_feed ON journal (tx, ordering);
        CREATE TABLE snapshot (
          persistence_id VARCHAR(1024) COLLATE "C" NOT NULL, sequence_number BIGINT NOT NULL, created BIGINT NOT NULL,
          snapshot BYTEA, manifest VARCHAR(500), serializer_id INTEGER, PRIMARY KEY (persistence_id, sequence_number));
        CREATE TABLE engine_schema (version INTEGER NOT NULL);
        """;

    private const string Archive = """
        CREATE TABLE archive (
          persistence_id VARCHAR(1024) COLLATE "C" NOT NULL, first_event BIGINT NOT NULL, last_event BIGINT NOT NULL,
          seal BYTEA NOT NULL, file VARCHAR(500) NOT NULL, commands BYTEA NOT NULL,
          PRIMARY KEY (persistence_id, first_event));
        """;

    private const string Commands =
        "CREATE UNIQUE INDEX journal_command ON journal (tags, persistence_id) WHERE tags <> ''";

    private const string VersionOf = "SELECT version::bigint FROM engine_schema";

    // What the journal relies on (I15, I18, I19), as reported by the database itself.
    private const string Essentials = """
        SELECT
          (SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid=i.indexrelid
           WHERE i.indrelid='journal'::regclass AND i.indisunique AND i.indisvalid
             AND c.relname IN ('journal_stream', 'journal_command')),
          (SELECT count(*) FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid=a.attrelid AND d.adnum=a.attnum
           WHERE a.attrelid='journal'::regclass AND a.attname='tx'
             AND pg_get_expr(d.adbin, d.adrelid)='pg_current_xact_id()')
        """;

    // A restored dump contains transaction ids of its old server that this server has not reached, and the feed would
    // wait for them. Its rows are put before all of this server's, in the order of their numbers.
    private const string OfAnotherServer = """
        SELECT count(*) FROM (
          SELECT 1 FROM journal WHERE tx >= pg_snapshot_xmax(pg_current_snapshot()) LIMIT 1) AS later
        """;

    /// <summary>Creates the tables in an empty database, and checks a database that is not empty.</summary>
    /// <returns>Whether the database has an archive.</returns>
    /// <exception cref="JournalUnavailableException">The database holds something else or another version, or lacks
    /// what the journal relies on.</exception>
    public static bool Apply(NpgsqlConnection connection, string name)
    {
        using var transaction = connection.BeginTransaction();
        Execute(connection, "SELECT pg_advisory_xact_lock(1380993586)");
        if (!IsThere(connection, "'engine_schema'"))
        {
            if (IsThere(connection, "'journal', 'snapshot'"))
            {
                throw new JournalUnavailableException(
                    $"The database {name} contains tables of another program; give the engine its own database.");
            }

            Execute(connection, Tables);
            Execute(connection, Commands);
            Execute(connection, Archive);
            Execute(
                connection,
                $"INSERT INTO engine_schema VALUES ({Version.ToString(CultureInfo.InvariantCulture)})");
        }
        else if (Read(connection, VersionOf) is var former and >= FirstVersion and < Version)
        {
            if (former < FirstWithArchive)
            {
                Execute(connection, Archive);
            }

            Execute(connection, "SET LOCAL statement_timeout = 0");
            Execute(connection, $"DROP INDEX IF EXISTS journal_command; {Commands}");
            Execute(
                connection,
                $"UPDATE engine_schema SET version={Version.ToString(CultureInfo.InvariantCulture)}");
        }

        Check(connection, name);
        if (Read(connection, OfAnotherServer) > 0)
        {
            Execute(connection, "SET LOCAL statement_timeout = 0");
            Execute(connection, "UPDATE journal SET tx = '3'");
        }

        transaction.Commit();
        return Read(connection, "SELECT count(*) FROM (SELECT 1 FROM archive LIMIT 1) AS any_part") != 0;
    }

    /// <summary>Whether the database has a version with the table <c>archive</c>.</summary>
    public static bool HasArchive(NpgsqlConnection connection) => Read(connection, VersionOf) >= FirstWithArchive;

    /// <summary>
    /// Checks, without changes, that a database is a journal of this version or of one that can be upgraded to it.
    /// </summary>
    /// <exception cref="JournalUnavailableException">The database is not such a journal, or lacks what the journal
    /// relies on.</exception>
    public static void Check(NpgsqlConnection connection, string name)
    {
        if (!IsThere(connection, "'engine_schema'"))
        {
            throw new JournalUnavailableException(
                $"The database {name} contains no journal; name the one given to `drctl serve --postgres`.");
        }

        var version = Read(connection, VersionOf);
        if (version is < FirstVersion or > Version)
        {
            throw new JournalUnavailableException(
                $"The journal {name} has version {version.ToString(CultureInfo.InvariantCulture)}, not "
                + $"{Version.ToString(CultureInfo.InvariantCulture)}; use the engine's version that wrote it.");
        }

        using var command = new NpgsqlCommand(Essentials, connection);
        using var row = command.ExecuteReader();
        row.Read();
        if (row.GetInt64(0) != 2 || row.GetInt64(1) != 1)
        {
            throw new JournalUnavailableException(
                $"The journal {name} lacks a unique index (journal_stream, journal_command) or the column tx with "
                + "its default; restore the database from a backup.");
        }
    }

    private static bool IsThere(NpgsqlConnection connection, string tables) => Read(
        connection,
        $"SELECT count(*) FROM pg_class WHERE relname IN ({tables}) "
        + "AND relnamespace=current_schema()::regnamespace") > 0;

    private static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }

    private static long Read(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar() as long? ?? throw new JournalUnavailableException(
            "The journal's table engine_schema has no row with its version; restore the database from a backup.");
    }
}
