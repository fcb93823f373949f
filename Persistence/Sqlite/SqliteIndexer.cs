namespace ReplicationEngine.Persistence.Sqlite;

/// <summary>
/// Writes what the index tables lack, in their own order, in one transaction. Lives on the writer's thread.
/// </summary>
internal sealed class SqliteIndexer(SqliteDatabase database, StreamCatalog catalog, SqliteAppends appends)
{
    /// <summary>An index run pays off when it finds many events of each busy stream.</summary>
    public const int IndexEvery = 32_768;

    private readonly SqliteStatement _addIndex = database.Prepare(
        "INSERT INTO stream_index (stream, sequence, position) VALUES (?1, ?2, ?3)");

    private readonly SqliteStatement _addCommand = database.Prepare(
        "INSERT INTO commands (stream, command, first, last) VALUES (?1, ?2, ?3, ?4)");

    private readonly SqliteStatement _setHead = database.Prepare(
        "UPDATE streams SET sequence=?2, hash=?3, wake_due=?4, owes=?5 WHERE key=?1");

    private readonly SqliteStatement _setProgress = database.Prepare("UPDATE progress SET indexed=?1");
    private int _next = IndexEvery;

    /// <summary>Runs when it is due. For lack of room it is put off: the journal works without it.</summary>
    public void RunIfDue()
    {
        if (catalog.Unindexed >= _next)
        {
            _next = catalog.Unindexed + IndexEvery;
            Run();
            _next = IndexEvery;
        }
    }

    /// <summary>Runs now.</summary>
    /// <exception cref="SqliteFault">It was rolled back.</exception>
    public void Run()
    {
        var dirty = catalog.Dirty();
        if (dirty.Count == 0)
        {
            return;
        }

        database.Execute("BEGIN IMMEDIATE");
        foreach (var entry in dirty)
        {
            Write(entry);
        }

        _setProgress.Bind(1, appends.DurablePosition).Run();
        database.Execute("COMMIT");
        lock (catalog.Gate)
        {
            catalog.MarkIndexed(dirty);
        }
    }

    private void Write(StreamEntry entry)
    {
        var sequence = entry.Indexed;
        foreach (var position in entry.Tail)
        {
            _addIndex.Bind(1, entry.Key).Bind(2, ++sequence).Bind(3, position).Run();
        }

        foreach (var (command, (first, last)) in entry.Commands)
        {
            _addCommand.Bind(1, entry.Key).Bind(2, command.Value).Bind(3, first).Bind(4, last).Run();
        }

        _setHead
            .Bind(1, entry.Key)
            .Bind(2, entry.Head.Sequence)
            .Bind(3, entry.Head.Hash)
            .Bind(4, entry.Wake.NextDue)
            .Bind(5, entry.Wake.OwesEffects ? 1 : 0)
            .Run();
    }
}
