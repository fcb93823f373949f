namespace ReplicationEngine.DataPlane.Replicas.Extents;

/// <summary>
/// The most recently read index pages, checked once when they were read: a table with one slot per hash, at most 16
/// MiB. Safe to call from several threads; a page is never changed.
/// </summary>
internal sealed class PageCache
{
    private const int Slots = 4096;
    private readonly Entry?[] _entries = new Entry?[Slots];

    public byte[]? Find(uint file, int page)
    {
        var entry = Volatile.Read(ref _entries[Slot(file, page)]);
        return entry is not null && entry.File == file && entry.Page == page ? entry.Bytes : null;
    }

    public void Put(uint file, int page, byte[] bytes) =>
        Volatile.Write(ref _entries[Slot(file, page)], new Entry(file, page, bytes));

    private static int Slot(uint file, int page) =>
        (int)(((((ulong)file << 32) | (uint)page) * 0x9E3779B97F4A7C15UL) >> 40) & (Slots - 1);

    private sealed record Entry(uint File, int Page, byte[] Bytes);
}
