using ReplicationEngine.DataPlane.Transport.Framing;
using ReplicationEngine.DataPlane.Transport.Handshaking;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Transport;

/// <summary>
/// A connection whose ends have proved that they hold the VM's data key and have agreed to replicate. Created by
/// <see cref="SessionHandshake"/>; owns the stream and closes it when its session ends.
/// </summary>
public sealed class SessionLink : IAsyncDisposable
{
    private readonly FrameCipher _sending;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private bool _disposed;

    internal SessionLink(ProtectedVmId vm, Stream stream, FrameCipher sending, FrameCipher receiving)
    {
        Vm = vm;
        Stream = stream;
        _sending = sending;
        Receiving = receiving;
        Reader = new FrameStreamReader(stream, Pool, 0);
    }

    /// <summary>The identifier of the VM.</summary>
    public ProtectedVmId Vm { get; }

    /// <summary>The offer of this end.</summary>
    public SessionOffer Local { get; internal set; } = null!;

    /// <summary>The offer of the peer.</summary>
    public SessionOffer Peer { get; internal set; } = null!;

    internal Stream Stream { get; }

    internal BufferPool Pool { get; } = new();

    internal FrameStreamReader Reader { get; }

    internal FrameCipher Sending => _sending;

    internal FrameCipher Receiving { get; }

    internal ulong NextSequence { get; private set; }

    /// <summary>Closes the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await Stream.DisposeAsync();
        Reader.Dispose();
        _sending.Dispose();
        Receiving.Dispose();
        _turn.Dispose();
    }

    /// <summary>Seals and writes a small frame; frames of several callers are written one after another.</summary>
    internal async ValueTask SendAsync(FrameType type, ReadOnlyMemory<byte> payload,
        CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        var frame = Pool.Rent(payload.Length + FrameHeader.Size + FrameHeader.TagSize);
        try
        {
            var length = _sending.Seal(type, NextSequence++, payload.Span, frame, payload.Length, compressed: false);
            await WriteAsync(frame.AsMemory(0, length), cancellationToken);
        }
        finally
        {
            Pool.Return(frame);
            _turn.Release();
        }
    }

    /// <summary>Writes sealed bytes to the stream.</summary>
    internal async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await Stream.WriteAsync(bytes, cancellationToken);
        }
        catch (Exception cause) when (cause is IOException or ObjectDisposedException)
        {
            throw new LinkLostException("The connection broke while sending.", cause) { WhileSending = true };
        }
    }

    /// <summary>Reads a small frame; null at the end of the stream.</summary>
    internal async ValueTask<(FrameType Type, ulong Sequence,
        byte[] Payload)?> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (await Reader.ReadHeaderAsync(cancellationToken) is not { } header)
        {
            return null;
        }

        if (header.Compressed || header.SealedLength > SmallFrame)
        {
            throw new FrameException(FrameError.TooLarge,
                $"Frame {header.Sequence} has {header.SealedLength} bytes; at most {SmallFrame} are allowed.");
        }

        var frame = await Reader.ReadBodyAsync(header, cancellationToken);
        try
        {
            Receiving.Open(header, frame.Buffer);
            return (header.Type, header.Sequence, frame.Buffer.AsSpan(FrameHeader.Size, header.CipherLength).ToArray());
        }
        finally
        {
            Pool.Return(frame.Buffer);
        }
    }

    /// <summary>Exchanges the Open frames. Throws if the two offers do not match, after notifying the peer.</summary>
    internal async Task OpenAsync(
        SessionOffer local, bool first, SessionRefusedException? refuse, CancellationToken cancellationToken)
    {
        Local = local;
        if (first)
        {
            await SendAsync(FrameType.Open, OpenMessage.Encode(local), cancellationToken);
        }

        var answer = await ReceiveAsync(cancellationToken)
            ?? throw new LinkLostException("The peer closed the connection before it opened the session.");
        Peer = answer.Type switch
        {
            FrameType.Open => OpenMessage.Decode(answer.Payload),
            FrameType.Refused => throw OpenMessage.DecodeRefusal(answer.Payload),
            _ => throw new FrameException(FrameError.BadPayload,
                $"The peer opened the session with a frame of type {answer.Type}."),
        };
        if ((refuse ?? SessionOffer.Refusal(local, Peer)) is { } refusal)
        {
            await SendAsync(FrameType.Refused, OpenMessage.EncodeRefusal(refusal), cancellationToken);
            throw refusal;
        }

        if (!first)
        {
            Local = local.Answering(Peer);
            await SendAsync(FrameType.Open, OpenMessage.Encode(Local), cancellationToken);
        }
    }

    /// <summary>The maximum size in bytes of a frame without bulk data.</summary>
    private const int SmallFrame = 64 << 10;
}
