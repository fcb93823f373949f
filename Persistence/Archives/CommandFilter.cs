// A Bloom filter over command ids: 10 bits for each id, 7 of them set. The places are those of h1 + i * h2 modulo the
// number of bits, i from 0 to 6, where h1 and h2 are the first two 8-byte numbers (little endian) of the SHA-256 of the
// id in RFC 9562 byte order; place p is bit p % 8 of byte p / 8. Of ids that are not in it about 1 in 120 seems to be.
using System.Buffers.Binary;
using System.Security.Cryptography;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Persistence.Archives;

/// <summary>
/// Tells of most commands that their events are not in an archived part, without opening its file (I19).
/// </summary>
internal static class CommandFilter
{
    private const int BitsPerId = 10;
    private const int Places = 7;

    /// <summary>The filter of these ids.</summary>
    public static byte[] Of(IReadOnlyCollection<CommandId> ids)
    {
        var filter = new byte[Math.Max(1, ((ids.Count * BitsPerId) + 7) / 8)];
        foreach (var id in ids)
        {
            foreach (var place in PlacesOf(id, filter.Length))
            {
                filter[place / 8] |= (byte)(1 << (int)(place % 8));
            }
        }

        return filter;
    }

    /// <summary>False when the id is certainly not one of those the filter was made of.</summary>
    public static bool MayHold(byte[] filter, CommandId id) => filter.Length == 0
        || PlacesOf(id, filter.Length).All(place => (filter[place / 8] & (1 << (int)(place % 8))) != 0);

    private static IEnumerable<long> PlacesOf(CommandId id, int bytes)
    {
        var hash = SHA256.HashData(id.Value.ToByteArray(bigEndian: true));
        var (first, step) = (
            BinaryPrimitives.ReadUInt64LittleEndian(hash), BinaryPrimitives.ReadUInt64LittleEndian(hash.AsSpan(8)));
        return Enumerable.Range(0, Places)
            .Select(i => (long)(unchecked(first + ((ulong)i * step)) % ((ulong)bytes * 8)));
    }
}
