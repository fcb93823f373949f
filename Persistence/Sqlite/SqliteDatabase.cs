using ReplicationEngine.Actors.Journaling;
using SQLitePCL;

namespace ReplicationEngine.Persistence.Sqlite;

/// <summary>
/// One connection to the SQLite library, without the ADO.NET layer: on the append path that layer costs more than the
/// insert. Used by one thread at a time.
/// </summary>
internal sealed class SqliteDatabase : IDisposable
{
    private readonly sqlite3 _handle;
    private readonly List<SqliteStatement> _statements = [];

    static SqliteDatabase() => Batteries_V2.Init();

    /// <summary>Opens, or creates, the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="readOnly">It is neither created nor changed.</param>
    /// <param name="immutable">
    /// Nobody writes it and it is whole without a -wal file: no file beside it is needed or made.
    /// </param>
    /// <exception cref="JournalUnavailableException">It cannot be opened.</exception>
    public SqliteDatabase(string path, bool readOnly, bool immutable = false)
    {
        Path = path;
        var flags = raw.SQLITE_OPEN_NOMUTEX | (immutable ? raw.SQLITE_OPEN_URI : 0)
            | (readOnly ? raw.SQLITE_OPEN_READONLY : raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE);
        var escaped = Uri.EscapeDataString(path).Replace("%2F", "/", StringComparison.Ordinal);
        var code = raw.sqlite3_open_v2(immutable ? $"file:{escaped}?immutable=1" : path, out _handle, flags, null);
        if (code != raw.SQLITE_OK)
        {
            var message = raw.sqlite3_errmsg(_handle).utf8_to_string();
            _handle.Dispose();
            throw new JournalUnavailableException($"The journal {path} cannot be opened: {message}.");
        }

        raw.sqlite3_extended_result_codes(_handle, 1);
    }

    public string Path { get; }

    /// <summary>Runs statements that give no rows.</summary>
    public void Execute(string sql) => Check(raw.sqlite3_exec(_handle, sql));

    /// <summary>Prepares a statement that lives as long as the connection.</summary>
    public SqliteStatement Prepare(string sql)
    {
        Check(raw.sqlite3_prepare_v3(_handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out var statement));
        var prepared = new SqliteStatement(this, statement);
        _statements.Add(prepared);
        return prepared;
    }

    /// <summary>Whether a transaction is open.</summary>
    public bool InTransaction => raw.sqlite3_get_autocommit(_handle) == 0;

    /// <exception cref="SqliteFault">The code is not a success.</exception>
    public void Check(int code)
    {
        if (code is not (raw.SQLITE_OK or raw.SQLITE_ROW or raw.SQLITE_DONE))
        {
            throw new SqliteFault(Path, code, raw.sqlite3_errmsg(_handle).utf8_to_string());
        }
    }

    public void Dispose()
    {
        foreach (var statement in _statements)
        {
            statement.Dispose();
        }

        raw.sqlite3_close_v2(_handle);
        _handle.Dispose();
    }
}
