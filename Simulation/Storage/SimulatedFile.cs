using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.Simulation.Storage;

/// <summary>An open file of a <see cref="SimulatedStorage"/>.</summary>
internal sealed class SimulatedFile(SimulatedStorage storage, int life, string path,
    SimulatedFileData data) : IStorageFile
{
    private bool _poisoned;
    private bool _disposed;

    public string Name => "/" + path;

    /// <summary>The number of the file in its file system.</summary>
    public long Number => data.Number;

    /// <summary>The time at which the file was created.</summary>
    public DateTimeOffset Birth => data.Birth;

    /// <summary>The time of the file's last change.</summary>
    public DateTimeOffset Changed => data.Changed;

    public long Length
    {
        get
        {
            lock (storage.Gate)
            {
                Check();
                return data.Length;
            }
        }
    }

    public int Read(long offset, Span<byte> destination)
    {
        lock (storage.Gate)
        {
            Check();
            return data.Read(offset, destination);
        }
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        storage.BeforeWrite?.Invoke(path, offset);
        lock (storage.Gate)
        {
            Check();
            if (storage.FailsToWrite(path) is var errno and not 0)
            {
                throw new StorageException($"cannot write '{path}'", errno);
            }

            if (storage.Count(life))
            {
                // A torn write: the process dies during the call.
                data.Write(offset, source[..storage.Random.Next(source.Length + 1)], storage.Random);
                throw new SimulatedDeathException();
            }

            Touch();
            WriteWithSpace(storage.Misdirects?.Invoke(path, offset) ?? offset, source);
        }
    }

    public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> sources)
    {
        foreach (var source in sources)
        {
            Write(offset, source.Span);
            offset += source.Length;
        }
    }

    public void SetLength(long length)
    {
        lock (storage.Gate)
        {
            Check();
            Count();
            Touch();
            data.SetLength(length);
        }
    }

    public void Allocate(long offset, long length)
    {
        lock (storage.Gate)
        {
            Check();
            Count();
            if (!storage.Take(data, offset, length))
            {
                throw new StorageException($"no space left for '{path}'", StorageException.NoSpace);
            }

            data.SetLength(Math.Max(data.Length, offset + length));
        }
    }

    public void PunchHole(long offset, long length)
    {
        lock (storage.Gate)
        {
            Check();
            Count();
            Touch();
            data.Zero(offset, length);
        }
    }

    public (long Length, bool IsHole) NextRun(long offset)
    {
        lock (storage.Gate)
        {
            Check();
            return data.NextRun(offset);
        }
    }

    public void Sync()
    {
        lock (storage.Gate)
        {
            Check();
            Count();
            if (storage.FailsToSync(path))
            {
                _poisoned = true;
                data.LoseUnsynced();
            }

            if (_poisoned)
            {
                throw new StorageException($"cannot sync '{path}'", StorageException.InputOutput);
            }

            data.Sync();
        }
    }

    public void DropCached()
    {
        lock (storage.Gate)
        {
            Check();
            data.DropCached();
        }
    }

    public void Dispose() => _disposed = true;

    private void Touch() => data.Changed = storage.Now?.Invoke() ?? data.Changed;

    private void Check()
    {
        storage.CheckAlive(life);
        ObjectDisposedException.ThrowIf(_disposed, this);
    }

    private void Count()
    {
        if (storage.Count(life))
        {
            throw new SimulatedDeathException();
        }
    }

    private void WriteWithSpace(long offset, ReadOnlySpan<byte> source)
    {
        var done = storage.IsFull && !source.IsEmpty ? storage.Random.Next(source.Length) : 0;
        while (done < source.Length)
        {
            var inBlock = (int)Math.Min(source.Length - done,
                SimulatedStorage.BlockSize - ((offset + done) % SimulatedStorage.BlockSize));
            if (!storage.Take(data, offset + done, inBlock))
            {
                data.Write(offset, source[..done], storage.Random);
                throw new StorageException($"no space left for '{path}'", StorageException.NoSpace);
            }

            done += inBlock;
        }

        data.Write(offset, source, storage.Random);
    }
}
