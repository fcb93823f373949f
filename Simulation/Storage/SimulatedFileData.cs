using ReplicationEngine.Simulation.Kernel;

namespace ReplicationEngine.Simulation.Storage;

/// <summary>
/// The bytes of a simulated file, both as the process sees them and as the medium holds them. The bytes are in pages. A
/// page that was never written takes no memory and is a hole.
/// </summary>
internal sealed class SimulatedFileData
{
    private const int PageSize = SimulatedStorage.BlockSize;
    private const int SectorsPerPage = PageSize / SimulatedStorage.SectorSize;
    private readonly List<int> _dirty = [];
    private readonly HashSet<long> _reserved = [];
    private Page?[] _pages = [];
    private long _durableLength;

    public long Length { get; private set; }

    /// <summary>The number of the file in its file system.</summary>
    public long Number { get; set; }

    /// <summary>The time at which the file was created.</summary>
    public DateTimeOffset Birth { get; set; }

    /// <summary>The time of the file's last change.</summary>
    public DateTimeOffset Changed { get; set; }

    private DateTimeOffset _durableChanged;

    /// <summary>The number of bytes of space that the file takes.</summary>
    public long AllocatedBytes => (long)_reserved.Count * PageSize;

    /// <summary>Takes the space of a block. Returns false when the block already has space.</summary>
    public bool Reserve(long block) => _reserved.Add(block);

    public bool IsReserved(long block) => _reserved.Contains(block);

    public byte[] Content()
    {
        var content = new byte[Length];
        Read(0, content);
        return content;
    }

    public int Read(long offset, Span<byte> destination)
    {
        var count = (int)Math.Clamp(Length - offset, 0, destination.Length);
        for (var done = 0; done < count;)
        {
            var (page, at, length) = Place(offset + done, count - done);
            var target = destination.Slice(done, length);
            if (PageAt(page) is { } known)
            {
                known.Current.AsSpan(at, length).CopyTo(target);
            }
            else
            {
                target.Clear();
            }

            done += length;
        }

        return count;
    }

    public void Write(long offset, ReadOnlySpan<byte> source, SplittableRandom random)
    {
        Length = Math.Max(Length, offset + source.Length);
        for (var done = 0; done < source.Length;)
        {
            var (index, at, length) = Place(offset + done, source.Length - done);
            var page = Obtain(index);
            source.Slice(done, length).CopyTo(page.Current.AsSpan(at));
            Touch(index, page, at, length);
            if (random.Next(4) == 0)
            {
                // The cache writes this sector to the medium by itself. The sector still counts as unsynced, and so
                // does a later write to it.
                page.WriteBack(at / SimulatedStorage.SectorSize);
            }

            done += length;
        }
    }

    public void Zero(long offset, long length)
    {
        var end = Math.Min(offset + length, Length);
        while (offset < end)
        {
            var (index, at, count) = Place(offset, (int)Math.Min(end - offset, int.MaxValue));
            if (PageAt(index) is { } page)
            {
                page.Current.AsSpan(at, count).Clear();
                Touch(index, page, at, count);
            }

            offset += count;
        }
    }

    public (long Length, bool IsHole) NextRun(long offset)
    {
        if (offset >= Length)
        {
            return (0, true);
        }

        var (first, hole) = ((int)(offset / PageSize), PageAt((int)(offset / PageSize)) is null);
        var next = first + 1;
        while ((long)next * PageSize < Length && PageAt(next) is null == hole)
        {
            next++;
        }

        return (Math.Min((long)next * PageSize, Length) - offset, hole);
    }

    public void SetLength(long length)
    {
        if (length < Length)
        {
            Zero(length, Length - length);
        }

        Length = length;
    }

    public void Sync()
    {
        foreach (var index in _dirty)
        {
            _pages[index]!.WriteBackAll();
        }

        _dirty.Clear();
        _durableLength = Length;
        _durableChanged = Changed;
    }

    /// <summary>
    /// Copies the bytes: as the process sees them, or, with a source of chance, as a crash leaves them.
    /// </summary>
    public SimulatedFileData Copy(SplittableRandom? crash)
    {
        var copy = new SimulatedFileData
        {
            _pages = [.. _pages.Select(page => page?.Copy())],
            _durableLength = _durableLength,
            _durableChanged = _durableChanged,
            Length = Length,
            Number = Number,
            Birth = Birth,
            Changed = Changed,
        };
        copy._dirty.AddRange(_dirty);
        copy._reserved.UnionWith(_reserved);
        if (crash is null)
        {
            // A copy reads the bytes that the process sees, also those that a failed sync did not bring to the medium.
            copy.SyncAll();
        }
        else
        {
            copy.CutPower(crash);
        }

        return copy;
    }

