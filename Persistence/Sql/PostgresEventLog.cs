using System.Data.Common;
using Npgsql;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Persistence.Archives;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// Reads a journal in PostgreSQL. Numbers are given out before they are committed, so a feed by <c>ordering</c> alone
/// would miss the event of a transaction that stays open; this one is ordered by the transactions' ids and ends before
/// the oldest transaction that is still under way: it misses nothing, and numbers that were rolled back hold nobody up.
/// </summary>
internal sealed class PostgresEventLog(string name, NpgsqlDataSource source, ArchiveDirectory? archive)
    : SqlEventLog(name, archive)
{
    /// <inheritdoc/>
    public override bool ShowsAtOnce => false;

    /// <inheritdoc/>
    protected override string Feed =>
        "SELECT message, manifest, sequence_number, persistence_id, ordering, tx::text::bigint AS tx FROM journal "
        + "WHERE (journal.tx, ordering) > (@transaction::text::xid8, @ordering) "
        + "AND journal.tx < pg_snapshot_xmin(pg_current_snapshot()) "
        + "ORDER BY journal.tx, ordering LIMIT @most";

    /// <inheritdoc/>
    protected override string FeedEnd =>
        "SELECT ordering, tx::text::bigint FROM journal ORDER BY journal.tx DESC, ordering DESC LIMIT 1";

    /// <inheritdoc/>
    protected override string FeedCount =>
        "SELECT count(*) FROM journal WHERE (tx, ordering) > (@transaction::text::xid8, @ordering)";

    /// <summary>What callers of the contracts get for an error of the database.</summary>
    public static JournalUnavailableException Translate(string name, DbException exception) => new(
        $"The journal {name} failed: {exception.Message.ReplaceLineEndings(" ").TrimEnd('.')}.", exception);

    /// <inheritdoc/>
    protected override async Task<DbConnection> OpenAsync(CancellationToken cancellationToken) =>
        await source.OpenConnectionAsync(cancellationToken);

    /// <inheritdoc/>
    protected override Exception Translate(DbException exception) => Translate(Journal, exception);
}
