using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.Tests.DataPlane.Replicas;

/// <summary>A file of a <see cref="CrashableDirectory"/>: what is durable, and what was written since.</summary>
internal sealed class CrashableFile(CrashableDirectory directory, string name)
{
    private const int Sector = 512;
    private readonly Lock _lock = new();
    private readonly List<(long Offset, byte[]? Data)> _unsynced = [];
    private byte[] _content = [];
    private byte[] _durable = [];
    private int _length;
    private bool _poisoned;

    public string Name => name;

    public long Length
    {
        get
        {
            directory.EnsureAlive();
            return _length;
        }
    }

    /// <summary>The content as it is, to damage it.</summary>
    public Span<byte> Content => _content.AsSpan(0, _length);

    public int Read(long offset, Span<byte> destination)
    {
        directory.EnsureAlive();
        lock (_lock)
        {
            var count = (int)Math.Clamp(_length - offset, 0, destination.Length);
            _content.AsSpan((int)Math.Min(offset, _length), count).CopyTo(destination);
            return count;
        }
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        var data = source.ToArray();
        directory.Count(() => Put(offset, data.AsSpan(0, data.Length / 2)));
        if (directory.IsFull)
        {
            Put(offset, data.AsSpan(0, data.Length / 3));
            throw new StorageException("no space left", StorageException.NoSpace);
        }

        Put(offset, data);
    }

    public void Allocate()
    {
        directory.Count();
        if (directory.IsFull)
        {
            throw new StorageException("no space left", StorageException.NoSpace);
        }
    }

    public void SetLength(long length)
    {
        directory.Count();
        lock (_lock)
        {
            _unsynced.Add((length, null));
            Resize(length);
        }
    }

    public void Sync()
    {
        directory.Count();
        if (directory.SyncsFail || _poisoned)
        {
            _poisoned = true;
            throw new StorageException("the sync failed", StorageException.InputOutput);
        }

        lock (_lock)
        {
            if (_unsynced.Count > 0)
            {
                _durable = Content.ToArray();
                _unsynced.Clear();
            }
        }
    }

    public void CutPower(Random random)
    {
        (_content, _length, _poisoned) = ([.. _durable], _durable.Length, false);
        foreach (var (offset, data) in _unsynced)
        {
            var fate = random.Next(3);
            if (fate == 0)
            {
                continue;
            }

            if (data is null)
            {
                Resize(offset);
                continue;
            }

            var kept = fate == 1 ? data.Length : random.Next((data.Length / Sector) + 1) * Sector;
            Place(offset, data.AsSpan(0, kept));
        }

        _unsynced.Clear();
        _durable = Content.ToArray();
    }

    private void Put(long offset, ReadOnlySpan<byte> data)
    {
        lock (_lock)
        {
            _unsynced.Add((offset, data.ToArray()));
            Place(offset, data);
        }
    }

    private void Place(long offset, ReadOnlySpan<byte> data)
    {
        if (data.Length > 0)
        {
            Resize(Math.Max(_length, offset + data.Length));
            data.CopyTo(_content.AsSpan((int)offset));
        }
    }

    private void Resize(long length)
    {
        if (length < _length)
        {
            _content.AsSpan((int)length, _length - (int)length).Clear();
        }
        else if (length > _content.Length)
        {
            Array.Resize(ref _content, (int)Math.Max(length, Math.Min(_content.Length * 2L, 64 << 20)));
        }

        _length = (int)length;
    }
}
