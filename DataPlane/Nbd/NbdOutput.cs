namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>Replies on their way out: collected, so that many small ones leave in one send.</summary>
internal sealed class NbdOutput(int capacity, INbdSessionHost host) : IDisposable
{
    /// <summary>Replies leave when this much has been collected, or when there is nothing left to do.</summary>
    private const int SendAt = 256 << 10;

    private const int KeptBytes = 2 << 20;

    private readonly NativeBuffer _buffer = new(capacity);
    private int _count;
    private int _highWater;

    /// <summary>
    /// Room for a reply of at most <paramref name="size"/> bytes, to be kept with <see cref="Advance"/>.
    /// </summary>
    public Span<byte> Reserve(int size)
    {
        if (_count > 0 && _count + size > Math.Min(SendAt, capacity))
        {
            Send();
        }

        return _buffer.GetSpan().Slice(NativeBuffer.Origin + _count, size);
    }

    /// <summary>Keeps what was written at the front of the room reserved.</summary>
    public void Advance(int count)
    {
        _count += count;
        _highWater = Math.Max(_highWater, _count);
    }

    /// <summary>Sends what was collected.</summary>
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
