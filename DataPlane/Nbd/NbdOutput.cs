namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>The output of a session: replies are collected, so that many small ones are sent together.</summary>
internal sealed class NbdOutput(int capacity, INbdSessionHost host) : IDisposable
{
    /// <summary>
    /// The number of collected bytes at which replies are sent; they are also sent when no input is left.
    /// </summary>
    private const int SendAt = 256 << 10;

    private const int KeptBytes = 2 << 20;

    private readonly NativeBuffer _buffer = new(capacity);
    private int _count;
    private int _highWater;

    /// <summary>
    /// Returns memory for a reply of at most <paramref name="size"/> bytes, to be committed with <see cref="Advance"/>.
    /// </summary>
    public Span<byte> Reserve(int size)
    {
        if (_count > 0 && _count + size > Math.Min(SendAt, capacity))
        {
            Send();
        }

        return _buffer.GetSpan().Slice(NativeBuffer.Origin + _count, size);
    }

    /// <summary>Commits the bytes written at the front of the reserved memory.</summary>
    public void Advance(int count)
    {
        _count += count;
        _highWater = Math.Max(_highWater, _count);
    }

    /// <summary>Sends the collected replies.</summary>
    public void Send()
    {
        if (_count == 0)
        {
            return;
        }

        var ready = _buffer.GetSpan().Slice(NativeBuffer.Origin, _count);
        _count = 0;
        host.Send(ready);
        if (_highWater > KeptBytes)
        {
            _highWater = 0;
            _buffer.GiveBack(KeptBytes);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => ((IDisposable)_buffer).Dispose();
}
