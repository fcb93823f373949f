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
    public const int Version = 1;

    private const string Tables = """
        CREATE TABLE journal (
          ordering BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, created BIGINT NOT NULL, deleted BOOLEAN NOT NULL,
          persistence_id VARCHAR(1024) COLLATE "C" NOT NULL, sequence_number BIGINT NOT NULL, message BYTEA NOT NULL,
          tags VARCHAR(100) COLLATE "C", manifest VARCHAR(500), identifier INTEGER, writer_uuid VARCHAR(128),
          tx XID8 NOT NULL DEFAULT pg_current_xact_id());
        CREATE UNIQUE INDEX journal_stream ON journal (persistence_id, sequence_number);
        CREATE UNIQUE INDEX journal_command ON journal (persistence_id, tags) WHERE tags <> '';
        CREATE INDEX journal_feed ON journal (tx, ordering);
        CREATE TABLE snapshot (
          persistence_id VARCHAR(1024) COLLATE "C" NOT NULL, sequence_number BIGINT NOT NULL, created BIGINT NOT NULL,
          snapshot BYTEA, manifest VARCHAR(500), serializer_id INTEGER, PRIMARY KEY (persistence_id, sequence_number));
        CREATE TABLE engine_schema (version INTEGER NOT NULL);
        """;

    // What everything above the journal stands on (I15, I18, I19), as the database itself tells it.
    private const string Essentials = """
        SELECT
          (SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid=i.indexrelid
           WHERE i.indrelid='journal'::regclass AND i.indisunique AND i.indisvalid
             AND c.relname IN ('journal_stream', 'journal_command')),
          (SELECT count(*) FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid=a.attrelid AND d.adnum=a.attnum
           WHERE a.attrelid='journal'::regclass AND a.attname='tx'
             AND pg_get_expr(d.adbin, d.adrelid)='pg_current_xact_id()')
        """;

    /// <summary>Sets an empty database up, and checks one that is not.</summary>
    /// <exception cref="JournalUnavailableException">It holds something else, or another version, or lacks what the
    /// journal stands on.</exception>
    public static void Apply(NpgsqlConnection connection, string name)
    {
        using var transaction = connection.BeginTransaction();
        Execute("SELECT pg_advisory_xact_lock(0x52504A32)");
        if (Read("SELECT count(*) FROM pg_class WHERE relname='engine_schema' AND relnamespace=current_schema()::regnamespace")
            == 0)
        {
            if (Read("SELECT count(*) FROM pg_class WHERE relname IN ('journal', 'snapshot') "
                + "AND relnamespace=current_schema()::regnamespace") > 0)
            {
                throw new JournalUnavailableException(
                    $"The database {name} holds tables of another program; give the engine a database of its own.");
            }

            Execute(Tables);
            Execute($"INSERT INTO engine_schema VALUES ({Version.ToString(CultureInfo.InvariantCulture)})");
        }

        var version = Read("SELECT version::bigint FROM engine_schema");
        if (version != Version)
        {
            throw new JournalUnavailableException(
                $"The journal {name} has version {version.ToString(CultureInfo.InvariantCulture)}, read is "
                + $"{Version.ToString(CultureInfo.InvariantCulture)}; use the engine's version that wrote it.");
        }

        Check();
        transaction.Commit();

        void Check()
        {
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

        void Execute(string sql)
        {
            using var command = new NpgsqlCommand(sql, connection);
            command.ExecuteNonQuery();
        }

        long Read(string sql)
        {
            using var command = new NpgsqlCommand(sql, connection);
            return (long)command.ExecuteScalar()!;
        }
    }
}
