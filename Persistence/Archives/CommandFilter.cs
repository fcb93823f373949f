// A Bloom filter over command ids: 10 bits for each id, 7 of them set. The places are those of h1 + i * h2 modulo the
// number of bits, i from 0 to 6, where h1 and h2 are the first two 8-byte numbers (little endian) of the SHA-256 of the
// id in RFC 9562 byte order; place p is bit p % 8 of byte p / 8. About 1 in 120 ids that are not in it seems to be. The
// bits are followed by their CRC-32C (u32, little endian): a damaged filter may hold any id, so its file is read.
using System.Buffers.Binary;
using System.Security.Cryptography;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Persistence.Replay;

namespace ReplicationEngine.Persistence.Archives;

/// <summary>Rules out, without opening the file, that a command's events are in an archived part (I19).</summary>
internal static class CommandFilter
{
    private const int BitsPerId = 10;
    private const int Places = 7;
    private const int Checksum = 4;

    /// <summary>Returns the filter of the given ids.</summary>
    public static byte[] Of(IReadOnlyCollection<CommandId> ids)
    {
        var bits = Math.Max(1, ((ids.Count * BitsPerId) + 7) / 8);
        var filter = new byte[bits + Checksum];
        foreach (var id in ids)
        {
            foreach (var place in PlacesOf(id, bits))
            {
                filter[place / 8] |= (byte)(1 << (int)(place % 8));
            }
        }

        BinaryPrimitives.WriteUInt32LittleEndian(filter.AsSpan(bits), ExportFormat.Crc(filter.AsSpan(0, bits)));
        return filter;
    }

    /// <summary>Returns false when the id is certainly not in the filter.</summary>
    public static bool MayHold(byte[] filter, CommandId id) => !IsSound(filter)
        || PlacesOf(id, filter.Length - Checksum).All(place => (filter[place / 8] & (1 << (int)(place % 8))) != 0);

    private static bool IsSound(ReadOnlySpan<byte> filter) => filter.Length > Checksum
        && ExportFormat.Crc(filter[..^Checksum]) == BinaryPrimitives.ReadUInt32LittleEndian(filter[^Checksum..]);

    private static IEnumerable<long> PlacesOf(CommandId id, int bytes)
    {
        var hash = SHA256.HashData(id.Value.ToByteArray(bigEndian: true));
        var (first, step) = (
            BinaryPrimitives.ReadUInt64LittleEndian(hash), BinaryPrimitives.ReadUInt64LittleEndian(hash.AsSpan(8)));
        return Enumerable.Range(0, Places)
            .Select(i => (long)(unchecked(first + ((ulong)i * step)) % ((ulong)bytes * 8)));
    }
}
