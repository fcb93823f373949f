using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Blocks;

namespace ReplicationEngine.DataPlane.Transport.Framing;

// The stream after the two hellos is a sequence of frames in each direction:
//
//   0  u32  sealed length: ciphertext and 16-byte tag    4 u32  plain length, after inflation
//   8  u64  sequence number, per direction, without gaps from 0
//  16  u8   type   17 u8 flags (1: the plaintext is an LZ4 block)   18 u16 zero
//  20  u32  CRC-32C of bytes 0 .. 20
//  24  the ciphertext, then the tag
//
// AES-256-GCM; the key belongs to the session and the direction, the nonce is four zero bytes and the sequence number
// (big endian), the associated data is the 24 header bytes and the SHA-256 of both hellos, which hold VM, term and
// salts. Keys are derived from fresh salts of both ends, so no nonce is used twice even if one end is restored from a
// snapshot (S20). The header's checksum is not a protection: it detects a flipped length at once, before the reader
// waits for that many bytes.

/// <summary>The fixed part of a frame.</summary>
public readonly record struct FrameHeader(int SealedLength, int PlainLength, ulong Sequence, FrameType Type,
    bool Compressed)
{
    /// <summary>The size of the header in bytes.</summary>
    public const int Size = 24;

    /// <summary>The size of the tag behind the ciphertext in bytes.</summary>
    public const int TagSize = 16;

    /// <summary>
    /// The maximum payload of a frame before sealing: the largest change record, and room for tables (S4).
    /// </summary>
    public const int MaxPayload = 34 << 20;

    /// <summary>
    /// The sequence number at which a session ends, before one key seals more frames than GCM allows.
    /// </summary>
    public const ulong MaxSequence = 1UL << 32;

    /// <summary>The size of the whole frame on the wire in bytes.</summary>
    public int FrameLength => Size + SealedLength;

    /// <summary>The size of the ciphertext in bytes.</summary>
    public int CipherLength => SealedLength - TagSize;

    /// <summary>Writes the header's encoded form.</summary>
    public void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteInt32LittleEndian(target, SealedLength);
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], PlainLength);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], Sequence);
        target[16] = (byte)Type;
        target[17] = Compressed ? (byte)1 : (byte)0;
        target[18] = 0;
        target[19] = 0;
        BinaryPrimitives.WriteUInt32LittleEndian(target[20..], Crc32C.Compute(target[..20]));
    }

    /// <summary>
    /// Reads and checks a header before memory is allocated for the frame; its sequence number must be the expected
    /// one.
    /// </summary>
    /// <exception cref="FrameException">
    /// The header is damaged, a length is over the cap, or the frame is not the next one (S4, S9, S12).
    /// </exception>
    public static FrameHeader Read(ReadOnlySpan<byte> source, ulong expectedSequence)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[20..]) != Crc32C.Compute(source[..20]))
        {
            throw new FrameException(FrameError.BadHeader,
                $"The header of frame {expectedSequence} is damaged; reconnect.");
        }

        var (sealedLength, plainLength) = (
            BinaryPrimitives.ReadUInt32LittleEndian(source), BinaryPrimitives.ReadUInt32LittleEndian(source[4..]));
        var flags = source[17];
        if (sealedLength < TagSize || sealedLength - TagSize > MaxPayload || plainLength > MaxPayload)
        {
            throw new FrameException(FrameError.TooLarge, $"Frame {expectedSequence} claims {sealedLength} sealed and "
                + $"{plainLength} plain bytes; at most {MaxPayload} are allowed.");
        }

        if (flags > 1 || source[18] != 0 || source[19] != 0 || !Enum.IsDefined((FrameType)source[16])
            || (flags == 0 && plainLength != sealedLength - TagSize))
        {
            throw new FrameException(FrameError.BadHeader,
                $"Frame {expectedSequence} has type {source[16]} and flags {flags}, which are unsupported.");
        }

        var sequence = BinaryPrimitives.ReadUInt64LittleEndian(source[8..]);
        if (sequence != expectedSequence)
        {
            throw new FrameException(FrameError.OutOfOrder,
                $"Frame {sequence} arrived instead of {expectedSequence}: frames were replayed, dropped or reordered.");
        }

        return new FrameHeader((int)sealedLength, (int)plainLength, sequence, (FrameType)source[16], flags == 1);
    }
}
