using ReplicationEngine.DataPlane.Transport.Framing;

namespace ReplicationEngine.DataPlane.Transport.Receiving;

/// <summary>A frame between the wire and the replica.</summary>
public sealed class ReceiveSlot(SealedFrame frame)
{
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private byte[]? _inflated;

    /// <summary>The frame's header.</summary>
    public FrameHeader Header => frame.Header;

    /// <summary>The frame's cost in the budget, in bytes.</summary>
    public long Cost => CostOf(frame.Header);

    /// <summary>The plain payload, once <see cref="Opened"/>.</summary>
    public ReadOnlyMemory<byte> Payload { get; private set; }

    /// <summary>Completes when the payload is authentic and plain.</summary>
    public Task Opened => _opened.Task;

    /// <summary>Returns a frame's cost in the budget: its size and its inflated size.</summary>
    public static long CostOf(FrameHeader header) => header.FrameLength + (header.Compressed ? header.PlainLength : 0);

    /// <summary>Opens the frame, and inflates it.</summary>
    public void Open(FrameCipher cipher, BufferPool pool)
    {
        cipher.Open(frame.Header, frame.Buffer);
        var plain = frame.Buffer.AsMemory(FrameHeader.Size, frame.Header.CipherLength);
        if (frame.Header.Compressed)
        {
            _inflated = pool.Rent(frame.Header.PlainLength);
            PayloadCodec.Inflate(plain.Span, _inflated.AsSpan(0, frame.Header.PlainLength));
            plain = _inflated.AsMemory(0, frame.Header.PlainLength);
        }

        Payload = plain;
        _opened.SetResult();
    }

    /// <summary>Returns the buffers to the pool.</summary>
    public void Release(BufferPool pool)
    {
        pool.Return(frame.Buffer);
        if (_inflated is not null)
        {
            pool.Return(_inflated);
        }
    }
}
