using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.DataPlane.Transport.Framing;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Transport.Framing;

public sealed class Frames_on_the_wire
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)(i * 7))];

    [Fact]
    [Trait("Req", "S9")]
    public void Whatever_is_sealed_opens_to_the_same_bytes_in_place_or_apart()
    {
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll<byte[], uint, bool>((payload, sequence, inPlace) =>
        {
            using var cipher = Cipher(1);
            var frame = Seal(cipher, sequence, payload, inPlace);
            var header = FrameHeader.Read(frame, sequence);
            cipher.Open(header, frame);
            return header.Type == FrameType.Records && header.FrameLength == frame.Length
                && frame.AsSpan(FrameHeader.Size, header.CipherLength).SequenceEqual(payload);
        }));
    }

    [Fact]
    [Trait("Req", "I7")]
    [Trait("Req", "S9")]
    public void One_flipped_bit_anywhere_in_a_frame_is_a_typed_error()
    {
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll<byte[], uint, uint>((payload, sequence, place) =>
        {
            using var cipher = Cipher(1);
            var frame = Seal(cipher, sequence, payload, false);
            frame[place / 8 % frame.Length] ^= (byte)(1 << (int)(place % 8));
            return Throws(() => cipher.Open(FrameHeader.Read(frame, sequence), frame)) is not null;
        }));
    }

    [Fact]
    [Trait("Req", "S9")]
    [Trait("Req", "I5")]
    public void A_replayed_a_reordered_and_a_foreign_frame_are_told_apart()
    {
        using var cipher = Cipher(1);
        using var foreign = Cipher(2);
        var frame = Seal(cipher, 5, [1, 2, 3], false);
        Assert.Equal(FrameError.OutOfOrder, Throws(() => FrameHeader.Read(frame, 6)));
        Assert.Equal(FrameError.OutOfOrder, Throws(() => FrameHeader.Read(frame, 4)));
        Assert.Equal(FrameError.NotAuthentic, Throws(() => foreign.Open(FrameHeader.Read(frame, 5), frame)));

        // The header of a later frame over the body of an earlier one.
        var later = Seal(cipher, 6, [9, 9, 9], false);
        later.AsSpan(0, FrameHeader.Size).CopyTo(frame);
        Assert.Equal(FrameError.NotAuthentic, Throws(() => cipher.Open(FrameHeader.Read(frame, 6), frame)));
    }

    [Theory]
    [InlineData(FrameHeader.MaxPayload + 1 + FrameHeader.TagSize, 10, true)]
    [InlineData(100, FrameHeader.MaxPayload + 1, true)]
    [InlineData(FrameHeader.TagSize - 1, 0, true)]
    [InlineData(-1, 0, true)]
    [InlineData(100, 84, false)]
    [Trait("Req", "S4")]
    [Trait("Req", "S12")]
    public void Lengths_are_checked_before_any_memory_is_taken(int sealedLength, int plainLength, bool tooLarge)
    {
        var bytes = new byte[FrameHeader.Size];
        new FrameHeader(sealedLength, plainLength, 0, FrameType.Blocks, false).Write(bytes);
        Assert.Equal(tooLarge ? FrameError.TooLarge : null, Throws(() => FrameHeader.Read(bytes, 0)));
    }

    [Fact]
    [Trait("Req", "S20")]
    public void The_same_salts_in_other_hellos_give_other_keys()
    {
        var (one, _) = SessionKeys.Ciphers(Key, [1], [2], [3]);
        var (two, other) = SessionKeys.Ciphers(Key, [1], [3], [3]);
        var frame = Seal(one, 0, [1, 2, 3], false);
        Assert.Equal(FrameError.NotAuthentic,
            Throws(() => two.Open(FrameHeader.Read(frame, 0), (byte[])frame.Clone())));
        Assert.Equal(FrameError.NotAuthentic,
            Throws(() => other.Open(FrameHeader.Read(frame, 0), (byte[])frame.Clone())));
    }

    [Fact]
    public async Task A_stream_cut_at_any_byte_ends_between_frames_or_is_truncated()
    {
        using var cipher = Cipher(1);
        byte[] stream = [.. Seal(cipher, 0, new byte[100], false), .. Seal(cipher, 1, new byte[3], false)];
        var first = FrameHeader.Size + 100 + FrameHeader.TagSize;
        for (var cut = 0; cut <= stream.Length; cut++)
        {
            using var reader = new FrameStreamReader(new MemoryStream(stream, 0, cut), new BufferPool(), 0);
            var frames = 0;
            var error = await Record.ExceptionAsync(async () =>
            {
                while (await reader.ReadHeaderAsync(TestContext.Current.CancellationToken) is { } header)
                {
                    await reader.ReadBodyAsync(header, TestContext.Current.CancellationToken);
                    frames++;
                }
            });
            Assert.Equal(cut == stream.Length ? 2 : cut >= first ? 1 : 0, frames);
            Assert.Equal(
                cut == 0 || cut == first || cut == stream.Length ? null : FrameError.Truncated,
                    (error as FrameException)?.Error);
        }
    }

    private static FrameCipher Cipher(byte context) => new(Key, [.. Enumerable.Repeat(context, 32)]);

    private static byte[] Seal(FrameCipher cipher, ulong sequence, byte[] payload, bool inPlace)
    {
        var frame = new byte[payload.Length + FrameHeader.Size + FrameHeader.TagSize];
        payload.CopyTo(frame, FrameHeader.Size);
        var content = inPlace ? frame.AsSpan(FrameHeader.Size, payload.Length) : payload;
        Assert.Equal(frame.Length, cipher.Seal(FrameType.Records, sequence, content, frame, payload.Length, false));
        return frame;
    }

    private static FrameError? Throws(Action action) => (Record.Exception(action) as FrameException)?.Error;
}
