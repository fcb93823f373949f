using System.Buffers.Binary;
using System.Text.Json;

namespace ReplicationEngine.Agent.Protocol.Control;

/// <summary>
/// The control stream's framing: u32 little-endian length, then that many bytes of UTF-8 JSON (one
/// <see cref="ControlMessage"/>). A length over <see cref="MaxLength"/> ends the stream before memory is allocated
/// (S4). Several tasks may send; only one task may read.
/// </summary>
/// <remarks>
/// A message is written completely or the stream breaks, because a partial message would make the rest unreadable. A
/// cancelled caller therefore leaves its message to be written. A message that the other end does not accept within
/// <see cref="ControlLimits.SendWithin"/> closes the stream.
/// </remarks>
public sealed class ControlChannel(Stream stream, TimeProvider time) : IAsyncDisposable
{
    /// <summary>The maximum length of a message in bytes.</summary>
    public const int MaxLength = 4 << 20;

    private readonly SemaphoreSlim _sending = new(1, 1);
    private long _heard;

    /// <summary>A counter that increases whenever bytes arrive.</summary>
    public long Heard => Interlocked.Read(ref _heard);

    /// <summary>Sends one message. Cancellation only stops the wait; the message is still sent.</summary>
    /// <exception cref="IOException">The stream is broken, or the other end accepted nothing for too long.</exception>
    public async ValueTask SendAsync(ControlMessage message, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var body = JsonSerializer.SerializeToUtf8Bytes(message, ControlJson.Default.ControlMessage);
        if (body.Length > MaxLength)
        {
            throw new InvalidDataException(
                $"A control message of {body.Length} bytes exceeds the limit of {MaxLength}.");
        }

        var frame = new byte[body.Length + 4];
        BinaryPrimitives.WriteInt32LittleEndian(frame, body.Length);
        body.CopyTo(frame, 4);
        var writing = WriteAsync(frame);
        try
        {
            await writing.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (!writing.IsCompleted)
        {
            // A failed write closes the stream, so its outcome is seen there; nothing else waits for this task.
            _ = writing.ContinueWith(
                static written => written.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted,
                TaskScheduler.Default);
            throw;
        }
    }

    /// <summary>Reads the next message; null if the other side ended the stream between messages.</summary>
    /// <exception cref="IOException">The stream is broken or closed.</exception>
    /// <exception cref="InvalidDataException">The bytes are not a message of this protocol.</exception>
    public async ValueTask<ControlMessage?> ReadAsync(CancellationToken cancellationToken)
    {
        var header = new byte[4];
        var read = await ReadAsync(header, cancellationToken);
        if (read == 0)
        {
            return null;
        }

        var length = read == 4 ? BinaryPrimitives.ReadInt32LittleEndian(header) : -1;
        if (length is <= 0 or > MaxLength)
        {
            throw new InvalidDataException($"A control message of {length} bytes is invalid (1 to {MaxLength}).");
        }

        var body = new byte[length];
        if (await ReadAsync(body, cancellationToken) < length)
        {
            throw new EndOfStreamException("The control stream ended within a message.");
        }

        try
        {
            return JsonSerializer.Deserialize(body, ControlJson.Default.ControlMessage)
                ?? throw new InvalidDataException("A control message is null.");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new InvalidDataException($"A control message could not be read: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => stream.DisposeAsync();

    // Every received part counts as activity: a long message over a slow link is not silence.
    private async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var total = 0;
        try
        {
            while (total < buffer.Length
                && await stream.ReadAsync(buffer[total..], cancellationToken) is > 0 and var count)
            {
                total += count;
                Interlocked.Increment(ref _heard);
            }
        }
        catch (ObjectDisposedException e)
        {
            // A failed write has closed the stream between two reads.
            throw new IOException("the control stream is closed", e);
        }

        return total;
    }

    private async Task WriteAsync(byte[] frame)
    {
        using var deadline = new CancellationTokenSource(ControlLimits.SendWithin, time);
        try
        {
            await _sending.WaitAsync(deadline.Token);
            try
            {
                await stream.WriteAsync(frame, deadline.Token);
                await stream.FlushAsync(deadline.Token);
            }
            finally
            {
                _sending.Release();
            }
        }
        catch (OperationCanceledException e)
        {
            await stream.DisposeAsync();
            throw new IOException(
                $"the other end of the control stream read nothing for {ControlLimits.SendWithin.TotalSeconds:0} s", e);
        }
        catch (ObjectDisposedException e)
        {
            throw new IOException("the control stream is closed", e);
        }
        catch (IOException)
        {
            await stream.DisposeAsync();
            throw;
        }
    }
}
