using System.Numerics;
using System.Runtime.InteropServices;

namespace ReplicationEngine.DataPlane.Blocks;

/// <summary>CRC-32C (Castagnoli) as in RFC 3720, on the processor's own instruction where there is one.</summary>
public static class Crc32C
{
    /// <summary>The checksum of the bytes; <paramref name="seed"/> continues an earlier checksum.</summary>
    public static uint Compute(ReadOnlySpan<byte> data, uint seed = 0)
    {
        var crc = ~seed;
        var words = MemoryMarshal.Cast<byte, ulong>(data);
        foreach (var word in words)
        {
            crc = BitOperations.Crc32C(crc, word);
        }

        foreach (var value in data[(words.Length * sizeof(ulong))..])
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return ~crc;
    }
}
