using System.Buffers;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas.Bases;

/// <summary>
/// The base image of one disk: a sparse file with the disk's own layout (rounded up to whole chunks) and the checksums
/// of its chunks. Reads are checked; a chunk whose sum is 0 reads as zeroes without reading the file.
/// </summary>
internal sealed class BaseDisk : IDisposable
{
    public const int ChunkSize = ChangeRecord.ChunkSize;
    private readonly int _disk;
    private readonly IStorageFile _data;
    private readonly IStorageFile _sumsFile;

    private BaseDisk(int disk, IStorageDirectory directory, StorageOpen mode)
    {
        _disk = disk;
        _data = directory.Open(FileNames.Base(disk), mode);
        _sumsFile = directory.Open(FileNames.Sums(disk), mode);
        Sums = new ChunkSums(disk, _sumsFile, directory.Open(FileNames.Roots(disk), mode));
    }

    public ChunkSums Sums { get; }

    /// <summary>Creates the files of a disk; the caller syncs the names.</summary>
    public static BaseDisk Create(IStorageDirectory directory, int disk, long size)
    {
        var made = new BaseDisk(disk, directory, StorageOpen.New);
        made.Grow(size);
        return made;
    }

    public static BaseDisk Open(IStorageDirectory directory, int disk) => new(disk, directory, StorageOpen.Existing);

    public void Load(long size) => Sums.Load(ChunksOf(size));

    /// <summary>Makes room for a disk of this size, durably.</summary>
    public void Grow(long size)
    {
        if (_data.Length < ChunksOf(size) * ChunkSize)
        {
            _data.SetLength(ChunksOf(size) * ChunkSize);
        }

        _data.Sync();
        Sums.Extend(ChunksOf(size));
        _sumsFile.Sync();
    }

    /// <summary>Reads bytes from an offset until the destination is full.</summary>
    /// <exception cref="ReplicaCorruptException">A chunk does not match its checksum.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        var end = offset + destination.Length;
        for (var at = offset; at < end;)
        {
            var target = destination[(int)(at - offset)..];
            if (at % ChunkSize == 0 && end - at >= ChunkSize)
            {
                var whole = target[..(int)((end - at) / ChunkSize * ChunkSize)];
                ReadChunks(at / ChunkSize, whole);
                at += whole.Length;
                continue;
            }

            var within = (int)(at % ChunkSize);
            var part = (int)Math.Min(ChunkSize - within, end - at);
            ReadPart(at / ChunkSize, within, target[..part]);
            at += part;
        }
    }

    /// <summary>Returns the first run of chunks that are all zero, or all not zero, from a byte.</summary>
    public (long Length, bool IsZero) NextRun(long offset, long length)
    {
        var (end, chunk) = (offset + length, offset / ChunkSize);
        var zero = Sums.Get(chunk) == 0;
        while (chunk * ChunkSize < end)
        {
            if (zero && chunk % ChunkSums.SumsPerPage == 0 && Sums.IsZeroPage(chunk / ChunkSums.SumsPerPage))
            {
                chunk += ChunkSums.SumsPerPage;
            }
            else if ((Sums.Get(chunk) == 0) == zero)
            {
                chunk++;
            }
            else
            {
                break;
            }
        }

        return (Math.Min(chunk * ChunkSize, end) - offset, zero);
    }

    /// <summary>Writes whole chunks and records their sums without syncing.</summary>
    public void Write(long firstChunk, ReadOnlySpan<byte> data)
    {
        _data.Write(firstChunk * ChunkSize, data);
        NoteSums(firstChunk, data);
    }

    /// <summary>Makes whole chunks zero.</summary>
    public void Zero(long firstChunk, long count)
    {
        var any = false;
        for (var chunk = firstChunk; chunk < firstChunk + count;)
        {
            var left = firstChunk + count - chunk;
            if (chunk % ChunkSums.SumsPerPage == 0 && left >= ChunkSums.SumsPerPage
                && Sums.IsZeroPage(chunk / ChunkSums.SumsPerPage))
            {
                chunk += ChunkSums.SumsPerPage;
                continue;
            }

            if (Sums.Get(chunk) != 0)
            {
                any = true;
                Sums.Set(chunk, 0);
            }

            chunk++;
        }

        if (any)
        {
            _data.PunchHole(firstChunk * ChunkSize, count * ChunkSize);
        }
    }

    public void NoteSums(long firstChunk, ReadOnlySpan<byte> data)
    {
        for (var at = 0; at < data.Length; at += ChunkSize)
        {
            var chunk = data.Slice(at, ChunkSize);
            Sums.Set(firstChunk + (at / ChunkSize), chunk.ContainsAnyExcept((byte)0) ? ChunkSums.SumOf(chunk) : 0);
        }
    }

    public void WriteRaw(long firstChunk, ReadOnlySpan<byte> data) => _data.Write(firstChunk * ChunkSize, data);

    /// <summary>Reserves the space for writes into these chunks and their sums.</summary>
    public void Reserve(long firstChunk, long count)
    {
        Space.Reserve(_data, firstChunk * ChunkSize, count * ChunkSize);
        var page = firstChunk / ChunkSums.SumsPerPage;
        var last = (firstChunk + count - 1) / ChunkSums.SumsPerPage;
        Space.Reserve(_sumsFile, page * ChunkSums.PageSize, (last - page + 1) * ChunkSums.PageSize);
    }

    /// <summary>
    /// Makes the data durable. A replica is written far more often than read, so its pages are freed and the next
    /// writes need no fresh ones.
    /// </summary>
    public void SyncData()
    {
        _data.Sync();
        _data.DropCached();
    }

    public void Dispose()
    {
        _data.Dispose();
        Sums.Dispose();
    }

    private static long ChunksOf(long size) => (size + ChunkSize - 1) / ChunkSize;

    private void ReadPart(long chunk, int within, Span<byte> target)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(ChunkSize);
        try
        {
            ReadChunks(chunk, buffer.AsSpan(0, ChunkSize));
            buffer.AsSpan(within, target.Length).CopyTo(target);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void ReadChunks(long first, Span<byte> target)
    {
        var count = target.Length / ChunkSize;
        for (var i = 0; i < count;)
        {
            var run = i;
            var zero = Sums.Get(first + i) == 0;
            while (run < count && (Sums.Get(first + run) == 0) == zero)
            {
                run++;
            }

            var part = target[(i * ChunkSize)..(run * ChunkSize)];
            if (zero)
            {
                part.Clear();
            }
            else
            {
                ReadStored(first + i, part);
            }

            i = run;
        }
    }

    private void ReadStored(long first, Span<byte> target)
    {
        if (_data.Read(first * ChunkSize, target) < target.Length)
        {
            throw new ReplicaCorruptException(
                $"The base image of disk {_disk} ends before byte {(first * ChunkSize) + target.Length}.");
        }

        for (var at = 0; at < target.Length; at += ChunkSize)
        {
            var chunk = first + (at / ChunkSize);
            if (ChunkSums.SumOf(target.Slice(at, ChunkSize)) != Sums.Get(chunk))
            {
                throw new ReplicaCorruptException(
                    $"The base image of disk {_disk} is damaged at byte {chunk * ChunkSize}: the data does not "
                        + $"match its checksum.");
            }
        }
    }
}
