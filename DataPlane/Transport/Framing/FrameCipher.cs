using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace ReplicationEngine.DataPlane.Transport.Framing;

/// <summary>Seals and opens the frames of one direction. Safe to use from several threads.</summary>
public sealed class FrameCipher(byte[] key, byte[] context) : IDisposable
{
    private const int NonceSize = 12;

    // A native context may be used by one thread at a time.
    private readonly ConcurrentBag<AesGcm> _idle = [];

    /// <summary>
    /// Seals a payload into a whole frame: header, ciphertext, tag. The payload may already be in the frame, directly
    /// behind the header, or anywhere outside it.
    /// </summary>
    /// <returns>The length of the frame in bytes.</returns>
    public int Seal(
        FrameType type, ulong sequence, ReadOnlySpan<byte> payload, Span<byte> frame, int plainLength, bool compressed)
    {
        if (sequence >= FrameHeader.MaxSequence)
        {
            throw new LinkLostException("This session has used up its key; reconnect.");
        }

        var header = new FrameHeader(payload.Length + FrameHeader.TagSize, plainLength, sequence, type, compressed);
        header.Write(frame);
        Span<byte> nonce = stackalloc byte[NonceSize];
        Span<byte> associated = stackalloc byte[FrameHeader.Size + SHA256.HashSizeInBytes];
        Prepare(frame, sequence, nonce, associated);
        var gcm = Take();
        var cipher = frame.Slice(FrameHeader.Size, payload.Length);
        gcm.Encrypt(nonce, payload, cipher, frame.Slice(FrameHeader.Size + payload.Length, FrameHeader.TagSize),
            associated);
        _idle.Add(gcm);
        return header.FrameLength;
    }

    /// <summary>Opens a frame in place: its ciphertext becomes plaintext.</summary>
    /// <exception cref="FrameException">The frame is not authentic.</exception>
    public void Open(in FrameHeader header, Span<byte> frame)
    {
        Span<byte> nonce = stackalloc byte[NonceSize];
        Span<byte> associated = stackalloc byte[FrameHeader.Size + SHA256.HashSizeInBytes];
        Prepare(frame, header.Sequence, nonce, associated);
        var cipher = frame.Slice(FrameHeader.Size, header.CipherLength);
        var gcm = Take();
        try
        {
            gcm.Decrypt(nonce, cipher, frame.Slice(FrameHeader.Size + header.CipherLength, FrameHeader.TagSize), cipher,
                associated);
        }
        catch (AuthenticationTagMismatchException)
        {
            throw new FrameException(FrameError.NotAuthentic,
                $"Frame {header.Sequence} is not authentic: it was changed in transit or sealed for another session.");
        }
        finally
        {
            _idle.Add(gcm);
        }
    }

    public void Dispose()
    {
        while (_idle.TryTake(out var gcm))
        {
            gcm.Dispose();
        }
    }

    private void Prepare(ReadOnlySpan<byte> frame, ulong sequence, Span<byte> nonce, Span<byte> associated)
    {
        nonce.Clear();
        BinaryPrimitives.WriteUInt64BigEndian(nonce[4..], sequence);
        frame[..FrameHeader.Size].CopyTo(associated);
        context.CopyTo(associated[FrameHeader.Size..]);
    }

    private AesGcm Take() => _idle.TryTake(out var gcm) ? gcm : new AesGcm(key, FrameHeader.TagSize);
}
