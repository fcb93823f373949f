namespace ReplicationEngine.DataPlane.Storage;

/// <summary>
/// The content of one file of an <see cref="UnalteredDirectory"/>: the file on disk and, over it, the written pages in
/// memory. Safe to use from several threads.
/// </summary>
/// <param name="name">The path of the file on disk, which never changes; also for messages.</param>
/// <param name="onDisk">Whether the file exists on disk.</param>
internal sealed class UnalteredContent(string name, bool onDisk)
{
    private const int PageSize = 4096;
    private readonly Lock _lock = new();
    private readonly Dictionary<long, byte[]> _pages = [];
    private IStorageFile? _below;
    private int _openings;
    private bool _measured;
    private long _length;

    // The bytes of the file on disk that still apply; less than its length after the content was truncated.
    private long _fromBelow;

    /// <summary>The path of the file, for messages.</summary>
    public string Name => name;

    /// <summary>The length of the content in bytes.</summary>
    public long Length
    {
        get
        {
            lock (_lock)
            {
                return _length;
            }
        }
    }

    /// <summary>Opens the content again. The file on disk is open while at least one opening is.</summary>
    /// <exception cref="StorageException">The file on disk cannot be opened.</exception>
    public UnalteredFile Open()
    {
        lock (_lock)
        {
            if (onDisk && _openings == 0)
            {
                _below = FileStorageDirectory.OpenPath(name, FileMode.Open, FileAccess.Read);
                if (!_measured)
                {
                    (_measured, _length, _fromBelow) = (true, _below.Length, _below.Length);
                }
            }

            _openings++;
            return new UnalteredFile(this);
        }
    }

    /// <summary>Ends one opening.</summary>
    public void Close()
    {
        lock (_lock)
        {
            if (--_openings == 0)
            {
                _below?.Dispose();
                _below = null;
            }
        }
    }

    /// <summary>Reads at an offset; returns fewer bytes than requested only at the end.</summary>
    /// <exception cref="StorageException">The file on disk cannot be read.</exception>
    public int Read(long offset, Span<byte> destination)
    {
        lock (_lock)
        {
            var target = destination[..(int)Math.Clamp(_length - offset, 0, destination.Length)];
            if (_pages.Count == 0)
            {
                ReadBelow(offset, target);
                return target.Length;
            }

            for (var done = 0; done < target.Length;)
            {
                var (page, within) = Math.DivRem(offset + done, PageSize);
                var count = (int)Math.Min(PageSize - within, target.Length - done);
                var part = target.Slice(done, count);
                if (_pages.TryGetValue(page, out var changed))
                {
                    changed.AsSpan((int)within, count).CopyTo(part);
                }
                else
                {
                    ReadBelow(offset + done, part);
                }

                done += count;
            }

            return target.Length;
        }
    }

    /// <summary>Writes all bytes at an offset, in memory.</summary>
    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        lock (_lock)
        {
            for (var done = 0; done < source.Length;)
            {
                var (page, within) = Math.DivRem(offset + done, PageSize);
                var count = (int)Math.Min(PageSize - within, source.Length - done);
                source.Slice(done, count).CopyTo(PageOf(page).AsSpan((int)within));
                done += count;
            }

            _length = Math.Max(_length, offset + source.Length);
        }
    }

    /// <summary>Sets the length; new bytes are zero.</summary>
    public void SetLength(long length)
    {
        lock (_lock)
        {
            if (length < _length)
            {
                var (last, within) = Math.DivRem(length, PageSize);
                foreach (var page in _pages.Keys.Where(p => p > last || (p == last && within == 0)).ToList())
                {
                    _pages.Remove(page);
                }

                if (_pages.TryGetValue(last, out var cut))
                {
                    cut.AsSpan((int)within).Clear();
                }

                _fromBelow = Math.Min(_fromBelow, length);
            }

            _length = length;
        }
    }

    /// <summary>Makes a range inside the file read as zeroes, in memory.</summary>
    public void Zero(long offset, long length)
    {
        var zeroes = new byte[(int)Math.Min(length, 1 << 20)];
        for (var done = 0L; done < length; done += zeroes.Length)
        {
            Write(offset + done, zeroes.AsSpan(0, (int)Math.Min(zeroes.Length, length - done)));
        }
    }

    /// <summary>Returns the first run from an offset; if any page was written, all is data.</summary>
    public (long Length, bool IsHole) NextRun(long offset)
    {
        lock (_lock)
        {
            return offset >= _length ? (0, true)
                : _below is not null && _pages.Count == 0 && _fromBelow == _length ? _below.NextRun(offset)
                : (_length - offset, false);
        }
    }

    private byte[] PageOf(long page)
    {
        if (!_pages.TryGetValue(page, out var bytes))
        {
            bytes = new byte[PageSize];
            ReadBelow(page * PageSize, bytes);
            _pages.Add(page, bytes);
        }

        return bytes;
    }

    private void ReadBelow(long offset, Span<byte> target)
    {
        var count = (int)Math.Clamp(_fromBelow - offset, 0, target.Length);
        var read = count == 0 ? 0 : _below!.Read(offset, target[..count]);
        target[read..].Clear();
    }
}

/// <summary>An opening of a content. The content remains when the opening is closed.</summary>
internal sealed class UnalteredFile(UnalteredContent content) : IStorageFile
{
    private int _closed;

    /// <inheritdoc/>
    public string Name => content.Name;

    /// <inheritdoc/>
    public long Length => content.Length;

    /// <inheritdoc/>
    public int Read(long offset, Span<byte> destination) => content.Read(offset, destination);

    /// <inheritdoc/>
    public void Write(long offset, ReadOnlySpan<byte> source) => content.Write(offset, source);

    /// <inheritdoc/>
    public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> sources)
    {
        foreach (var source in sources)
        {
            content.Write(offset, source.Span);
            offset += source.Length;
        }
    }

    /// <inheritdoc/>
    public void SetLength(long length) => content.SetLength(length);

    /// <inheritdoc/>
    public void Allocate(long offset, long length)
    {
        // Memory is allocated on writing; the length grows as it does with the system's own call.
        if (offset + length > content.Length)
        {
            content.SetLength(offset + length);
        }
    }

    /// <inheritdoc/>
    public void PunchHole(long offset, long length) =>
        content.Zero(offset, Math.Min(length, content.Length - offset));

    /// <inheritdoc/>
    public (long Length, bool IsHole) NextRun(long offset) => content.NextRun(offset);

    /// <inheritdoc/>
    public void Sync()
    {
        // Nothing was changed on disk, so nothing has to become durable.
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
        {
            content.Close();
        }
    }
}
