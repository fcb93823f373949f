using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ReplicationEngine.DataPlane.Storage;

/// <summary>Writes several buffers to consecutive positions of a file with as few system calls as possible.</summary>
internal static unsafe class GatherWrite
{
    /// <summary>The number of buffers per system call; the system's own limit (IOV_MAX) is 1024.</summary>
    private const int MaxVectors = 64;

    /// <summary>Writes all buffers; returns 0 or the errno. A short write continues where it stopped.</summary>
    public static int Write(SafeFileHandle handle, long offset, IReadOnlyList<ReadOnlyMemory<byte>> sources)
    {
        for (var first = 0; first < sources.Count; first += MaxVectors)
        {
            var count = Math.Min(MaxVectors, sources.Count - first);
            var errno = WriteSome(handle, ref offset, sources, first, count);
            if (errno != 0)
            {
                return errno;
            }
        }

        return 0;
    }

    private static int WriteSome(
        SafeFileHandle handle, ref long offset, IReadOnlyList<ReadOnlyMemory<byte>> sources, int first, int count)
    {
        var vectors = stackalloc IoVector[MaxVectors];
        var pins = new MemoryHandle[count];
        try
        {
            for (var i = 0; i < count; i++)
            {
                pins[i] = sources[first + i].Pin();
                vectors[i].Base = (byte*)pins[i].Pointer;
                vectors[i].Length = sources[first + i].Length;
            }

            return WriteVectors(handle, ref offset, vectors, count);
        }
        finally
        {
            foreach (ref var pin in pins.AsSpan())
            {
                pin.Dispose();
            }
        }
    }

    private static int WriteVectors(SafeFileHandle handle, ref long offset, IoVector* vectors, int count)
    {
        while (true)
        {
            while (count > 0 && vectors->Length == 0)
            {
                vectors++;
                count--;
            }

            if (count == 0)
            {
                return 0;
            }

            var written = NativeMethods.Write(handle, vectors, count, offset);
            if (written >= 0)
            {
                offset += written;
                Advance(vectors, count, written);
            }
            else if (Marshal.GetLastPInvokeError() is var errno and not NativeMethods.Interrupted)
            {
                return errno;
            }
        }
    }

    private static void Advance(IoVector* vectors, int count, nint written)
    {
        for (var i = 0; i < count && written > 0; i++)
        {
            var part = Math.Min(written, vectors[i].Length);
            vectors[i].Base += part;
            vectors[i].Length -= part;
            written -= part;
        }
    }
}
