using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Sqlite;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// Compares the tables that the indexer derives from the events with the events, in one read transaction, so that an
/// index run of a service meanwhile is seen whole or not at all.
/// </summary>
internal sealed class SqliteProjectionCheck(SqliteDatabase database, Func<long, PersistenceId> idOf)
{
    private const int MostOfOneKind = 20;
    private readonly List<JournalDamage> _damage = [];

    public IReadOnlyList<JournalDamage> Run()
    {
        database.Execute("BEGIN");
        CheckPages();
        if (_damage.Count == 0)
        {
            var indexed = Number("SELECT coalesce(max(indexed), -1) FROM progress");
            CheckProgress(indexed);
            CheckIndex(indexed);
            CheckHeads();
            CheckCommands(indexed);
        }

        database.Execute("COMMIT");
        return _damage;
    }

    /// <summary>What can be said from the end of the feed and the heads of the streams alone.</summary>
    public IReadOnlyList<JournalDamage> RunAtEnd()
    {
        database.Execute("BEGIN");
        var indexed = Number("SELECT coalesce(max(indexed), -1) FROM progress");
        CheckProgress(indexed);
        if (_damage.Count == 0)
        {
            CheckTail(indexed);
            CheckHeads();
        }

        database.Execute("COMMIT");
        return _damage;
    }

    private void CheckTail(long indexed)
    {
        var last = Number("SELECT coalesce(max(position), 0) FROM events");
        var there = Number($"SELECT count(*) FROM events WHERE position>{indexed}");
        if (there != last - indexed)
        {
            _damage.Add(JournalDamage.Of(
                DamageKind.Feed,
                $"the feed has {there} events behind position {indexed} and ends at {last}: some are missing"));
        }
    }

    private void CheckPages()
    {
        var rows = database.Prepare("PRAGMA quick_check(5)");
        while (rows.Step())
        {
            if (rows.Text(0) is var line && line != "ok")
            {
                _damage.Add(JournalDamage.Of(
                    DamageKind.File, $"SQLite finds the file {database.Path} damaged: {line}"));
            }
        }
    }

    private void CheckProgress(long indexed)
    {
        var last = Number("SELECT coalesce(max(position), 0) FROM events");
        if (indexed < 0)
        {
            _damage.Add(JournalDamage.Of(DamageKind.Projection, "the row of progress is missing"));
        }
        else if (indexed > last)
        {
            _damage.Add(new JournalDamage(
                DamageKind.Feed, null, null, null, last + 1,
                $"the feed ends at position {last}, but its events up to {indexed} were indexed: the end was cut off"));
        }
    }

    private void CheckIndex(long indexed)
    {
        Each(
            "SELECT i.stream, i.sequence, i.position FROM stream_index i LEFT JOIN events e ON e.position=i.position "
            + "WHERE e.position IS NULL OR e.stream<>i.stream OR e.sequence<>i.sequence "
            + "ORDER BY i.stream, i.sequence",
            row => new JournalDamage(
                DamageKind.Projection, idOf(row.Int64(0)), row.Int64(1), null, row.Int64(2),
                $"the index says it stands at position {row.Int64(2)}, where another event or none stands"));
        var rows = Number("SELECT count(*) FROM stream_index");
        var events = Number($"SELECT count(*) FROM events WHERE position<={indexed}");
        if (rows != events)
        {
            _damage.Add(JournalDamage.Of(
                DamageKind.Projection,
                $"the index has {rows} rows for the {events} events up to position {indexed}"));
        }
    }

    private void CheckHeads() => Each(
        "SELECT s.key, s.sequence, s.hash, e.hash FROM streams s "
        + "LEFT JOIN stream_index i ON i.stream=s.key AND i.sequence=s.sequence "
        + "LEFT JOIN events e ON e.position=i.position "
        + "WHERE s.sequence>0 AND (e.hash IS NULL OR e.hash<>s.hash OR "
        + "EXISTS (SELECT 1 FROM stream_index n WHERE n.stream=s.key AND n.sequence>s.sequence)) ORDER BY s.key",
        row => new JournalDamage(
            DamageKind.Projection, idOf(row.Int64(0)), row.Int64(1), null, null,
            "the stored head of the stream does not agree with its events"));

    private void CheckCommands(long indexed)
    {
        Each(
            "SELECT c.stream, c.first FROM commands c "
            + "LEFT JOIN stream_index f ON f.stream=c.stream AND f.sequence=c.first "
            + "LEFT JOIN events a ON a.position=f.position "
            + "LEFT JOIN stream_index l ON l.stream=c.stream AND l.sequence=c.last "
            + "LEFT JOIN events b ON b.position=l.position "
            + "WHERE a.command IS NULL OR b.command IS NULL OR a.command<>c.command OR b.command<>c.command "
            + "ORDER BY c.stream, c.first",
            row => new JournalDamage(
                DamageKind.Projection, idOf(row.Int64(0)), row.Int64(1), null, null,
                "the table of commands says that another command led to it"));
        var covered = Number("SELECT coalesce(sum(last-first+1), 0) FROM commands");
        var events = Number($"SELECT count(*) FROM events WHERE position<={indexed}");
        if (covered != events)
        {
            _damage.Add(JournalDamage.Of(
                DamageKind.Projection,
                $"the table of commands covers {covered} of the {events} events up to position {indexed}"));
        }
    }

    private void Each(string sql, Func<SqliteStatement, JournalDamage> damage)
    {
        var rows = database.Prepare($"{sql} LIMIT {MostOfOneKind}");
        while (rows.Step())
        {
            _damage.Add(damage(rows));
        }
    }

    private long Number(string sql)
    {
        var statement = database.Prepare(sql);
        statement.Step();
        var number = statement.Int64(0);
        statement.Reset();
        return number;
    }
}
