using System.Buffers;

namespace ReplicationEngine.DataPlane.Transport.Framing;

/// <summary>A received frame that is not yet opened. Its consumer returns the buffer to the pool.</summary>
public readonly record struct SealedFrame(FrameHeader Header, byte[] Buffer);

/// <summary>
/// Splits a stream into frames. Small frames share reads; the bulk of a large one is read directly into its buffer.
/// </summary>
internal sealed class FrameStreamReader(Stream stream, BufferPool pool, ulong firstSequence) : IDisposable
{
    private const int BufferSize = 64 << 10;
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
    private int _start;
    private int _end;
    private ulong _next = firstSequence;

    /// <summary>The sequence number of the next frame.</summary>
    public ulong NextSequence => _next;

    /// <summary>
    /// Reads and checks the next header; null at the end of the stream. <see cref="ReadBodyAsync"/> must follow. In
    /// between the caller reserves space for the frame.
    /// </summary>
    public async ValueTask<FrameHeader?> ReadHeaderAsync(CancellationToken cancellationToken)
    {
        while (_end - _start < FrameHeader.Size)
        {
            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                (_start, _end) = (0, _end - _start);
            }

            var read = await ReadSomeAsync(_buffer.AsMemory(_end), cancellationToken);
            if (read == 0)
            {
                return _end == _start
                    ? null
                    : throw new FrameException(FrameError.Truncated,
                        $"The stream ended in the header of frame {_next}.");
            }

            _end += read;
        }

        return FrameHeader.Read(_buffer.AsSpan(_start, FrameHeader.Size), _next);
    }

    /// <summary>Reads the rest of the frame whose header was read.</summary>
    public async ValueTask<SealedFrame> ReadBodyAsync(FrameHeader header, CancellationToken cancellationToken)
    {
        var frame = pool.Rent(header.FrameLength);
        try
        {
            var buffered = Math.Min(_end - _start, header.FrameLength);
            _buffer.AsSpan(_start, buffered).CopyTo(frame);
            _start += buffered;
            if (buffered < header.FrameLength)
            {
                await ReadRestAsync(frame.AsMemory(buffered, header.FrameLength - buffered), cancellationToken);
            }
        }
        catch
        {
            pool.Return(frame);
            throw;
        }

        _next++;
        return new SealedFrame(header, frame);
    }

    private async ValueTask ReadRestAsync(Memory<byte> rest, CancellationToken cancellationToken)
    {
        while (rest.Length > 0)
        {
            var read = await ReadSomeAsync(rest, cancellationToken);
            if (read == 0)
            {
                throw new FrameException(FrameError.Truncated, $"The stream ended in frame {_next}.");
            }

            rest = rest[read..];
        }
    }

    private async ValueTask<int> ReadSomeAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        try
        {
            return await stream.ReadAsync(target, cancellationToken);
        }
        catch (Exception cause) when (cause is IOException or ObjectDisposedException)
        {
            throw new LinkLostException("The connection broke while receiving.", cause);
        }
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);
}
