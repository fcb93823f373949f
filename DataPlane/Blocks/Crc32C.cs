using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ReplicationEngine.DataPlane.Blocks;

/// <summary>CRC-32C (Castagnoli) as in RFC 3720, computed with the processor's instruction if it has one.</summary>
/// <remarks>
/// The instruction accepts one word per cycle but has a latency of three cycles, so one chain of words leaves two
/// thirds of it idle. Long inputs are split into three lanes that run in parallel; the lanes are then joined: appending
/// n bytes multiplies a checksum by x^8n modulo the polynomial P, which is one carry-less multiplication by a constant
/// and one more checksum instruction. The reflected product of two 32-bit values is shifted down by one bit, and the
/// instruction itself multiplies by x^32, so the constant for n bytes is x^(8n-33) mod P.
/// </remarks>
public static class Crc32C
{
    private const uint ReflectedPolynomial = 0x82F63B78;

    /// <summary>
    /// Words per lane: three long lanes fill all but 16 bytes of a 4 KiB chunk, three short ones 1,008 bytes.
    /// </summary>
    private const int LongLane = 170;
    private const int ShortLane = 42;

    private static readonly LaneJoin LongJoin = new(LongLane);
    private static readonly LaneJoin ShortJoin = new(ShortLane);

    /// <summary>Returns the checksum of the bytes; <paramref name="seed"/> continues an earlier checksum.</summary>
    public static uint Compute(ReadOnlySpan<byte> data, uint seed = 0)
    {
        var crc = ~seed;
        var words = MemoryMarshal.Cast<byte, ulong>(data);
        var rest = data[(words.Length * sizeof(ulong))..];
        if (Sse42.X64.IsSupported && Pclmulqdq.IsSupported && words.Length >= 3 * ShortLane)
        {
            crc = ComputeLanes(ref words, crc, LongLane, LongJoin);
            crc = ComputeLanes(ref words, crc, ShortLane, ShortJoin);
        }

        foreach (var word in words)
        {
            crc = BitOperations.Crc32C(crc, word);
        }

        foreach (var value in rest)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return ~crc;
    }

    /// <summary>
    /// Processes as many triples of lanes as the words hold, and removes them from the front of the words.
    /// </summary>
    private static uint ComputeLanes(ref ReadOnlySpan<ulong> words, uint seed, int lane, in LaneJoin join)
    {
        ulong crc = seed;
        while (words.Length >= 3 * lane)
        {
            ref var a = ref MemoryMarshal.GetReference(words);
            ref var b = ref Unsafe.Add(ref a, lane);
            ref var c = ref Unsafe.Add(ref b, lane);
            ulong second = 0, third = 0;
            for (nint i = 0; i < lane; i++)
            {
                crc = Sse42.X64.Crc32(crc, Unsafe.Add(ref a, i));
                second = Sse42.X64.Crc32(second, Unsafe.Add(ref b, i));
                third = Sse42.X64.Crc32(third, Unsafe.Add(ref c, i));
            }

            crc = Append(crc, join.TwoLanes) ^ Append(second, join.OneLane) ^ third;
            words = words[(3 * lane)..];
        }

        return (uint)crc;
    }

    /// <summary>Returns the checksum after appending zero bytes; the constant determines their number.</summary>
    private static ulong Append(ulong crc, Vector128<ulong> constant)
    {
        var product = Pclmulqdq.CarrylessMultiply(Vector128.CreateScalar(crc), constant, 0);
        return Sse42.X64.Crc32(0, product.ToScalar());
    }

    /// <summary>The constants that move a checksum over one and over two lanes.</summary>
    private readonly struct LaneJoin(int words)
    {
        public readonly Vector128<ulong> OneLane = Vector128.CreateScalar((ulong)PowerOfX((words * 64) - 33));
        public readonly Vector128<ulong> TwoLanes = Vector128.CreateScalar((ulong)PowerOfX((words * 128) - 33));

        private static uint PowerOfX(int exponent)
        {
            var value = 0x80000000u;
            for (var i = 0; i < exponent; i++)
            {
                value = (value >> 1) ^ ((value & 1) == 0 ? 0 : ReflectedPolynomial);
            }

            return value;
        }
    }
}
