namespace ReplicationEngine.DataPlane.Replicas.Extents;

/// <summary>
/// The location of the bytes of a part of one region: 24 bytes. Segment 0 means zeroes; <see cref="Below"/> means "not
/// in any layer", so the content below the layers applies.
/// </summary>
internal readonly record struct Extent
{
    public Extent(int start, int length, uint segment, long record, int delta)
    {
        Start = start;
        Length = length;
        Segment = segment;
        Record = record;
        Delta = delta;
    }

    /// <summary>The segment number of an extent that no layer holds.</summary>
    public const uint Below = uint.MaxValue;

    /// <summary>The offset of the first byte in the region.</summary>
    public int Start { get; }

    public int Length { get; }

    /// <summary>The segment that holds the record; 0 for zeroes.</summary>
    public uint Segment { get; }

    /// <summary>The offset of the first byte within the record's data.</summary>
    public int Delta { get; }

    /// <summary>The offset of the record in its segment.</summary>
    public long Record { get; }

    public int End => Start + Length;

    public bool IsZero => Segment == 0;

    public bool IsBelow => Segment == Below;

    /// <summary>Returns the part of this extent between two offsets in the region.</summary>
    public Extent Slice(int start, int end) =>
        new(start, end - start, Segment, Record, Segment is 0 or Below ? 0 : Delta + (start - Start));
}

/// <summary>An extent as a view sees it, and the newest layer number of its layer (0: from below).</summary>
internal readonly record struct Piece(Extent Extent, long Layer);

/// <summary>
/// Divides a disk into regions, so that an index is a table of small sorted lists: no extent crosses a region's border.
/// </summary>
internal static class Region
{
    public const int Size = 256 << 10;

    public static long Of(long offset) => offset / Size;

    public static long StartOf(long region) => region * Size;

    /// <summary>Returns one number for a region of a disk, ordered by disk, then offset.</summary>
    public static long Key(int disk, long region) => ((long)disk << 44) | region;

    public static int DiskOf(long key) => (int)(key >> 44);

    public static long RegionOf(long key) => key & ((1L << 44) - 1);
}
