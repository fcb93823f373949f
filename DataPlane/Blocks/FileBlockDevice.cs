using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Blocks;

/// <summary>
/// A disk that is a regular file or a block device of this machine. The size is the file's size when it was opened.
/// Owns the file. Safe for many threads, as the underlying file is.
/// </summary>
/// <remarks>
/// Durability (I3, I28): <see cref="Flush"/> syncs the file. After one failed sync all later ones fail.
/// </remarks>
public sealed class FileBlockDevice : IBlockDevice
{
    /// <summary>
    /// The number of bytes below which writing zeroes costs less than changing the file's allocation twice.
    /// </summary>
    private const int SmallZeroes = 64 << 10;

    private static readonly byte[] Zeroes = new byte[1 << 20];

    private readonly IStorageFile _file;
    private readonly bool _readOnly;
    private volatile bool _cannotAllocate;

    /// <summary>Creates a disk from an open file and takes ownership of the file.</summary>
    public FileBlockDevice(IStorageFile file, bool readOnly = false)
    {
        _file = file;
        _readOnly = readOnly;
        Length = file.Length;
    }

    /// <inheritdoc/>
    public long Length { get; }

    /// <inheritdoc/>
    public long UsableLength => Math.Min(Length, _file.Length);

    /// <inheritdoc/>
    /// <remarks>A block device may implement zeroing by writing, without reporting it.</remarks>
    public bool HasFastZeroes => !_cannotAllocate && !_file.IsBlockDevice;

    /// <summary>Opens an existing file or block device as a disk.</summary>
    /// <exception cref="StorageException">The file does not exist or may not be opened.</exception>
    public static FileBlockDevice Open(string path, bool readOnly = false)
    {
        var access = readOnly ? FileAccess.Read : FileAccess.ReadWrite;
        return new FileBlockDevice(FileStorageDirectory.OpenPath(path, FileMode.Open, access), readOnly);
    }

    /// <inheritdoc/>
    public void Read(long offset, Span<byte> destination)
    {
        CheckRange(offset, destination.Length);
        int read;
        try
        {
            read = _file.Read(offset, destination);
        }
        catch (StorageException e)
        {
            throw Translate(e);
        }

        if (read < destination.Length)
        {
            throw new BlockDeviceException(
                $"'{_file.Name}' ends at {offset + read}, but had {Length} bytes when opened; another program "
                    + "truncated it",
                BlockDeviceException.InputOutput);
        }
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<BlockChange> changes)
    {
        if (_readOnly)
        {
            throw new BlockDeviceException($"'{_file.Name}' was opened read-only", BlockDeviceException.NotPermitted);
        }

        var durable = false;
        var end = 0L;
        foreach (var change in changes)
        {
            CheckRange(change.Offset, change.Length);
            durable |= change.ForceUnitAccess;
            end = Math.Max(end, change.Offset + change.Length);
        }

        try
        {
            CheckUsable(end);
            for (var i = 0; i < changes.Length;)
            {
                i += WriteRun(changes[i..]);
            }

            if (durable)
            {
                _file.Sync();
            }
        }
        catch (StorageException e)
        {
            throw Translate(e);
        }
    }

    /// <inheritdoc/>
    public void DropCached() => _file.DropCached();

    /// <inheritdoc/>
    public void Flush() => Synced(_file.Sync);

    /// <inheritdoc/>
    public void FlushTimes() => Synced(_file.SyncTimes);

    private static void Synced(Action sync)
    {
        try
        {
            sync();
        }
        catch (StorageException e)
        {
            throw Translate(e);
        }
    }

    /// <inheritdoc/>
    public AllocatedRun NextRun(long offset, long length)
    {
        CheckRange(offset, length);
        try
        {
            var (run, isHole) = _file.IsBlockDevice ? (length, false) : _file.NextRun(offset);

            // A file truncated from outside has no run here; a read of it reports the error.
            return run == 0
                ? new AllocatedRun(length, AllocationState.Data)
                : new AllocatedRun(Math.Min(run, length), isHole ? AllocationState.Hole : AllocationState.Data);
        }
        catch (StorageException e)
        {
            throw Translate(e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>
    /// Applies the first change and the changes after it that continue its range. Returns the number of changes
    /// applied.
    /// </summary>
    private int WriteRun(ReadOnlySpan<BlockChange> changes)
    {
        ref readonly var first = ref changes[0];
        if (first.Data.IsEmpty)
        {
            WriteZeroes(first);
            return 1;
        }

        var count = 1;
        var end = first.Offset + first.Length;
        while (count < changes.Length && !changes[count].Data.IsEmpty && changes[count].Offset == end)
        {
            end += changes[count++].Length;
        }

        if (count == 1)
        {
            _file.Write(first.Offset, first.Data.Span);
            return 1;
        }

        var sources = new ReadOnlyMemory<byte>[count];
        for (var i = 0; i < count; i++)
        {
            sources[i] = changes[i].Data;
        }

        _file.Write(first.Offset, sources);
        return count;
    }

    private void WriteZeroes(in BlockChange change)
    {
        if (change.Length == 0)
        {
            return;
        }

        if (change.MayDeallocate)
        {
            _file.PunchHole(change.Offset, change.Length);
        }
        else if (change.Length <= SmallZeroes || _cannotAllocate)
        {
            WritePlainZeroes(change);
        }
        else
        {
            PunchAndAllocate(change);
        }
    }

    /// <summary>
    /// Zeroes a range without writing it and keeps its space allocated: two calls, whatever the length.
    /// </summary>
    private void PunchAndAllocate(in BlockChange change)
    {
        const int notSupported = 95;
        try
        {
            _file.ZeroAllocated(change.Offset, change.Length);
        }
        catch (StorageException e) when (e.Errno is notSupported)
        {
            _cannotAllocate = true;
            WritePlainZeroes(change);
        }
    }

    private void WritePlainZeroes(in BlockChange change)
    {
        for (var done = 0L; done < change.Length; done += Zeroes.Length)
        {
            _file.Write(change.Offset + done, Zeroes.AsSpan(0, (int)Math.Min(Zeroes.Length, change.Length - done)));
        }
    }

    // A write behind the end of a truncated file would extend it again, with a hole where bytes were lost.
    private void CheckUsable(long end)
    {
        var now = _file.Length;
        if (end > now)
        {
            throw new BlockDeviceException(
                $"'{_file.Name}' ends at {now}, but had {Length} bytes when opened; another program truncated it",
                BlockDeviceException.NoSpace);
        }
    }

    private void CheckRange(long offset, long length)
    {
        if (offset < 0 || length < 0 || offset > Length - length)
        {
            throw new ArgumentOutOfRangeException(
                nameof(offset), offset, $"The range of {length} bytes exceeds the device's {Length}.");
        }
    }

    private static BlockDeviceException Translate(StorageException e) => new(e.Message, e.Errno, e);
}
