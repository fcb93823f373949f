using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ReplicationEngine.DataPlane.Storage;

/// <summary>
/// A file of the operating system, or a block device. Every call checks the system's own error number. The file is
/// synced with <c>fdatasync</c> (I3), and one failed sync poisons it permanently (I28): the kernel marks the pages it
/// could not write as clean, so a second sync would succeed without the bytes being on the disk.
/// </summary>
internal sealed unsafe class FileStorageFile(string path, SafeFileHandle handle) : IStorageFile
{
    private readonly int _sectorBytes = SectorZeroing.SectorBytesOf(handle);
    private volatile bool _poisoned;

    /// <inheritdoc/>
    public string Name => path;

    /// <inheritdoc/>
    /// <remarks>Determined by seeking, because the status call returns 0 for a block device.</remarks>
    public long Length
    {
        get
        {
            var length = NativeMethods.Seek(handle, 0, NativeMethods.SeekEnd);
            return length >= 0 ? length : throw Failed("measure", Marshal.GetLastPInvokeError());
        }
    }

    /// <inheritdoc/>
    public bool IsBlockDevice => _sectorBytes != 0;

    /// <inheritdoc/>
    public int Read(long offset, Span<byte> destination)
    {
        var total = 0;
        fixed (byte* start = destination)
        {
            while (total < destination.Length)
            {
                var read = NativeMethods.Read(handle, start + total, destination.Length - total, offset + total);
                if (read == 0)
                {
                    break;
                }

                total += read > 0 ? (int)read : Retry("read");
            }
        }

        return total;
    }

    /// <inheritdoc/>
    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        var total = 0;
        fixed (byte* start = source)
        {
            while (total < source.Length)
            {
                var written = NativeMethods.Write(handle, start + total, source.Length - total, offset + total);
                total += written >= 0 ? (int)written : Retry("write");
            }
        }
    }

    /// <inheritdoc/>
    public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> sources)
    {
        var errno = GatherWrite.Write(handle, offset, sources);
        if (errno != 0)
        {
            throw Failed("write", errno);
        }
    }

    /// <inheritdoc/>
    public void SetLength(long length)
    {
        while (NativeMethods.Truncate(handle, length) != 0)
        {
            Retry("resize");
        }
    }

    /// <inheritdoc/>
    public void Allocate(long offset, long length)
    {
        while (NativeMethods.Allocate(handle, 0, offset, length) != 0)
        {
            Retry("allocate space in");
        }
    }

    /// <inheritdoc/>
    public void PunchHole(long offset, long length)
    {
        if (IsBlockDevice)
        {
            ZeroSectors(offset, length, mayDeallocate: true);
            return;
        }

        const int mode = NativeMethods.KeepSize | NativeMethods.PunchHoleMode;
        while (length > 0 && NativeMethods.Allocate(handle, mode, offset, length) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno is NativeMethods.NotSupported or NativeMethods.InvalidArgument)
            {
                // The file system cannot punch holes.
                WriteZeroes(offset, Math.Min(length, Length - offset));
                return;
            }

            if (errno != NativeMethods.Interrupted)
            {
                throw Failed("punch a hole in", errno);
            }
        }
    }

    /// <inheritdoc/>
    public void ZeroAllocated(long offset, long length)
    {
        if (IsBlockDevice)
        {
            ZeroSectors(offset, length, mayDeallocate: false);
            return;
        }

        PunchHole(offset, length);
        Allocate(offset, length);
    }

    /// <inheritdoc/>
    public (long Length, bool IsHole) NextRun(long offset)
    {
        var end = Length;
        if (offset >= end)
        {
            return (0, true);
        }

        if (IsBlockDevice)
        {
            // A block device supports neither seek: all of it must be read.
            return (end - offset, false);
        }

        var data = NativeMethods.Seek(handle, offset, NativeMethods.SeekData);
        if (data < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            return errno == NativeMethods.NoSuchRange
                ? (end - offset, true)
                : throw Failed("find data in", errno);
        }

        if (data > offset)
        {
            return (Math.Min(data, end) - offset, true);
        }

        var hole = NativeMethods.Seek(handle, offset, NativeMethods.SeekHole);
        if (hole < 0)
        {
            throw Failed("find a hole in", Marshal.GetLastPInvokeError());
        }

        // If a hole is punched between the two seeks, the second returns the offset itself: a hole of unknown length.
        // One byte of data is a safe result then, because data only means "must be read".
        return (Math.Max(1, Math.Min(hole, end) - offset), false);
    }

    /// <inheritdoc/>
    public void Sync() => Sync(NativeMethods.DataSync);

    /// <inheritdoc/>
    public void SyncTimes() => Sync(NativeMethods.Sync);

    private void Sync(Func<SafeFileHandle, int> sync)
    {
        if (_poisoned)
        {
            throw new StorageException(
                $"'{path}' failed to sync before; its data may not be durable until it is opened and checked again",
                StorageException.InputOutput);
        }

        while (sync(handle) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno != NativeMethods.Interrupted)
            {
                _poisoned = true;
                throw Failed("sync", errno);
            }
        }
    }

    /// <inheritdoc/>
    /// <remarks>The call is a hint: if the system ignores it, nothing is lost, so its result is ignored.</remarks>
    public void DropCached() => _ = NativeMethods.Advise(handle, 0, 0, NativeMethods.NotNeeded);

    /// <inheritdoc/>
    public void Dispose() => handle.Dispose();

    /// <summary>
    /// Zeroes the whole sectors of a range through the device, and the bytes at its edges by writing.
    /// </summary>
    private void ZeroSectors(long offset, long length, bool mayDeallocate)
    {
        var end = offset + length;
        var first = Math.Min(end, (offset + _sectorBytes - 1) / _sectorBytes * _sectorBytes);
        var last = Math.Max(first, end / _sectorBytes * _sectorBytes);
        WriteZeroes(offset, first - offset);
        var errno = SectorZeroing.Zero(handle, first, last - first, mayDeallocate);
        if (errno is NativeMethods.NotSupported or NativeMethods.InvalidArgument)
        {
            WriteZeroes(first, last - first);
        }
        else if (errno != 0)
        {
            throw Failed("zero a part of", errno);
        }

        WriteZeroes(last, end - last);
    }

    private void WriteZeroes(long offset, long length)
    {
        if (length <= 0)
        {
            return;
        }

        var zeroes = new byte[(int)Math.Min(length, 1 << 20)];
        for (var done = 0L; done < length; done += zeroes.Length)
        {
            Write(offset + done, zeroes.AsSpan(0, (int)Math.Min(zeroes.Length, length - done)));
        }
    }

    /// <summary>Checks a failed call: returns 0 if it was only interrupted and must be repeated.</summary>
    private int Retry(string what)
    {
        var errno = Marshal.GetLastPInvokeError();
        return errno == NativeMethods.Interrupted ? 0 : throw Failed(what, errno);
    }

    private StorageException Failed(string what, int errno) =>
        new($"cannot {what} '{path}': {Marshal.GetPInvokeErrorMessage(errno)}", errno);
}
