using ReplicationEngine.Actors.Journaling;
using SQLitePCL;

namespace ReplicationEngine.Persistence.Sqlite;

/// <summary>A prepared statement: bind from 1, step, read columns from 0, reset.</summary>
internal sealed class SqliteStatement(SqliteDatabase database, sqlite3_stmt handle) : IDisposable
{
    public SqliteStatement Bind(int index, long value)
    {
        database.Check(raw.sqlite3_bind_int64(handle, index, value));
        return this;
    }

    public SqliteStatement Bind(int index, string value)
    {
        database.Check(raw.sqlite3_bind_text(handle, index, value));
        return this;
    }

    public SqliteStatement Bind(int index, ReadOnlySpan<byte> value)
    {
        // An empty span has no address, and SQLite takes that for NULL.
        database.Check(value.IsEmpty
            ? raw.sqlite3_bind_zeroblob(handle, index, 0)
            : raw.sqlite3_bind_blob(handle, index, value));
        return this;
    }

    public SqliteStatement Bind(int index, ChainHash value)
    {
        Span<byte> bytes = stackalloc byte[ChainHash.Length];
        value.CopyTo(bytes);
        return Bind(index, bytes);
    }

    public SqliteStatement Bind(int index, Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        return Bind(index, bytes);
    }

    public SqliteStatement Bind(int index, DateTimeOffset? value)
    {
        database.Check(value is { } time
            ? raw.sqlite3_bind_int64(handle, index, time.UtcTicks)
            : raw.sqlite3_bind_null(handle, index));
        return this;
    }

    /// <summary>Steps to the next row; at the end, resets and answers false.</summary>
    public bool Step()
    {
        var code = raw.sqlite3_step(handle);
        if (code == raw.SQLITE_ROW)
        {
            return true;
        }

        if (code != raw.SQLITE_DONE)
        {
            // The message must be read before the reset clears it.
            try
            {
                database.Check(code);
            }
            finally
            {
                Reset();
            }
        }

        Reset();
        return false;
    }

    /// <summary>Runs a statement that gives no rows.</summary>
    public void Run()
    {
        if (Step())
        {
            Reset();
            throw new InvalidOperationException("The statement gave a row where none was expected.");
        }
    }

    /// <summary>Ends reading before the last row.</summary>
    public void Reset() => raw.sqlite3_reset(handle);

    public bool IsNull(int column) => raw.sqlite3_column_type(handle, column) == raw.SQLITE_NULL;

    public long Int64(int column) => raw.sqlite3_column_int64(handle, column);

    /// <summary>A text; the schema has no null texts, so one that is null is damage.</summary>
    public string Text(int column) => raw.sqlite3_column_text(handle, column).utf8_to_string()
        ?? throw new JournalCorruptException(database.Path, $"column {column} of a row has lost its text");

    /// <summary>The bytes; valid until the next step.</summary>
    public ReadOnlySpan<byte> Bytes(int column) => raw.sqlite3_column_blob(handle, column);

    /// <summary>A seal; a column of another length is damage, and no seal equals the answer.</summary>
    public ChainHash Hash(int column)
    {
        var bytes = Bytes(column);
        return bytes.Length == ChainHash.Length ? new ChainHash(bytes) : ChainHash.None;
    }

    public Guid Guid(int column)
    {
        var bytes = Bytes(column);
        return bytes.Length == 16 ? new Guid(bytes, bigEndian: true) : System.Guid.Empty;
    }

    public DateTimeOffset? Time(int column) => IsNull(column) ? null : TimeOf(Int64(column));

    /// <summary>Ticks outside the calendar are damage; they are clamped, and the seal shows it.</summary>
    public static DateTimeOffset TimeOf(long ticks) =>
        new(Math.Clamp(ticks, 0, DateTimeOffset.MaxValue.UtcTicks), TimeSpan.Zero);

    public void Dispose() => handle.Dispose();
}
