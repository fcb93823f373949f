namespace ReplicationEngine.DataPlane.Blocks;

/// <summary>
/// A disk: a fixed number of bytes that can be read and written at any offset. All members are synchronous and may be
/// called from several threads at once; the caller sees to it that a range is inside the device (<see
/// cref="ArgumentOutOfRangeException"/> otherwise). Trouble below is a <see cref="BlockDeviceException"/>.
/// </summary>
public interface IBlockDevice : IDisposable
{
    /// <summary>The size in bytes.</summary>
    long Length { get; }

    /// <summary>
    /// The bytes that are there now: fewer than <see cref="Length"/> once somebody has cut the disk below. Reads behind
    /// them fail with EIO, writes with ENOSPC, and nothing makes the disk longer (A5).
    /// </summary>
    long UsableLength => Length;

    /// <summary>Whether zeroing a range costs less than writing it, whatever its length (NBD's fast zero).</summary>
    bool HasFastZeroes => false;

    /// <summary>Fills the destination from an offset.</summary>
    void Read(long offset, Span<byte> destination);

    /// <summary>
    /// Carries out changes in the order given and returns when the source's caches hold them all (not yet durable, but
    /// for those with <see cref="BlockChange.ForceUnitAccess"/>). When it throws, any part of them may have been done.
    /// </summary>
    void Write(ReadOnlySpan<BlockChange> changes);

    /// <summary>Makes every change that was finished before the call durable.</summary>
    void Flush();

    /// <summary>As <see cref="Flush"/>, with the times that a file system keeps of the disk.</summary>
    void FlushTimes() => Flush();

    /// <summary>
    /// Lets later reads come from the medium. After a failed flush the system calls pages clean that the medium lacks,
    /// and what is read from them would be trusted although a power cut takes it (I28).
    /// </summary>
    void DropCached()
    {
    }

    /// <summary>
    /// The first run of one allocation state from an offset on, at most <paramref name="length"/> long.
    /// </summary>
    AllocatedRun NextRun(long offset, long length);
}

/// <summary>One change to a disk.</summary>
/// <param name="Offset">The first byte.</param>
/// <param name="Length">The bytes changed; the length of <paramref name="Data"/> when that is not empty.</param>
/// <param name="Data">The bytes to write; empty means zeroes. Owned by the caller, valid during the call only.</param>
/// <param name="MayDeallocate">For zeroes: the space may be given back.</param>
/// <param name="ForceUnitAccess">The change must be durable on return (FUA).</param>
public readonly record struct BlockChange(
    long Offset, long Length, ReadOnlyMemory<byte> Data, bool MayDeallocate, bool ForceUnitAccess)
{
    /// <summary>A write of bytes.</summary>
    public static BlockChange Write(long offset, ReadOnlyMemory<byte> data) =>
        new(offset, data.Length, data, false, false);

    /// <summary>A write of zeroes.</summary>
    public static BlockChange Zeroes(long offset, long length, bool mayDeallocate) =>
        new(offset, length, default, mayDeallocate, false);
}

/// <summary>What a run of a disk holds.</summary>
public enum AllocationState
{
    /// <summary>Bytes that must be read.</summary>
    Data,

    /// <summary>Allocated, reads as zeroes.</summary>
    Zero,

    /// <summary>Not allocated, reads as zeroes.</summary>
    Hole,
}

/// <summary>A run of one allocation state.</summary>
public readonly record struct AllocatedRun(long Length, AllocationState State);

/// <summary>A disk could not do what was asked; <see cref="Errno"/> is what an NBD client is told.</summary>
public sealed class BlockDeviceException(string message, int errno, Exception? inner = null)
    : IOException(message, inner)
{
    /// <summary>EPERM: the device is read-only or fenced.</summary>
    public const int NotPermitted = 1;

    /// <summary>EIO.</summary>
    public const int InputOutput = 5;

    /// <summary>ENOSPC.</summary>
    public const int NoSpace = 28;

    /// <summary>ESHUTDOWN: the device is going away.</summary>
    public const int Shutdown = 108;

    /// <summary>The system's error number.</summary>
    public int Errno { get; } = errno;
}
