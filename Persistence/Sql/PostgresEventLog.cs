using System.Data.Common;
using Npgsql;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Persistence.Archives;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// Reads a journal in PostgreSQL. Numbers are assigned before they are committed, so a feed ordered by <c>ordering</c>
/// alone would miss the event of a transaction that stays open. This feed is ordered by transaction id and ends before
/// the oldest open transaction: it misses nothing, and rolled-back numbers block no reader.
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

    /// <summary>Translates an error of the database to an exception of the contracts.</summary>
    public static JournalUnavailableException Translate(string name, DbException exception) => new(
        $"The journal {name} failed: {exception.Message.ReplaceLineEndings(" ").TrimEnd('.')}.", exception);

    /// <inheritdoc/>
    protected override async Task<DbConnection> OpenAsync(CancellationToken cancellationToken) =>
        await source.OpenConnectionAsync(cancellationToken);

    /// <inheritdoc/>
    protected override Exception Translate(DbException exception) => Translate(Journal, exception);
}
