using Microsoft.Data.Sqlite;
using ReplicationEngine.Actors.Journaling;
using SQLitePCL;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// A SQLite file that is only read. What the library throws is translated by <see cref="Guard{T}"/> and
/// <see cref="Translate"/>. For one thread.
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

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The connection.</summary>
    public SqliteConnection Connection => _connection;

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="alone">Nobody writes it meanwhile: where nothing but the file is needed, nothing is made next to
    /// it.</param>
    /// <exception cref="JournalCorruptException">It is damaged.</exception>
    /// <exception cref="JournalUnavailableException">It cannot be opened.</exception>
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

    /// <summary>What callers of the contracts get instead of an error of the SQLite library.</summary>
    public static Exception Translate(string path, SqliteException exception)
    {
        var message = exception.Message.TrimEnd('.');
        return (exception.SqliteErrorCode & PrimaryMask) is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB
            ? new JournalCorruptException(path, message)
            : new JournalUnavailableException($"The journal {path} failed: {message}.", exception);
    }

    /// <summary>Does work that reads.</summary>
    /// <exception cref="JournalCorruptException">The file is damaged.</exception>
    /// <exception cref="JournalUnavailableException">It cannot be read.</exception>
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
    /// Has everything from now on see the file as it is now. A process that writes it goes on; what it writes stays in
    /// the write-ahead log until this is closed.
    /// </summary>
    /// <exception cref="SqliteException">Reading failed.</exception>
    public void Hold()
    {
        Run("BEGIN");
        _held = true;
    }

    /// <summary>Does work that sees the file as it is at one moment.</summary>
    /// <exception cref="SqliteException">Reading failed.</exception>
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

    /// <summary>A command that lives as long as the connection.</summary>
    /// <param name="sql">Its text, with the parameters $1, $2 and so on.</param>
    /// <param name="parameters">How many parameters it has, all of them whole numbers.</param>
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

    /// <summary>The rows that a command gives, each turned into a value.</summary>
    /// <exception cref="SqliteException">Reading failed.</exception>
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
    /// The rows that a text of SQL with the parameters $1, $2 and so on gives, each turned into a value.
    /// </summary>
    /// <exception cref="SqliteException">Reading failed.</exception>
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

    /// <summary>The one number that a text of SQL gives; null when it gives none.</summary>
    /// <exception cref="SqliteException">Reading failed.</exception>
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

    // A journal in WAL mode needs its -shm file, which a directory that cannot be written may lack; without a -wal file
    // nothing is missing from the main file, and SQLite may be told that nobody writes it.
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
