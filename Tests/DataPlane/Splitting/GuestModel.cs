using System.Buffers.Binary;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Splitting;

/// <summary>
/// What a guest may find on one disk: per sector the stamps it may read after a power cut (all since the last flush),
/// the last of which is what it reads now. Independent of the code under test.
/// </summary>
internal sealed class GuestModel(long size)
{
    public const int Sector = 512;
    private const long Torn = -1;
    private readonly Dictionary<int, List<long>> _stamps = [];

    public int Sectors => (int)(size / Sector);

    /// <summary>A sector's content for a stamp; stamp 0 is zeroes.</summary>
    public static void Fill(Span<byte> data, long stamp)
    {
        for (var at = 0; at < data.Length; at += sizeof(long))
        {
            BinaryPrimitives.WriteInt64LittleEndian(data[at..], stamp);
        }
    }

    /// <summary>A write was acknowledged.</summary>
    public void Wrote(int sector, int count, long stamp)
    {
        for (var i = sector; i < sector + count; i++)
        {
            At(i).Add(stamp);
        }
    }

    /// <summary>A flush was acknowledged.</summary>
    public void Flushed()
    {
        foreach (var stamps in _stamps.Values)
        {
            stamps.RemoveRange(0, stamps.Count - 1);
        }
    }

    /// <summary>Checks a disk after a crash and takes what it holds as the new truth.</summary>
    public void Check(byte[] disk, bool powerCut, IReadOnlyList<(int Sector, int Count, long Stamp)> underWay)
    {
        for (var i = 0; i < Sectors; i++)
        {
            var found = Stamp(disk.AsSpan(i * Sector, Sector));
            if (found == 0 && !_stamps.ContainsKey(i) && underWay.Count == 0)
            {
                continue;
            }

            var stamps = At(i);
            var mayBe = underWay
                .Where(w => i >= w.Sector && i < w.Sector + w.Count)
                .SelectMany(w => new[] { w.Stamp, Torn })
                .ToList();
            var allowed = (powerCut ? stamps : stamps[^1..]).Concat(mayBe);
            Assert.True(
                allowed.Contains(found),
                $"sector {i} holds {found}; allowed: {string.Join(' ', allowed)} (power cut: {powerCut})");
            if (powerCut)
            {
                stamps.Clear();
            }
            else
            {
                // What the write left when it died may be on the medium until the next flush.
                stamps.AddRange(mayBe);
            }

            stamps.Add(found);
        }
    }

    private static long Stamp(ReadOnlySpan<byte> sector)
    {
        var first = BinaryPrimitives.ReadInt64LittleEndian(sector);
        for (var at = 8; at < Sector; at += 8)
        {
            if (first != BinaryPrimitives.ReadInt64LittleEndian(sector[at..]))
            {
                return Torn;
            }
        }

        return first;
    }

    private List<long> At(int sector)
    {
        if (!_stamps.TryGetValue(sector, out var stamps))
        {
            _stamps[sector] = stamps = [0];
        }

        return stamps;
    }
}
