using System.Text;
using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.DataPlane.Blocks;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Blocks;

public sealed class Crc32c_of_known_vectors
{
    private static readonly byte[] Ascending = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    [Fact]
    public void The_vectors_of_RFC_3720_hold()
    {
        Assert.Equal(0x8A9136AAu, Crc32C.Compute(new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Compute([.. Enumerable.Repeat((byte)0xFF, 32)]));
        Assert.Equal(0x46DD794Eu, Crc32C.Compute(Ascending));
        Assert.Equal(0x113FDB5Cu, Crc32C.Compute([.. Ascending.Reverse()]));
        Assert.Equal(0xE3069283u, Crc32C.Compute(Encoding.ASCII.GetBytes("123456789")));
        Assert.Equal(0u, Crc32C.Compute([]));
    }

    [Fact]
    public void Any_length_and_start_agrees_with_the_definition_bit_by_bit()
    {
        var property = Prop.ForAll(
            Gen.Choose(0, 20_000).Select(l => (Length: l, Skip: l % 13)).Zip(Gen.Choose(0, int.MaxValue)).ToArbitrary(),
            input =>
            {
                var data = new byte[input.Item1.Length];
                new Random(input.Item2).NextBytes(data);
                var part = data.AsSpan(Math.Min(input.Item1.Skip, data.Length));
                return Crc32C.Compute(part) == Slow(part);
            });
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(200), property);
    }

    [Fact]
    public void A_checksum_goes_on_where_another_ended()
    {
        var data = new byte[70_000];
        new Random(7).NextBytes(data);
        foreach (var cut in new[] { 0, 1, 1007, 1008, 4080, 4096, 65_536, data.Length })
        {
            Assert.Equal(Crc32C.Compute(data), Crc32C.Compute(data.AsSpan(cut), Crc32C.Compute(data.AsSpan(0, cut))));
        }
    }

    private static uint Slow(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78);
            }
        }

        return ~crc;
    }
}
