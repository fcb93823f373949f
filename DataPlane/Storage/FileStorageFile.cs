using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ReplicationEngine.DataPlane.Storage;

/// <summary>A file of the operating system, synced through <c>fdatasync</c> with its error checked (I3, I28).</summary>
internal sealed class FileStorageFile(string path, SafeFileHandle handle) : IStorageFile
{
    private const int NotSupported = 95;
    private const int NoSuchRange = 6;
    private volatile bool _poisoned;

    /// <inheritdoc/>
    public string Name => path;

    /// <inheritdoc/>
    public long Length => RandomAccess.GetLength(handle);

    /// <inheritdoc/>
    public int Read(long offset, Span<byte> destination)
    {
        var total = 0;
        while (total < destination.Length)
        {
            var read = ReadSome(offset + total, destination[total..]);
            if (read == 0)
            {
                break;
            }

            total += read;
        }

        return total;
    }

    /// <inheritdoc/>
    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        try
        {
            RandomAccess.Write(handle, source, offset);
        }
        catch (IOException e)
        {
            throw Translate("write", e);
        }
    }

    /// <inheritdoc/>
    public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> sources)
    {
        try
        {
            RandomAccess.Write(handle, sources, offset);
        }
        catch (IOException e)
        {
            throw Translate("write", e);
        }
    }

    /// <inheritdoc/>
    public void SetLength(long length)
    {
        try
        {
            RandomAccess.SetLength(handle, length);
        }
        catch (IOException e)
        {
            throw Translate("resize", e);
        }
    }

    /// <inheritdoc/>
    public void Allocate(long offset, long length) =>
        Check("allocate", NativeMethods.Allocate(handle, 0, offset, length));

    /// <inheritdoc/>
    public void PunchHole(long offset, long length)
    {
        const int mode = NativeMethods.KeepSize | NativeMethods.PunchHoleMode;
        if (NativeMethods.Allocate(handle, mode, offset, length) == 0)
        {
            return;
        }

        var errno = Marshal.GetLastPInvokeError();
        if (errno != NotSupported)
        {
            throw Failed("punch a hole in", errno);
        }

        WriteZeroes(offset, length);
    }

    /// <inheritdoc/>
    public (long Length, bool IsHole) NextRun(long offset)
    {
        var end = Length;
        if (offset >= end)
        {
            return (0, true);
        }

        var data = NativeMethods.Seek(handle, offset, NativeMethods.SeekData);
        if (data < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            return errno == NoSuchRange ? (end - offset, true) : throw Failed("look for data in", errno);
        }

        if (data > offset)
        {
            return (Math.Min(data, end) - offset, true);
        }

        var hole = NativeMethods.Seek(handle, offset, NativeMethods.SeekHole);
        return hole < 0 ? throw Failed("look for a hole in", Marshal.GetLastPInvokeError())
            : (Math.Min(hole, end) - offset, false);
    }

    /// <inheritdoc/>
    public void Sync()
    {
        if (_poisoned)
        {
            throw new StorageException($"'{path}' failed to sync before; nothing on it may be relied on", StorageException.InputOutput);
        }

        if (NativeMethods.DataSync(handle) != 0)
        {
            _poisoned = true;
            throw Failed("sync", Marshal.GetLastPInvokeError());
        }
    }

    /// <inheritdoc/>
    public void Dispose() => handle.Dispose();

    private int ReadSome(long offset, Span<byte> destination)
    {
        try
        {
            return RandomAccess.Read(handle, destination, offset);
        }
        catch (IOException e)
        {
            throw Translate("read", e);
        }
    }

    private void WriteZeroes(long offset, long length)
    {
        var zeroes = new byte[(int)Math.Min(length, 1 << 20)];
        for (var done = 0L; done < length; done += zeroes.Length)
        {
            Write(offset + done, zeroes.AsSpan(0, (int)Math.Min(zeroes.Length, length - done)));
        }
    }

    private void Check(string what, int result)
    {
        if (result != 0)
        {
            throw Failed(what, Marshal.GetLastPInvokeError());
        }
    }

    private StorageException Translate(string what, IOException e) =>
        new($"cannot {what} '{path}': {e.Message}", Errno(e), e);

    private StorageException Failed(string what, int errno) =>
        new($"cannot {what} '{path}': {Marshal.GetPInvokeErrorMessage(errno)}", errno);

    internal static int Errno(IOException e)
    {
        const int diskFullHResult = unchecked((int)0x80070070);
        if (e.HResult == diskFullHResult)
        {
            return StorageException.NoSpace;
        }

        return e.HResult is > 0 and < 4096 ? e.HResult : StorageException.InputOutput;
    }
}
