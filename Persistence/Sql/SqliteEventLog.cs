using System.Data.Common;
using Microsoft.Data.Sqlite;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Persistence.Archives;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// Reads a journal's SQLite file. SQLite has one writer, so the order of the rows is that of their commits.
/// </summary>
internal sealed class SqliteEventLog(string path, string connectionString, ArchiveDirectory archive)
    : SqlEventLog(path, archive)
{
    private const int NotADatabase = 26;
    private const int Corrupt = 11;

    /// <inheritdoc/>
    public override bool ShowsAtOnce => true;

    /// <inheritdoc/>
    protected override string Feed =>
        "SELECT message, manifest, sequence_number, persistence_id, ordering, 0 AS tx FROM journal "
        + "WHERE ordering>@ordering AND @transaction=0 ORDER BY ordering LIMIT @most";

    /// <inheritdoc/>
    protected override string FeedEnd => "SELECT ordering, 0 FROM journal ORDER BY ordering DESC LIMIT 1";

    /// <inheritdoc/>
    protected override string FeedCount =>
        "SELECT count(*) FROM journal WHERE ordering>@ordering AND @transaction=0";

    /// <summary>Translates an error of the library to an exception of the contracts.</summary>
    public static Exception Translate(string path, SqliteException exception) =>
        exception.SqliteErrorCode is NotADatabase or Corrupt
            ? new JournalCorruptException(path, exception.Message)
            : new JournalUnavailableException(
                $"The journal {path} failed: {exception.Message.TrimEnd('.')}.", exception);

    /// <inheritdoc/>
    protected override async Task<DbConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = new SqliteConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        return connection;
    }

    /// <inheritdoc/>
    protected override Exception Translate(DbException exception) => Translate(Journal, (SqliteException)exception);
}
