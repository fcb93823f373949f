using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.DataPlane.Transport.Framing;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Transport.Framing;

public sealed class Compressed_blocks
{
    [Fact]
    [Trait("Req", "REP-4")]
    public void Whatever_is_compressed_inflates_to_the_same_bytes()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll<int, ushort, byte>((seed, length, kind) =>
        {
            var source = Data(seed, length, kind);
            var packed = new byte[source.Length + (source.Length / 100) + 1100];
            var size = LzBlock.Compress(source, packed);
            var back = new byte[source.Length];
            return size > 0 && LzBlock.TryInflate(packed.AsSpan(0, size), back) && back.AsSpan().SequenceEqual(source);
        }));
    }

    [Fact]
    [Trait("Req", "S12")]
    public void A_target_too_small_yields_nothing_and_is_never_overrun()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll<int, ushort, ushort>((seed, length, room) =>
        {
            var source = Data(seed, length, 1);
            var target = new byte[room + 64];
            target.AsSpan(room).Fill(0xEE);
            var size = LzBlock.Compress(source, target.AsSpan(0, room));
            return size <= room && !target.AsSpan(room).ContainsAnyExcept((byte)0xEE);
        }));
    }

    [Fact]
    [Trait("Req", "S12")]
    public void Damaged_blocks_never_write_outside_the_target()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll<int, ushort, int>((seed, length, flips) =>
        {
            var source = Data(seed, length, 1);
            var packed = new byte[source.Length + (source.Length / 100) + 1100];
            var size = LzBlock.Compress(source, packed);
            var random = new Random(flips);
            for (var i = 0; i < 3; i++)
            {
                packed[random.Next(size)] = (byte)random.Next(256);
            }

            var target = new byte[source.Length + 64];
            target.AsSpan(source.Length).Fill(0xEE);
            LzBlock.TryInflate(packed.AsSpan(0, size), target.AsSpan(0, source.Length));
            return !target.AsSpan(source.Length).ContainsAnyExcept((byte)0xEE);
        }));
    }

    [Fact]
    [Trait("Req", "S12")]
    public void A_block_that_does_not_inflate_to_its_declared_size_is_refused()
    {
        var source = Data(1, 5000, 1);
        var packed = new byte[6000];
        var size = LzBlock.Compress(source, packed);
        foreach (var declared in new[] { 0, 4999, 5001, 1 << 20 })
        {
            var error = Assert.Throws<FrameException>(() =>
                PayloadCodec.Inflate(packed.AsSpan(0, size), new byte[declared]));
            Assert.Equal(FrameError.BadPayload, error.Error);
        }
    }

    [Fact]
    [Trait("Req", "REP-4")]
    public void Random_bytes_are_left_as_they_are()
    {
        var random = Data(3, 1 << 20, 0);
        Assert.Equal(0, PayloadCodec.TryCompress(random, new byte[random.Length]));
        var text = System.Text.Encoding.ASCII.GetBytes(
            string.Concat(Enumerable.Range(0, 50_000).Select(i => $"line {i} of {i % 97}\n")));
        Assert.InRange(PayloadCodec.TryCompress(text, new byte[text.Length]), 1, text.Length / 2);
    }

    private static byte[] Data(int seed, int length, byte kind)
    {
        var random = new Random(seed);
        var data = new byte[length];
        switch (kind % 3)
        {
            case 0:
                random.NextBytes(data);
                break;
            case 1:
                for (var at = 0; at < length;)
                {
                    var run = Math.Min(random.Next(1, 40), length - at);
                    var from = at > 50 && random.Next(5) > 0 ? at - random.Next(1, Math.Min(at, 70000)) : -1;
                    for (var i = 0; i < run; i++, at++)
                    {
                        data[at] = from >= 0 ? data[from + i] : (byte)random.Next(256);
                    }
                }

                break;
            default:
                data.AsSpan(0, length / 2).Fill((byte)seed);
                break;
        }

        return data;
    }
}
