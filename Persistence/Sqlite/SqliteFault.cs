using ReplicationEngine.Actors.Journaling;
using SQLitePCL;

namespace ReplicationEngine.Persistence.Sqlite;

/// <summary>An error of the SQLite library; translated before it leaves this folder.</summary>
internal sealed class SqliteFault(string path, int code, string message)
    : Exception($"SQLite error {code} on {path}: {message}")
{
    private const int PrimaryMask = 0xff;

    private int Primary => code & PrimaryMask;

    /// <summary>No room on the disk, or the page limit is reached. The transaction was rolled back.</summary>
    public bool IsFull => Primary == raw.SQLITE_FULL;

    /// <summary>The file is damaged, or is no database.</summary>
    public bool IsCorruption => Primary is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB;

    /// <summary>What callers of the contracts get.</summary>
    public Exception Translate() => IsCorruption
        ? new JournalCorruptException(path, message)
        : new JournalUnavailableException($"The journal {path} failed: {message} (SQLite error {code}).", this);
}