    private void SyncAll()
    {
        foreach (var page in _pages)
        {
            page?.TakeForDurable();
        }

        Sync();
    }

    /// <summary>
    /// Simulates the effect of a failed sync: the system forgets the unsynced changes and reports the pages as clean.
    /// </summary>
    public void LoseUnsynced()
    {
        foreach (var index in _dirty)
        {
            _pages[index]!.Unsynced = 0;
        }

        _dirty.Clear();
    }

    /// <summary>Drops clean sectors from the cache, so that they are read from the medium again.</summary>
    public void DropCached()
    {
        foreach (var page in _pages)
        {
            page?.DropClean();
        }
    }

    public void CutPower(SplittableRandom random)
    {
        if (Changed != _durableChanged && random.Chance(0.5))
        {
            Changed = _durableChanged;
        }

        _durableChanged = Changed;
        _dirty.Sort();
        foreach (var index in _dirty)
        {
            var page = _pages[index]!;
            for (var sector = 0; sector < SectorsPerPage; sector++)
            {
                if ((page.Unsynced >> sector & 1) != 0 && random.Next(2) == 0)
                {
                    page.WriteBack(sector);
                }
            }

            page.Unsynced = 0;
        }

        _dirty.Clear();
        _durableLength = random.Next(2) == 0 ? Length : _durableLength;
        Length = _durableLength;
        for (var index = 0; index < _pages.Length; index++)
        {
            _pages[index]?.FallBack(Length - ((long)index * PageSize));
        }
    }

    public void Flip(long offset, int bit)
    {
        var page = Obtain((int)(offset / PageSize));
        page.Rot((int)(offset % PageSize), bit);
    }

    private static (int Page, int At, int Length) Place(long offset, int most)
    {
        var at = (int)(offset % PageSize);
        return ((int)(offset / PageSize), at, Math.Min(most, PageSize - at));
    }

    private Page? PageAt(int index) => index < _pages.Length ? _pages[index] : null;

    private Page Obtain(int index)
    {
        if (index >= _pages.Length)
        {
            Array.Resize(ref _pages, Math.Max(index + 1, _pages.Length * 2));
        }

        return _pages[index] ??= new Page();
    }

    private void Touch(int index, Page page, int at, int length)
    {
        if (page.Unsynced == 0)
        {
            _dirty.Add(index);
        }

        var (first, last) = (at / SimulatedStorage.SectorSize, (at + length - 1) / SimulatedStorage.SectorSize);
        page.Unsynced |= (byte)((1 << (last + 1)) - (1 << first));
    }

    private sealed class Page
    {
        private byte[]? _durable;

        public byte[] Current { get; private init; } = new byte[PageSize];

        public byte Unsynced { get; set; }

        public void WriteBack(int sector)
        {
            var at = sector * SimulatedStorage.SectorSize;
            _durable ??= new byte[PageSize];
            Current.AsSpan(at, SimulatedStorage.SectorSize).CopyTo(_durable.AsSpan(at));
        }

        public void WriteBackAll()
        {
            for (var sector = 0; sector < SectorsPerPage; sector++)
            {
                if ((Unsynced >> sector & 1) != 0)
                {
                    WriteBack(sector);
                }
            }

            Unsynced = 0;
        }

        public void TakeForDurable() => (_durable, Unsynced) = ((byte[])Current.Clone(), 0);

        public void DropClean()
        {
            for (var sector = 0; sector < SectorsPerPage; sector++)
            {
                if ((Unsynced >> sector & 1) == 0)
                {
                    var at = sector * SimulatedStorage.SectorSize;
                    var now = Current.AsSpan(at, SimulatedStorage.SectorSize);
                    if (_durable is null)
                    {
                        now.Clear();
                    }
                    else
                    {
                        _durable.AsSpan(at, SimulatedStorage.SectorSize).CopyTo(now);
                    }
                }
            }
        }

        public void FallBack(long length)
        {
            var keep = (int)Math.Clamp(length, 0, PageSize);
            _durable?.AsSpan(keep).Clear();
            if (_durable is null)
            {
                Current.AsSpan().Clear();
            }
            else
            {
                _durable.CopyTo(Current, 0);
            }
        }

        public Page Copy() => new()
        {
            _durable = (byte[]?)_durable?.Clone(),
            Current = (byte[])Current.Clone(),
            Unsynced = Unsynced,
        };

        public void Rot(int at, int bit)
        {
            _durable ??= new byte[PageSize];
            Current[at] ^= (byte)(1 << bit);
            _durable[at] = Current[at];
        }
    }
}
