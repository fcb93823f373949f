using System.Buffers;
using System.Runtime.InteropServices;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// Page-aligned memory outside the collector's heap. A large one is only address space until it is touched: the system
/// gives a page when bytes have arrived for it, so a client takes as much memory as it has really sent (S4).
/// </summary>
internal sealed unsafe partial class NativeBuffer : MemoryManager<byte>
{
    /// <summary>
    /// Where messages begin in a buffer. Data lie behind a header of 16 or 28 bytes, and the processor's block copy
    /// is four times slower when the target stands 1 to 31 bytes further in its page than the source in its own
    /// (measured on EPYC: 395 against 79 microseconds per MiB out of the page cache, whose bytes begin at the start
    /// of a page). From the middle of a page on, neither direction meets that.
    /// </summary>
    public const int Origin = 2048;

    private const int PageSize = 4096;
    private const int DontNeed = 4;

    private readonly int _capacity;
    private byte* _start;

    /// <summary>Room for so many bytes from <see cref="Origin"/> on.</summary>
    public NativeBuffer(int capacity)
    {
        _capacity = (Origin + capacity + PageSize - 1) / PageSize * PageSize;
        _start = (byte*)NativeMemory.AlignedAlloc((nuint)_capacity, PageSize);
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        return new Span<byte>(_start, _capacity);
    }

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)_capacity, nameof(elementIndex));
        return new MemoryHandle(_start + elementIndex);
    }

    /// <inheritdoc/>
    public override void Unpin()
    {
        // Memory outside the collector's heap does not move.
    }

    /// <summary>
    /// Gives the pages from an offset on back to the system; their contents are lost. It is advice: when the system
    /// does not take it, the pages simply stay.
    /// </summary>
    public void GiveBack(int from) => _ = Advise(_start + from, (nuint)(_capacity - from), DontNeed);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        NativeMemory.AlignedFree(_start);
        _start = null;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(byte* address, nuint length, int advice);
}
