// The journal's file. It is an SQLite 3 database (application id 0x52504A32, "RPJ2"; user version 3), so its pages are
// SQLite's. Its tables are those that Akka.Persistence.Sql reads and writes, made here and not by the plugin, so that
// their keys are certain:
//
//   journal            authoritative, one row per event; a row is never changed, and only moves to the archive
//     ordering         i64, the feed position: rises in commit order, since SQLite has one writer
//     created          i64, when the row was written (ticks); not exposed
//     deleted          0; rows are never marked as deleted
//     persistence_id   text, type|vault|entity
//     sequence_number  i64, from 1; unique within the persistence id
//     message          bytes, the record (see Serialization/StoredRecordForm)
//     tags             ;command id; on the last event of a command, else empty; unique within the persistence id where
//                      it is not empty: a command has one effect (I19). The index begins with it: ids that rise with
//                      time, as clients' and timers' do, go to its end, and not to a page of each entity
//     manifest         text, the stored event's name
//     identifier       9001, the serializer
//     writer_uuid      text, the actor's life that wrote the row
//   snapshot           (persistence_id, sequence_number) -> created, snapshot, manifest, serializer_id
//   archive            the parts of streams that lie in sealed files of the archive; their rows are gone from journal
//     persistence_id, first_event, last_event
//     seal             bytes, of the last event
//     file             relative to the archive's directory
//     commands         bytes, a filter over the ids of their commands (see Archives/CommandFilter)
//
// At least the last command's events of every stream stay in the journal. Version 1 had no archive, and up to version 2
// the index of tags began with the persistence id; both are brought up to date when they are opened for writing.
//
// A file of the former form (application id "RPJ1") is recognised and refused.
using Microsoft.Data.Sqlite;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>Creates and checks the tables of a journal's SQLite file.</summary>
internal static class SqliteJournalSchema
{
    /// <summary>The application id of the file, "RPJ2".</summary>
    public const int ApplicationId = 0x52504A32;

    /// <summary>The version of the tables.</summary>
    public const int Version = 3;

    /// <summary>The table of archived parts.</summary>
    public const string ArchiveTable = "archive";

    /// <summary>The index that accepts each command once per stream.</summary>
    public const string CommandIndex = "journal_command";

    /// <summary>The id of the serializer whose records the tables hold.</summary>
    public const int SerializerId = 9001;

    /// <summary>
    /// The size of the write-ahead log, in pages, at which its content moves to the file (16 MiB), set on each
    /// connection that writes. A page that many transactions change moves once.
    /// </summary>
    public const string Checkpoints = "PRAGMA wal_autocheckpoint=4000";

    private const int FormerApplicationId = 0x52504A31;
    private const int FirstVersion = 1;
    private const int GenericError = 1;
    private const int Constraint = 19;
    private const int FirstWithArchive = 2;

    private const string Archive = """
        CREATE TABLE archive (
          persistence_id TEXT NOT NULL, first_event INTEGER NOT NULL, last_event INTEGER NOT NULL, seal BLOB NOT NULL,
          file TEXT NOT NULL, commands BLOB NOT NULL, PRIMARY KEY (persistence_id, first_event));
        """;

    private const string Tables = """
        CREATE TABLE journal (
          ordering INTEGER PRIMARY KEY AUTOINCREMENT, created INTEGER NOT NULL, deleted INTEGER NOT NULL,
          persistence_id TEXT NOT NULL, sequence_number INTEGER NOT NULL, message BLOB NOT NULL, tags TEXT,
          manifest TEXT, identifier INTEGER, writer_uuid TEXT);
        CREATE UNIQUE INDEX journal_stream ON journal (persistence_id, sequence_number);
        CREATE TABLE snapshot (
          persistence_id TEXT NOT NULL, sequence_number INTEGER NOT NULL, created INTEGER NOT NULL, snapshot BLOB,
          manifest TEXT, serializer_id INTEGER, PRIMARY KEY (persistence_id, sequence_number));
        """;

