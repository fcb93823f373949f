namespace ReplicationEngine.DataPlane.Blocks;

/// <summary>
/// A disk: a fixed number of bytes that can be read and written at any offset. All members are synchronous and may be
/// called from several threads at once. The caller ensures that a range is inside the device
/// (<see cref="ArgumentOutOfRangeException"/> otherwise). I/O failures are thrown as
/// <see cref="BlockDeviceException"/>.
/// </summary>
public interface IBlockDevice : IDisposable
{
    /// <summary>The size of the disk in bytes.</summary>
    long Length { get; }

    /// <summary>
    /// The number of bytes that exist now: fewer than <see cref="Length"/> after the underlying disk was truncated.
    /// Reads behind them fail with EIO, writes with ENOSPC, and no operation extends the disk (A5).
    /// </summary>
    long UsableLength => Length;

    /// <summary>
    /// Whether zeroing a range costs less than writing it, regardless of its length (NBD's fast zero).
    /// </summary>
    bool HasFastZeroes => false;

    /// <summary>Reads bytes from an offset until the destination is full.</summary>
    void Read(long offset, Span<byte> destination);

    /// <summary>
    /// Applies changes in the order given. Returns when the source's caches hold all of them; only changes with
    /// <see cref="BlockChange.ForceUnitAccess"/> are durable then. If it throws, any part of the changes may have been
    /// applied.
    /// </summary>
    void Write(ReadOnlySpan<BlockChange> changes);

    /// <summary>Makes every change that finished before the call durable.</summary>
    void Flush();

    /// <summary>Flushes the disk like <see cref="Flush"/>, and also the file's times.</summary>
    void FlushTimes() => Flush();

    /// <summary>
    /// Drops cached pages, so that later reads come from the medium. After a failed flush the system marks pages clean
    /// that the medium lacks; data read from them would be trusted although a power failure loses it (I28).
    /// </summary>
    void DropCached()
    {
    }

    /// <summary>
    /// Returns the first run of one allocation state from an offset, at most <paramref name="length"/> bytes long.
    /// </summary>
    AllocatedRun NextRun(long offset, long length);
}

/// <summary>A write of bytes or zeroes to a range of a disk.</summary>
/// <param name="Offset">The offset of the first byte.</param>
/// <param name="Length">
/// The number of bytes changed; the length of <paramref name="Data"/> if that is not empty.
/// </param>
/// <param name="Data">
/// The bytes to write; empty means zeroes. Owned by the caller and valid only during the call.
/// </param>
/// <param name="MayDeallocate">Whether the space of a write of zeroes may be deallocated.</param>
/// <param name="ForceUnitAccess">Whether the change must be durable on return (FUA).</param>
public readonly record struct BlockChange(
    long Offset, long Length, ReadOnlyMemory<byte> Data, bool MayDeallocate, bool ForceUnitAccess)
{
    /// <summary>Creates a write of bytes.</summary>
    public static BlockChange Write(long offset, ReadOnlyMemory<byte> data) =>
        new(offset, data.Length, data, false, false);

    /// <summary>Creates a write of zeroes.</summary>
    public static BlockChange Zeroes(long offset, long length, bool mayDeallocate) =>
        new(offset, length, default, mayDeallocate, false);
}

/// <summary>The allocation state of a run of a disk.</summary>
public enum AllocationState
{
    /// <summary>Allocated bytes that must be read.</summary>
    Data,

    /// <summary>Allocated space that reads as zeroes.</summary>
    Zero,

    /// <summary>Unallocated space that reads as zeroes.</summary>
    Hole,
}

/// <summary>A run of one allocation state.</summary>
public readonly record struct AllocatedRun(long Length, AllocationState State);

/// <summary>A disk failed an operation; <see cref="Errno"/> is the error number that an NBD client receives.</summary>
public sealed class BlockDeviceException(string message, int errno, Exception? inner = null)
    : IOException(message, inner)
{
    /// <summary>EPERM: the device is read-only or fenced.</summary>
    public const int NotPermitted = 1;

    /// <summary>EIO: an input or output error.</summary>
    public const int InputOutput = 5;

    /// <summary>ENOSPC: no space is left.</summary>
    public const int NoSpace = 28;

    /// <summary>ESHUTDOWN: the device is going away.</summary>
    public const int Shutdown = 108;

    /// <summary>The system's error number.</summary>
    public int Errno { get; } = errno;
}
