using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas.Bases;

/// <summary>
/// The base images of all disks, below every layer. Read under the store's read lock. Written in two ways, both by one
/// thread: directly, while the store has never had a point (no usable content can be lost); and by folding the oldest
/// layer, a batch of chunks at a time.
/// </summary>
/// <remarks>
/// Why folding is safe at every instant. Chunks of a batch that the layer covers completely are read through the layer
/// until the fold of that layer is in the manifest, so they may be torn meanwhile and are written again. A chunk that
/// the layer covers partly is in the journal with its whole new content, which equals the old one where the layer does
/// not cover it. Sums and roots are in the journal too. After a crash the journal is therefore replayed and the fold
/// starts over; it gives the same result every time.
/// </remarks>
internal sealed class BaseImage : IDisposable
{
    private const string JournalName = "base-journal";
    private readonly List<BaseDisk> _disks = [];
    private readonly BaseJournal _journal;

    private BaseImage(BaseJournal journal) => _journal = journal;

    /// <summary>
    /// Whether a sync or a write in place failed; the images in memory and on storage may then differ.
    /// </summary>
    public bool Poisoned { get; private set; }

    public static BaseImage Create(IStorageDirectory directory, IReadOnlyList<DiskSpec> disks)
    {
        var image = new BaseImage(new BaseJournal(directory.Open(JournalName, StorageOpen.New)));
        for (var i = 0; i < disks.Count; i++)
        {
            image._disks.Add(BaseDisk.Create(directory, i, disks[i].SizeBytes));
        }

        return image;
    }

    public static BaseImage Open(IStorageDirectory directory, IReadOnlyList<DiskSpec> disks)
    {
        var image = new BaseImage(new BaseJournal(directory.Open(JournalName, StorageOpen.Any)));
        for (var i = 0; i < disks.Count; i++)
        {
            image._disks.Add(BaseDisk.Open(directory, i));
        }

        image.WriteInPlace(image._journal.Read());
        image.SyncInPlace();
        for (var i = 0; i < disks.Count; i++)
        {
            image._disks[i].Load(disks[i].SizeBytes);
        }

        return image;
    }

    public BaseDisk this[int disk] => _disks[disk];

    /// <summary>Makes direct writes durable: first the data, then their sums.</summary>
    public void Commit()
    {
        var dirty = _disks.Sum(d => d.Sums.Dirty.Count);
        _journal.Reserve(2 * dirty);
        _disks.ForEach(d => d.Sums.Reserve());
        Guard(() =>
        {
            _disks.ForEach(d => d.SyncData());
            var items = new List<JournalItem>();
            _disks.ForEach(d => d.Sums.TakeDirty(items));
            WriteJournaled(items);
        });
    }

    /// <summary>
    /// Writes a batch of a fold. <paramref name="exclusive"/> runs an action while no reader is active; it is called
    /// once, for the part in which chunks and sums change.
    /// </summary>
    public void Fold(IReadOnlyList<FoldedRun> runs, Action<Action> exclusive)
    {
        foreach (var run in runs.Where(r => !r.Zero))
        {
            _disks[run.Disk].Reserve(run.FirstChunk, run.Count);
        }

        _journal.Reserve(runs.Sum(r => r.Partial.Count + (int)(2 * ((r.Count / ChunkSums.SumsPerPage) + 2))));
        Guard(SyncInPlace);
        Guard(() => exclusive(() =>
        {
            var items = new List<JournalItem>();
            foreach (var run in runs)
            {
                NoteSums(run, items);
            }

            _disks.ForEach(d => d.Sums.TakeDirty(items));
            _journal.Write(items);
            foreach (var run in runs.Where(r => !r.Zero))
            {
                _disks[run.Disk].WriteRaw(run.FirstChunk, run.Data);
            }

            WriteInPlace(items);
        }));
        Guard(SyncInPlace);
    }

    public void Dispose()
    {
        _disks.ForEach(d => d.Dispose());
        _journal.Dispose();
    }

    private void NoteSums(FoldedRun run, List<JournalItem> items)
    {
        var disk = _disks[run.Disk];
        if (run.Zero)
        {
            disk.Zero(run.FirstChunk, run.Count);
            return;
        }

        disk.NoteSums(run.FirstChunk, run.Data);
        foreach (var chunk in run.Partial)
        {
            var content = run.Data.AsMemory((int)((chunk - run.FirstChunk) * BaseDisk.ChunkSize), BaseDisk.ChunkSize);
            items.Add(new JournalItem(run.Disk, JournalKind.Chunk, chunk, content));
        }
    }

    private void WriteJournaled(List<JournalItem> items)
    {
        if (items.Count > 0)
        {
            SyncInPlace();
            _journal.Write(items);
            WriteInPlace(items);
        }
    }

    private void WriteInPlace(IEnumerable<JournalItem> items)
    {
        foreach (var item in items.Where(i => i.Disk < _disks.Count))
        {
            if (item.Kind == JournalKind.Chunk)
            {
                _disks[item.Disk].WriteRaw(item.Index, item.Bytes.Span);
            }
            else
            {
                _disks[item.Disk].Sums.WriteImage(item);
            }
        }
    }

    private void SyncInPlace()
    {
        foreach (var disk in _disks)
        {
            disk.SyncData();
            disk.Sums.Sync();
        }
    }

    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (StorageException)
        {
            Poisoned = true;
            throw;
        }
    }
}

/// <summary>A run of chunks that a fold writes.</summary>
/// <param name="Disk">The index of the disk.</param>
/// <param name="FirstChunk">The index of the first chunk.</param>
/// <param name="Count">The number of chunks.</param>
/// <param name="Zero">Whether all the chunks become zero; there is no data then.</param>
/// <param name="Data">The new content of the chunks.</param>
/// <param name="Partial">The chunks that the layer covers only partly.</param>
internal sealed record FoldedRun(int Disk, long FirstChunk, long Count, bool Zero, byte[] Data,
    IReadOnlyList<long> Partial);
