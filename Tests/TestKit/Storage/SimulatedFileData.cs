namespace ReplicationEngine.Tests.TestKit.Storage;

/// <summary>The bytes of a simulated file: as the process sees them, and as the medium has them.</summary>
internal sealed class SimulatedFileData
{
    private readonly SortedSet<long> _unsynced = [];
    private byte[] _current = [];
    private byte[] _durable = [];
    private long _durableLength;

    public long Length { get; private set; }

    public HashSet<long> Allocated { get; } = [];

    public byte[] Content() => _current[..(int)Length];

    public int Read(long offset, Span<byte> destination)
    {
        var count = (int)Math.Clamp(Length - offset, 0, destination.Length);
        _current.AsSpan((int)Math.Min(offset, Length), count).CopyTo(destination);
        return count;
    }

    public void Write(long offset, ReadOnlySpan<byte> source, Random random)
    {
        var end = (int)offset + source.Length;
        Reserve(end);
        source.CopyTo(_current.AsSpan((int)offset));
        Length = Math.Max(Length, end);
        for (var sector = offset / SimulatedStorage.SectorSize; sector * SimulatedStorage.SectorSize < end; sector++)
        {
            _unsynced.Add(sector);
            if (random.Next(16) == 0)
            {
                // The cache writes a sector back by itself; what follows on it is unsynced again.
                CopySector(sector, _current, _durable);
            }
        }
    }

    public void SetLength(long length)
    {
        Reserve((int)length);
        if (length < Length)
        {
            _current.AsSpan((int)length, (int)(Length - length)).Clear();
            const int size = SimulatedStorage.SectorSize;
            for (var sector = length / size; sector * size < Length; sector++)
            {
                _unsynced.Add(sector);
            }
        }

        Length = length;
    }

    public void Sync()
    {
        foreach (var sector in _unsynced)
        {
            CopySector(sector, _current, _durable);
        }

        _unsynced.Clear();
        _durableLength = Length;
    }

    /// <summary>The sync failed: the system forgets what was unsynced, and reports it as clean.</summary>
    public void LoseUnsynced() => _unsynced.Clear();

    public void CutPower(Random random)
    {
        foreach (var sector in _unsynced)
        {
            if (random.Next(2) == 0)
            {
                CopySector(sector, _current, _durable);
            }
        }

        _unsynced.Clear();
        _durableLength = random.Next(2) == 0 ? Length : _durableLength;
        _durable.AsSpan((int)_durableLength).Clear();
        Length = _durableLength;
        _durable.CopyTo(_current, 0);
    }

    public void Flip(long offset, int bit)
    {
        _current[offset] ^= (byte)(1 << bit);
        _durable[offset] = _current[offset];
    }

    private static void CopySector(long sector, byte[] from, byte[] to)
    {
        var at = (int)sector * SimulatedStorage.SectorSize;
        var count = Math.Min(SimulatedStorage.SectorSize, from.Length - at);
        from.AsSpan(at, count).CopyTo(to.AsSpan(at));
    }

    private void Reserve(int length)
    {
        if (length > _current.Length)
        {
            var size = Math.Max(length, _current.Length * 2);
            Array.Resize(ref _current, size);
            Array.Resize(ref _durable, size);
        }
    }
}
