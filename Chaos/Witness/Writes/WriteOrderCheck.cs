using System.Buffers.Binary;

namespace ReplicationEngine.Chaos.Witness.Writes;

/// <summary>
/// Checks images against the writer's own log (I1, I4). Each block must hold the base's bytes or those of one complete
/// write. If a write is present, every write that was acknowledged before its submission must be present too. Writes
/// that were in flight together may be present or not.
/// </summary>
public static class WriteOrderCheck
{
    /// <summary>Returns the writes that are missing from the images and not covered by a newer one.</summary>
    /// <param name="bases">The disks before the first write.</param>
    /// <param name="images">The disks to check, in the same order.</param>
    /// <param name="writes">The writer's log.</param>
    /// <param name="what">The images' name in messages.</param>
    /// <exception cref="EvidenceException">The images are no prefix of the acknowledged writes.</exception>
    public static IReadOnlyList<NumberedWrite> Prefix(
        IReadOnlyList<byte[]> bases, IReadOnlyList<byte[]> images, IEnumerable<NumberedWrite> writes, string what)
    {
        var (present, missing) = (new List<NumberedWrite>(), new List<NumberedWrite>());
        var ofDisk = writes.ToLookup(w => w.Disk);
        for (var disk = 0; disk < images.Count; disk++)
        {
            Observe(disk, bases[disk], images[disk], ofDisk[disk], present, missing, what);
        }

        var firstGone = missing.Where(w => w.Acknowledged is not null).MinBy(w => w.Acknowledged);
        var lastThere = present.MaxBy(w => w.Submitted);
        if (firstGone is not null && lastThere is not null && lastThere.Submitted > firstGone.Acknowledged)
        {
            throw new EvidenceException(
                $"{what}: write {lastThere.Number} is there (disk {lastThere.Disk}, block {lastThere.Block}), but "
                + $"write {firstGone.Number} (disk {firstGone.Disk}, block {firstGone.Block}), acknowledged before "
                + "that was submitted, is not.");
        }

        return missing;
    }

    /// <summary>Checks that the images hold every acknowledged write.</summary>
    /// <exception cref="EvidenceException">An acknowledged write is missing.</exception>
    public static void Complete(
        IReadOnlyList<byte[]> bases, IReadOnlyList<byte[]> images, IEnumerable<NumberedWrite> writes, string what)
    {
        var gone = Prefix(bases, images, writes, what).Where(w => w.Acknowledged is not null).ToList();
        EvidenceException.Unless(gone.Count == 0,
            $"{what}: {gone.Count} acknowledged writes are missing, the first is {gone.FirstOrDefault()?.Number}.");
    }

    /// <summary>Checks that two images are equal; the message names the first difference.</summary>
    /// <exception cref="EvidenceException">The images differ.</exception>
    public static void Equal(byte[] expected, byte[] found, string what)
    {
        EvidenceException.Unless(
            expected.Length == found.Length, $"{what} has {found.Length} bytes, not {expected.Length}.");
        var same = expected.AsSpan().CommonPrefixLength(found);
        EvidenceException.Unless(
            same == expected.Length,
            $"{what} differs at byte {same} (block {same / NumberedWrite.Bytes}) and in "
            + $"{Blocks(expected, found)} blocks in all.");
    }

    private static int Blocks(byte[] a, byte[] b) => Enumerable.Range(0, a.Length / NumberedWrite.Bytes).Count(i =>
        !a.AsSpan(i * NumberedWrite.Bytes,
            NumberedWrite.Bytes).SequenceEqual(b.AsSpan(i * NumberedWrite.Bytes, NumberedWrite.Bytes)));

    private static void Observe(
        int disk, byte[] before, byte[] image, IEnumerable<NumberedWrite> writes, List<NumberedWrite> present,
        List<NumberedWrite> missing, string what)
    {
        EvidenceException.Unless(before.Length == image.Length,
            $"{what}: disk {disk} has {image.Length} bytes, not {before.Length}.");
        var ofBlock = writes.ToLookup(w => w.Block);
        for (long block = 0; block < image.Length / NumberedWrite.Bytes; block++)
        {
            var seen = image.AsSpan((int)(block * NumberedWrite.Bytes), NumberedWrite.Bytes);
            var newestFirst = ofBlock[block].OrderByDescending(w => w.Submitted).ToList();
            var number = BinaryPrimitives.ReadInt64LittleEndian(seen);
            var found = newestFirst.FindIndex(w => w.Number == number);
            found = found >= 0 && seen.SequenceEqual(NumberedWrite.Content(number)) ? found : -1;

            var isBase = seen.SequenceEqual(before.AsSpan((int)(block * NumberedWrite.Bytes), NumberedWrite.Bytes));
            EvidenceException.Unless(
                found >= 0 || isBase,
                $"{what}: block {block} of disk {disk} matches neither the base nor one of its "
                    + $"{newestFirst.Count} writes.");
            EvidenceException.Unless(found < 0 || !newestFirst[found].Void,
                $"{what}: block {block} of disk {disk} contains a write that was never made.");
            missing.AddRange(found < 0 ? newestFirst : newestFirst[..found]);
            if (found >= 0)
            {
                present.Add(newestFirst[found]);
            }
        }
    }
}
