using Microsoft.Data.Sqlite;
using ReplicationEngine.Actors.Journaling;
using SQLitePCL;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// A SQLite file opened read-only. <see cref="Guard{T}"/> and <see cref="Translate"/> translate the library's
/// exceptions. Not thread-safe.
/// </summary>
internal sealed class ReadOnlyDatabase : IDisposable
{
    private const int PrimaryMask = 0xff;
    private const int BusySeconds = 5;

    private readonly SqliteConnection _connection;
    private readonly List<SqliteCommand> _commands = [];
    private bool _held;

    private ReadOnlyDatabase(string path, bool immutable)
    {
        Path = path;
        var escaped = Uri.EscapeDataString(path).Replace("%2F", "/", StringComparison.Ordinal);
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = immutable ? $"file:{escaped}?immutable=1" : path,
            Mode = SqliteOpenMode.ReadOnly,
            Pooling = false,
            DefaultTimeout = BusySeconds,
        }.ToString());
        try
        {
            _connection.Open();
        }
        catch (SqliteException)
        {
            _connection.Dispose();
            throw;
        }
    }

    /// <summary>The path of the file.</summary>
    public string Path { get; }

    /// <summary>The connection to the file.</summary>
    public SqliteConnection Connection => _connection;

    /// <summary>Opens a file.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="alone">Whether no other process writes the file; then no files are created next to it unless they
    /// are needed.</param>
    /// <exception cref="JournalCorruptException">The file is damaged.</exception>
    /// <exception cref="JournalUnavailableException">The file cannot be opened.</exception>
    public static ReadOnlyDatabase Open(string path, bool alone)
    {
        var whole = System.IO.Path.GetFullPath(path);
        if (RegularFile.IsMissing(whole))
        {
            throw new JournalUnavailableException($"The file {path} is not a journal: {RegularFile.Missing}.");
        }

        try
        {
            return alone && new FileInfo(whole + "-wal") is not { Exists: true, Length: > 0 }
                ? new ReadOnlyDatabase(whole, immutable: true) : OpenShared(whole);
        }
        catch (SqliteException exception)
        {
            throw Translate(whole, exception);
        }
    }

    /// <summary>Translates an error of the SQLite library to an exception of the contracts.</summary>
    public static Exception Translate(string path, SqliteException exception)
    {
        var message = exception.Message.TrimEnd('.');
        return (exception.SqliteErrorCode & PrimaryMask) is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB
            ? new JournalCorruptException(path, message)
            : new JournalUnavailableException($"The journal {path} failed: {message}.", exception);
    }

    /// <summary>Runs work that reads the file.</summary>
    /// <exception cref="JournalCorruptException">The file is damaged.</exception>
    /// <exception cref="JournalUnavailableException">The file cannot be read.</exception>
    public T Guard<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (SqliteException exception)
        {
            throw Translate(Path, exception);
        }
    }

    /// <summary>
    /// Freezes the view: everything read from now on sees the file as it is now. A process that writes the file
    /// continues; its writes stay in the write-ahead log until this object is disposed.
    /// </summary>
    /// <exception cref="SqliteException">The file cannot be read.</exception>
    public void Hold()
    {
        Run("BEGIN");
        _held = true;
    }

    /// <summary>Runs work that sees the file at a single moment.</summary>
    /// <exception cref="SqliteException">The file cannot be read.</exception>
    public void AtOneMoment(Action work)
    {
        if (_held)
        {
            work();
            return;
        }

        Run("BEGIN");
        try
        {
            work();
        }
        finally
        {
            Run("ROLLBACK");
        }
    }

    /// <summary>Prepares a command that lives as long as the connection.</summary>
    /// <param name="sql">The SQL text, with the parameters $1, $2 and so on.</param>
    /// <param name="parameters">The number of parameters, which are all integers.</param>
    public SqliteCommand Prepare(string sql, int parameters)
    {
        var command = _connection.CreateCommand();
        _commands.Add(command);
        command.CommandText = sql;
        for (var number = 1; number <= parameters; number++)
        {
            command.Parameters.Add($"${number}", SqliteType.Integer);
        }

        return command;
    }

    /// <summary>Runs a command and returns its rows, each converted to a value.</summary>
    /// <exception cref="SqliteException">The file cannot be read.</exception>
    public static List<T> Rows<T>(SqliteCommand command, Func<SqliteDataReader, T> read, params long[] parameters)
    {
        foreach (var (index, value) in parameters.Index())
        {
            command.Parameters[index].Value = value;
        }

        var rows = new List<T>();
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    /// <summary>
    /// Runs an SQL text with the parameters $1, $2 and so on, and returns its rows, each converted to a value.
    /// </summary>
    /// <exception cref="SqliteException">The file cannot be read.</exception>
    public List<T> Rows<T>(string sql, Func<SqliteDataReader, T> read, params object[] parameters)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (index, value) in parameters.Index())
        {
            command.Parameters.AddWithValue($"${index + 1}", value);
        }

        return Rows(command, read);
    }

    /// <summary>Runs an SQL text and returns its single number; null when there is no row.</summary>
    /// <exception cref="SqliteException">The file cannot be read.</exception>
    public long? Number(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() is long number ? number : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var command in _commands)
        {
            command.Dispose();
        }

        _connection.Dispose();
    }

    // A journal in WAL mode needs its -shm file, which may be missing in a directory that is not writable. Without a
    // -wal file the main file is complete, and SQLite can be told that no other process writes it.
    private static ReadOnlyDatabase OpenShared(string path)
    {
        var database = new ReadOnlyDatabase(path, immutable: false);
        try
        {
            database.Number("SELECT count(*) FROM sqlite_master");
            return database;
        }
        catch (SqliteException)
        {
            database.Dispose();
            if (File.Exists(path + "-wal"))
            {
                throw;
            }

            return new ReadOnlyDatabase(path, immutable: true);
        }
    }

    private void Run(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
