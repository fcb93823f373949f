namespace ReplicationEngine.DataPlane.Storage;

/// <summary>The mode in which a file is opened.</summary>
public enum StorageOpen
{
    /// <summary>The file must exist.</summary>
    Existing,

    /// <summary>The file must not exist.</summary>
    New,

    /// <summary>The file is created if it does not exist.</summary>
    Any,
}

/// <summary>
/// A directory of files: the only way in which data-plane code touches storage, so that the same code runs over real
/// and over simulated disks. Names are single path elements. Created, renamed and deleted names are durable after <see
/// cref="Sync"/>. Members are safe to call from several threads.
/// </summary>
/// <exception cref="StorageException">Thrown by any member if the system reports an error.</exception>
public interface IStorageDirectory
{
    /// <summary>The full path, for messages.</summary>
    string Path { get; }

    /// <summary>Opens a file for reading and writing.</summary>
    IStorageFile Open(string name, StorageOpen mode);

    /// <summary>Returns whether a file of this name exists.</summary>
    bool Exists(string name);

    /// <summary>Returns the names of the files in ordinal order.</summary>
    IReadOnlyList<string> List();

    /// <summary>Returns the names of the subdirectories in ordinal order.</summary>
    IReadOnlyList<string> ListDirectories();

    /// <summary>Deletes a file; does nothing if it does not exist.</summary>
    void Delete(string name);

    /// <summary>Renames a file, replacing a file of the new name.</summary>
    void Rename(string from, string to);

    /// <summary>Returns a subdirectory, created if it does not exist.</summary>
    IStorageDirectory Subdirectory(string name);

    /// <summary>Deletes a subdirectory with its content; does nothing if it does not exist.</summary>
    void DeleteSubdirectory(string name);

    /// <summary>Makes the names in this directory durable.</summary>
    void Sync();
}

/// <summary>
/// A file. Reads and writes are positional and may run in parallel from several threads. A write is durable after a
/// <see cref="Sync"/> that started after it ended. After a failed <see cref="Sync"/> the file is poisoned: every later
/// Sync fails too (I28), because the system may have dropped data that it could not write.
/// </summary>
/// <exception cref="StorageException">
/// Thrown by any member if the system reports an error; carries the errno.
/// </exception>
public interface IStorageFile : IDisposable
{
    /// <summary>The file's name, for messages.</summary>
    string Name { get; }

    /// <summary>The length of the file in bytes.</summary>
    long Length { get; }

    /// <summary>
    /// Whether the file is a block device, which does not report holes and whose length no write changes.
    /// </summary>
    bool IsBlockDevice => false;

    /// <summary>
    /// Reads at an offset; returns the number of bytes read, fewer than requested only at the end of the file.
    /// </summary>
    int Read(long offset, Span<byte> destination);

    /// <summary>Writes all bytes at an offset and extends the file if needed.</summary>
    void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Writes several consecutive buffers from an offset.</summary>
    void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> sources);

    /// <summary>Sets the length in bytes; new bytes are zero and use no space.</summary>
    void SetLength(long length);

    /// <summary>
    /// Allocates the space for a range, so that a later write into it cannot fail because the disk is full.
    /// </summary>
    void Allocate(long offset, long length);

    /// <summary>Makes a range read as zeroes and deallocates its space if the system supports it.</summary>
    void PunchHole(long offset, long length);

    /// <summary>Makes a range read as zeroes and keeps or makes its space allocated.</summary>
    void ZeroAllocated(long offset, long length)
    {
        PunchHole(offset, length);
        Allocate(offset, length);
    }

    /// <summary>
    /// Returns the first run from an offset: its length (at most to the end of the file) and whether it is a hole.
    /// </summary>
    (long Length, bool IsHole) NextRun(long offset);

    /// <summary>Makes all finished writes (and the length) durable.</summary>
    void Sync();

    /// <summary>Syncs like <see cref="Sync"/>, and also the file's times.</summary>
    void SyncTimes() => Sync();

    /// <summary>
    /// Drops the system's cached pages of the file's durable data. This is a hint that the data will not be read soon.
    /// </summary>
    void DropCached()
    {
    }
}

/// <summary>A storage operation failed; <see cref="Errno"/> is the system's own number (5 EIO, 28 ENOSPC, …).</summary>
public sealed class StorageException(string message, int errno, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>ENOSPC: no space left.</summary>
    public const int NoSpace = 28;

    /// <summary>EDQUOT: the disk quota is exhausted.</summary>
    public const int OverQuota = 122;

    /// <summary>EIO: an input or output error.</summary>
    public const int InputOutput = 5;

    /// <summary>The system's error number.</summary>
    public int Errno { get; } = errno;
}
