namespace ReplicationEngine.DataPlane.Storage;

/// <summary>How a file is opened.</summary>
public enum StorageOpen
{
    /// <summary>The file must exist.</summary>
    Existing,

    /// <summary>The file must not exist.</summary>
    New,

    /// <summary>The file is created when it does not exist.</summary>
    Any,
}

/// <summary>
/// A directory of files: the only way in which data-plane code touches storage, so that the same code runs over real
/// and over simulated disks. Names are single path elements. Created, renamed and deleted names are durable after <see
/// cref="Sync"/>. Members are safe to call from several threads.
/// </summary>
/// <exception cref="StorageException">Any member, when the system refuses.</exception>
public interface IStorageDirectory
{
    /// <summary>The full path, for messages.</summary>
    string Path { get; }

    /// <summary>Opens a file for reading and writing.</summary>
    IStorageFile Open(string name, StorageOpen mode);

    /// <summary>Whether a file of this name exists.</summary>
    bool Exists(string name);

    /// <summary>The names of the files in ordinal order.</summary>
    IReadOnlyList<string> List();

    /// <summary>The names of the subdirectories in ordinal order.</summary>
    IReadOnlyList<string> ListDirectories();

    /// <summary>Deletes a file; nothing happens when it does not exist.</summary>
    void Delete(string name);

    /// <summary>Renames a file, replacing one of the new name.</summary>
    void Rename(string from, string to);

    /// <summary>A subdirectory, created when it does not exist.</summary>
    IStorageDirectory Subdirectory(string name);

    /// <summary>Deletes a subdirectory and all in it; nothing happens when it does not exist.</summary>
    void DeleteSubdirectory(string name);

    /// <summary>Makes the names in this directory durable.</summary>
    void Sync();
}

/// <summary>
/// A file. Reads and writes are positional and may run in parallel from several threads. A write is durable after a
/// <see cref="Sync"/> that began after it ended. After a failed <see cref="Sync"/> the file is poisoned: every later
/// Sync fails too (I28), because the system may have dropped what it could not write.
/// </summary>
/// <exception cref="StorageException">Any member, when the system refuses; it carries the errno.</exception>
public interface IStorageFile : IDisposable
{
    /// <summary>The name, for messages.</summary>
    string Name { get; }

    /// <summary>The length in bytes.</summary>
    long Length { get; }

    /// <summary>Whether it is a block device, which cannot tell holes and never changes its length by a
    /// write.</summary>
    bool IsBlockDevice => false;

    /// <summary>
    /// Reads at a position; returns the bytes read, fewer than asked for only at the end of the file.
    /// </summary>
    int Read(long offset, Span<byte> destination);

    /// <summary>Writes all bytes at a position, extending the file when needed.</summary>
    void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Writes several buffers one after another from a position on.</summary>
    void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> sources);

    /// <summary>Sets the length; new bytes are zero and take no space.</summary>
    void SetLength(long length);

    /// <summary>Takes the space for a range, so that a later write into it cannot fail for want of space.</summary>
    void Allocate(long offset, long length);

    /// <summary>Makes a range read as zeroes and gives its space back where the system can.</summary>
    void PunchHole(long offset, long length);

    /// <summary>Makes a range read as zeroes and keeps its space taken, or takes it.</summary>
    void ZeroAllocated(long offset, long length)
    {
        PunchHole(offset, length);
        Allocate(offset, length);
    }

    /// <summary>
    /// The first run from an offset on: its length (at most to the end of the file) and whether it is a hole.
    /// </summary>
    (long Length, bool IsHole) NextRun(long offset);

    /// <summary>Makes all finished writes (and the length) durable.</summary>
    void Sync();

    /// <summary>As <see cref="Sync"/>, with the times that the file system keeps of the file.</summary>
    void SyncTimes() => Sync();

    /// <summary>
    /// A hint: nobody will read soon what is durable of this file, so the system's memory for it is better used again.
    /// </summary>
    void DropCached()
    {
    }
}

/// <summary>Storage refused; <see cref="Errno"/> is the system's own number (5 EIO, 28 ENOSPC, …).</summary>
public sealed class StorageException(string message, int errno, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>ENOSPC: no space left.</summary>
    public const int NoSpace = 28;

    /// <summary>EDQUOT.</summary>
    public const int OverQuota = 122;

    /// <summary>EIO.</summary>
    public const int InputOutput = 5;

    /// <summary>The system's error number.</summary>
    public int Errno { get; } = errno;
}
