using System.Buffers.Binary;
using System.Text.Json;

namespace ReplicationEngine.Agent.Control;

/// <summary>
/// The control stream's framing: u32 little-endian length, then that many bytes of UTF-8 JSON (one
/// <see cref="ControlMessage"/>). A length over <see cref="MaxLength"/> ends the stream before memory is taken (S4).
/// Sending is safe from several tasks; one task reads.
/// </summary>
public sealed class ControlChannel(Stream stream) : IAsyncDisposable
{
    /// <summary>The longest message in bytes.</summary>
    public const int MaxLength = 4 << 20;

    private readonly SemaphoreSlim _sending = new(1, 1);

    /// <summary>Sends one message.</summary>
    public async ValueTask SendAsync(ControlMessage message, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(message, ControlJson.Default.ControlMessage);
        if (body.Length > MaxLength)
        {
            throw new InvalidDataException(
                $"A control message of {body.Length} bytes is over the limit of {MaxLength}.");
        }

        var frame = new byte[body.Length + 4];
        BinaryPrimitives.WriteInt32LittleEndian(frame, body.Length);
        body.CopyTo(frame, 4);
        await _sending.WaitAsync(cancellationToken);
        try
        {
            await stream.WriteAsync(frame, cancellationToken);
            await stream.FlushAsync(cancellationToken);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>The next message; null when the other side ended the stream between messages.</summary>
    /// <exception cref="InvalidDataException">The bytes are no message of this protocol.</exception>
    public async ValueTask<ControlMessage?> ReadAsync(CancellationToken cancellationToken)
    {
        var header = new byte[4];
        var read = await stream.ReadAtLeastAsync(header, 4, throwOnEndOfStream: false, cancellationToken);
        if (read == 0)
        {
            return null;
        }

        var length = read == 4 ? BinaryPrimitives.ReadInt32LittleEndian(header) : -1;
        if (length is <= 0 or > MaxLength)
        {
            throw new InvalidDataException($"A control message of {length} bytes is not possible (1 to {MaxLength}).");
        }

        var body = new byte[length];
        await stream.ReadExactlyAsync(body, cancellationToken);
        try
        {
            return JsonSerializer.Deserialize(body, ControlJson.Default.ControlMessage);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"A control message could not be read: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await stream.DisposeAsync();
        _sending.Dispose();
    }
}