    /// <summary>The definition of <see cref="CommandIndex"/> before version 3.</summary>
    public const string FormerCommands =
        $"CREATE UNIQUE INDEX {CommandIndex} ON journal (persistence_id, tags) WHERE tags <> ''";

    private const string Commands =
        $"CREATE UNIQUE INDEX {CommandIndex} ON journal (tags, persistence_id) WHERE tags <> '';";

    /// <summary>Returns the text of the column <c>tags</c> on the last event of a command.</summary>
    public static string TagOf(CommandId command) => $";{TagTextOf(command)};";

    /// <summary>Returns the tag of a command, without separators.</summary>
    public static string TagTextOf(CommandId command) => command.Value.ToString("N");

    /// <summary>Creates the tables in an empty file, and checks a file that is not empty.</summary>
    /// <param name="connection">A connection open for writing.</param>
    /// <param name="path">The path of the file, for messages.</param>
    /// <returns>Whether the file has an archive.</returns>
    /// <exception cref="JournalUnavailableException">The file belongs to another application or has another
    /// version.</exception>
    public static bool Apply(SqliteConnection connection, string path)
    {
        // Both settings are properties of the file; SQLite's default of full synchronous commits holds for each
        // connection.
        Execute(connection, "PRAGMA journal_mode=WAL");
        if (Read(connection, "PRAGMA application_id") == 0 && Read(connection, "PRAGMA user_version") == 0
            && Read(connection, "SELECT count(*) FROM sqlite_master") == 0)
        {
            Execute(
                connection,
                $"BEGIN IMMEDIATE; PRAGMA application_id={ApplicationId}; PRAGMA user_version={Version}; {Tables} "
                + $"{Commands} {Archive} COMMIT;");
        }

        if (Read(connection, "PRAGMA application_id") == ApplicationId
            && Read(connection, "PRAGMA user_version") is var former and >= FirstVersion and < Version)
        {
            var missing = former < FirstWithArchive ? Archive : "";
            try
            {
                Execute(
                    connection,
                    $"BEGIN IMMEDIATE; {missing} DROP INDEX IF EXISTS {CommandIndex}; {Commands} "
                    + $"PRAGMA user_version={Version}; COMMIT;");
            }
            catch (SqliteException exception) when (exception.SqliteErrorCode is Constraint or GenericError)
            {
                throw new JournalUnavailableException(
                    $"The journal {path} of version {former} cannot be upgraded to version {Version} and is unchanged: "
                    + $"{exception.Message.TrimEnd('.')}. See `drctl journal verify --file {path}`.", exception);
            }
        }

        Check(connection, path);
        return Read(connection, "SELECT EXISTS (SELECT 1 FROM archive)") != 0;
    }

    /// <summary>Whether the file has a version with the table <c>archive</c>.</summary>
    public static bool HasArchive(SqliteConnection connection) =>
        Read(connection, "PRAGMA user_version") >= FirstWithArchive;

    /// <summary>Whether the file has this version.</summary>
    public static bool IsUpToDate(SqliteConnection connection) => Read(connection, "PRAGMA user_version") == Version;

    /// <summary>Checks that the file is a journal of this version, or of one that can be upgraded to it.</summary>
    /// <exception cref="JournalUnavailableException">The file belongs to another application or has another
    /// version.</exception>
    public static void Check(SqliteConnection connection, string path)
    {
        var application = Read(connection, "PRAGMA application_id");
        var version = Read(connection, "PRAGMA user_version");
        if (application == FormerApplicationId)
        {
            throw new JournalUnavailableException(
                $"The journal {path} was written by an earlier version of the engine, whose format this version does "
                + "not read; choose another data directory, or the version that wrote it.");
        }

        if (application != ApplicationId || version is < FirstVersion or > Version)
        {
            throw new JournalUnavailableException(
                $"The file {path} is not a journal of version {Version} (application {application:x8}, version "
                + $"{version}); choose another path or the engine's version that wrote it.");
        }
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static long Read(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }
}
