using Microsoft.Data.Sqlite;
using ReplicationEngine.Persistence.Sql;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// Checks the parts of a journal's file that are not in any event: its pages, its tables, the indexes that enforce
/// unique keys, and the counter of positions, which reveals events truncated from the end. Everything runs in one read
/// transaction, so a running service is seen between two commits.
/// </summary>
internal sealed class SqliteFileCheck(ReadOnlyDatabase database)
{
    private const string Definitions = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL";

    private readonly List<JournalDamage> _damages = [];

    /// <summary>Runs all checks.</summary>
    /// <exception cref="SqliteException">The file cannot be read.</exception>
    public IReadOnlyList<JournalDamage> Run()
    {
        database.AtOneMoment(() =>
        {
            CheckPages();
            if (_damages.Count == 0)
            {
                CheckTables();
                CheckCounter();
            }
        });
        return _damages;
    }

    /// <summary>Runs the checks that do not read the whole file.</summary>
    /// <exception cref="SqliteException">The file cannot be read.</exception>
    public IReadOnlyList<JournalDamage> RunAtEnd()
    {
        database.AtOneMoment(() =>
        {
            CheckTables();
            CheckCounter();
        });
        return _damages;
    }

    // Also compares the indexes with the table, row by row.
    private void CheckPages()
    {
        foreach (var line in database.Rows("PRAGMA integrity_check(5)", row => row.GetString(0)))
        {
            if (line != "ok")
            {
                _damages.Add(JournalDamage.Of(
                    DamageKind.File, $"SQLite finds the file {database.Path} damaged: {line}"));
            }
        }
    }

    private void CheckTables()
    {
        var there = database.Rows(Definitions, Definition).ToDictionary(
            item => (item.Type, item.Name), item => item.Sql);
        var expected = Expected();
        if (!SqliteJournalSchema.HasArchive(database.Connection))
        {
            expected.RemoveAll(item => item.Name == SqliteJournalSchema.ArchiveTable);
        }

        var isFormer = !SqliteJournalSchema.IsUpToDate(database.Connection);
        foreach (var (type, name, sql) in expected)
        {
            if (!there.TryGetValue((type, name), out var found))
            {
                _damages.Add(JournalDamage.Of(DamageKind.Table, $"the {type} '{name}' is missing"));
            }
            else if (found != (isFormer && name == SqliteJournalSchema.CommandIndex
                ? SqliteJournalSchema.FormerCommands : sql))
            {
                _damages.Add(JournalDamage.Of(DamageKind.Table, $"the {type} '{name}' differs from the schema"));
            }
        }
    }

    private static List<(string Type, string Name, string Sql)> Expected()
    {
        using var memory = new SqliteConnection("Data Source=:memory:");
        memory.Open();
        SqliteJournalSchema.Apply(memory, ":memory:");
        using var command = memory.CreateCommand();
        command.CommandText = Definitions;
        return ReadOnlyDatabase.Rows(command, Definition);
    }

    private static (string Type, string Name, string Sql) Definition(SqliteDataReader row) =>
        (row.GetString(0), row.GetString(1), string.Join(
            ' ', row.GetString(2).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));

    // SQLite increments the counter in the transaction of the rows: a position that was assigned and has no row had
    // one.
    private void CheckCounter()
    {
        var last = database.Number("SELECT max(ordering) FROM journal") ?? 0;
        var given = database.Number("SELECT seq FROM sqlite_sequence WHERE name='journal'") ?? 0;
        if (given > last)
        {
            _damages.Add(new JournalDamage(
                DamageKind.Feed, null, null, null, last + 1,
                $"the feed ends at position {last}, but positions up to {given} were assigned: the end was cut off"));
        }
        else if (given < last)
        {
            _damages.Add(new JournalDamage(
                DamageKind.Feed, null, null, null, given + 1,
                $"positions up to {given} were assigned, but the feed ends at position {last}"));
        }
    }
}
