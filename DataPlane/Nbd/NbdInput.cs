namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>The bytes that have arrived on a connection and are not consumed yet.</summary>
/// <remarks>
/// Messages are contiguous and in place, so that a payload is passed to the device without a copy. The rest of an
/// incomplete message moves to the front before more bytes are received. To keep that move small, the rest of a long
/// message is received exactly, and only short messages are received together with the bytes after them.
/// </remarks>
internal sealed class NbdInput(int capacity) : IDisposable
{
    /// <summary>
    /// The maximum number of bytes that one receive may read beyond need: enough for a deep queue of small writes,
    /// small enough to remain in the processor's cache.
    /// </summary>
    public const int ReceiveSize = 256 << 10;

    private const int ExactAbove = 64 << 10;
    private const int KeptBytes = 2 << 20;
    private const int QuietRounds = 256;

    private readonly NativeBuffer _buffer = new(capacity + ReceiveSize);
    private int _start = NativeBuffer.Origin;
    private int _end = NativeBuffer.Origin;
    private int _highWater;
    private int _rounds;

    /// <summary>The bytes that have arrived and are not consumed.</summary>
    public ReadOnlySpan<byte> Unread => _buffer.GetSpan()[_start.._end];

    /// <summary>The number of unread bytes.</summary>
    public int Count => _end - _start;

    /// <summary>
    /// Returns the memory for the next receive, if the message at the front is <paramref name="needed"/> bytes long.
    /// </summary>
    public Span<byte> Window(int needed)
    {
        if (_start > NativeBuffer.Origin)
        {
            Unread.CopyTo(_buffer.GetSpan()[NativeBuffer.Origin..]);
            _end -= _start - NativeBuffer.Origin;
            _start = NativeBuffer.Origin;
        }

        if (Count == 0)
        {
            GiveBackWhenQuiet();
        }

        var missing = needed - Count;
        var size = missing > ExactAbove ? missing : Math.Max(missing, ReceiveSize);
        return _buffer.GetSpan().Slice(_end, size);
    }

    /// <summary>Records that so many bytes were received into the window.</summary>
    public void Arrived(int count)
    {
        _end += count;
        _highWater = Math.Max(_highWater, _end);
    }

    /// <summary>Consumes bytes. Their memory is valid until the next <see cref="Window"/>.</summary>
    public void Consume(int count) => _start += count;

    /// <summary>Returns unread bytes as memory, valid until the next <see cref="Window"/>.</summary>
    public ReadOnlyMemory<byte> Slice(int offset, int length) => _buffer.Memory.Slice(_start + offset, length);

    /// <inheritdoc/>
    public void Dispose() => ((IDisposable)_buffer).Dispose();

    /// <summary>Frees the memory of long messages when they have stopped arriving.</summary>
    private void GiveBackWhenQuiet()
    {
        if (_highWater <= KeptBytes || ++_rounds < QuietRounds)
        {
            return;
        }

        _rounds = 0;
        _highWater = 0;
        _buffer.GiveBack(KeptBytes);
    }
}
