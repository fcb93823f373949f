using System.Buffers;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Tests.DataPlane.Transport.Fakes;

/// <summary>
/// A source in memory with a true LSN order: a write is logged first and reaches the disk later, in two halves, so that
/// a copy which does not wait for completion, or which stands at the wrong place in the stream, shows.
/// </summary>
internal sealed class MemorySource : IChangeSource
{
    private readonly Lock _lock = new();
    private readonly byte[][] _disks;
    private readonly bool[][] _allocated;
    private readonly List<(ChangePosition Position, byte[] Record)> _log = [];
    private readonly Dictionary<(int Disk, long Offset), long> _dirty = [];
    private readonly Queue<(long Lsn, int Disk, long Offset, byte[] Data)> _pending = new();
    private TaskCompletionSource _changed = New();
    private long _generation = 1;
    private long _lsn;
    private long _completed;
    private long _version;
    private bool _overflown;
    private ChangePosition _acknowledged;
    private ChangePosition _generationStart;
    private ChangePosition? _cursor;

    public MemorySource(params long[] sizes)
    {
        _disks = [.. sizes.Select(size => new byte[size])];
        _allocated = [.. sizes.Select(size => new bool[(size + 65535) / 65536])];
        Disks = [.. sizes.Select((size, i) => new DiskSpec($"disk{i}", size))];
    }

    public IReadOnlyList<DiskSpec> Disks { get; }

    public Term Term { get; set; } = Term.First;

    /// <summary>The history in order: what the disks hold after the entry with this number.</summary>
    public List<(long Lsn, int Disk, long Offset, byte[] Data)> History { get; } = [];

    public List<byte[]> BaseImages { get; } = [];

    public long DiskBytesRead { get; private set; }

    public Action<ChangePosition>? OnAcknowledge { get; set; }

    SourceHistory IChangeSource.History => default;

    public ChangePosition Tail
    {
        get
        {
            lock (_lock)
            {
                return new ChangePosition(new Generation(_generation), new Lsn(_lsn));
            }
        }
    }

    public ChangePosition Acknowledged => _acknowledged;

    public bool IsResyncHeld
    {
        get
        {
            lock (_lock)
            {
                return _overflown || (_cursor is { } cursor && cursor.CompareTo(_generationStart) < 0);
            }
        }
    }

    public ReadOnlySpan<byte> Image(int disk) => _disks[disk];

    /// <summary>Fills a disk before protection begins.</summary>
    public void Seed(int disk, long offset, ReadOnlySpan<byte> data)
    {
        data.CopyTo(_disks[disk].AsSpan((int)offset));
        Allocate(disk, offset, data.Length);
    }

    public void FreezeBase() => BaseImages.AddRange(_disks.Select(d => (byte[])d.Clone()));

    public void Write(int disk, long offset, byte[] data)
    {
        BeginWrite(disk, offset, data);
        CompleteAll();
    }

    /// <summary>Logs a write (or, while overflown, marks it); it reaches the disk with
    /// <see cref="CompleteAll"/>.</summary>
    public void BeginWrite(int disk, long offset, byte[] data)
    {
        lock (_lock)
        {
            if (_overflown)
            {
                Mark(disk, offset, data.Length);
                History.Add((_lsn, disk, offset, data));
                _pending.Enqueue((_completed, disk, offset, data));
            }
            else
            {
                Append(ChangeKind.Write, disk, offset, data);
                History.Add((_lsn, disk, offset, data));
                _pending.Enqueue((_lsn, disk, offset, data));
            }
        }
    }

    public void CompleteAll()
    {
        while (true)
        {
            (long Lsn, int Disk, long Offset, byte[] Data) write;
            lock (_lock)
            {
                if (!_pending.TryPeek(out write))
                {
                    return;
                }

                var half = write.Data.Length / 2;
                write.Data.AsSpan(half).CopyTo(_disks[write.Disk].AsSpan((int)write.Offset + half));
            }

            Thread.Yield();
            lock (_lock)
            {
                write.Data.CopyTo(_disks[write.Disk].AsSpan((int)write.Offset));
                Allocate(write.Disk, write.Offset, write.Data.Length);
                _pending.Dequeue();
                _completed = Math.Max(_completed, write.Lsn);
            }
        }
    }

    public RecoveryPointId Marker(Guid id)
    {
        lock (_lock)
        {
            if (_overflown)
            {
                // No cut can be made of a log that does not carry every write.
                return default;
            }

            var data = new byte[PointMarker.Size];
            new PointMarker(new RecoveryPointId(id), PointKind.Crash).Write(data);
            Append(ChangeKind.Marker, 0, 0, data);
            History.Add((_lsn, -1, 0, []));
            return new RecoveryPointId(id);
        }
    }

    /// <summary>From now on writes are only marked.</summary>
    public void Overflow()
    {
        lock (_lock)
        {
            _overflown = true;
        }
    }

    /// <summary>The log has room again: a new generation begins.</summary>
    public void EndOverflow()
    {
        lock (_lock)
        {
            _overflown = false;
            StartGeneration();
        }
    }

    public void MarkAllDirty()
    {
        lock (_lock)
        {
            for (var disk = 0; disk < _disks.Length; disk++)
            {
                Mark(disk, 0, _disks[disk].Length);
            }

            StartGeneration();
        }
    }

    public long BytesAfter(ChangePosition position)
    {
        lock (_lock)
        {
            return _log.Where(r => r.Position.CompareTo(position) > 0).Sum(r => (long)r.Record.Length);
        }
    }

    public ChangePosition Attach(ReplicaPosition replica)
    {
        lock (_lock)
        {
            var known = !replica.Empty
                && replica.Durable.CompareTo(new ChangePosition(new Generation(_generation), new Lsn(_lsn))) <= 0
                && (_log.Count == 0 ? replica.Durable.Lsn.Value == _lsn
                    : replica.Durable.Lsn.Value >= _log[0].Position.Lsn.Value - 1);
            if (known)
            {
                _cursor = replica.Durable;
                return replica.Durable;
            }

            for (var disk = 0; disk < _disks.Length; disk++)
            {
                Mark(disk, 0, _disks[disk].Length);
            }

            _log.Clear();
            StartGeneration();
            _cursor = new ChangePosition(new Generation(_generation - 1), new Lsn(_lsn - 1));
            return _cursor.Value;
        }
    }

    public int ReadLog(ref ChangePosition after, ArrayBufferWriter<byte> target, int maxBytes)
    {
        lock (_lock)
        {
            var bytes = 0;
            foreach (var (position, record) in _log)
            {
                if (position.CompareTo(after) <= 0)
                {
                    continue;
                }

                if (bytes > 0 && bytes + record.Length > maxBytes)
                {
                    break;
                }

                target.Write(record);
                bytes += record.Length;
                after = position;
            }

            _cursor = after;
            return bytes;
        }
    }

    public async ValueTask WaitForWorkAsync(ChangePosition after, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if ((_dirty.Count > 0 && !IsResyncHeld) || Tail.CompareTo(after) > 0)
                {
                    return;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    public void WaitForCompletion(Lsn lsn)
    {
        while (true)
        {
            lock (_lock)
            {
                if (_pending.Count == 0 || _pending.All(p => p.Lsn > lsn.Value))
                {
                    return;
                }
            }

            Thread.Yield();
        }
    }

    public void Acknowledge(ChangePosition durable)
    {
        lock (_lock)
        {
            _acknowledged = durable;
            _log.RemoveAll(r => r.Position.CompareTo(durable) <= 0);
        }

        OnAcknowledge?.Invoke(durable);
    }

    public void ReadDisk(int disk, long offset, Span<byte> destination)
    {
        lock (_lock)
        {
            _disks[disk].AsSpan((int)offset, destination.Length).CopyTo(destination);
            DiskBytesRead += destination.Length;
        }
    }

    public AllocatedRun NextRun(int disk, long offset, long length)
    {
        lock (_lock)
        {
            var map = _allocated[disk];
            var first = offset / 65536;
            var block = first;
            while ((block * 65536) < offset + length && map[block] == map[first])
            {
                block++;
            }

            return new AllocatedRun(Math.Min(length, (block * 65536) - offset),
                map[first] ? AllocationState.Data : AllocationState.Hole);
        }
    }

    public IReadOnlyList<DirtyExtent> DirtyExtents()
    {
        lock (_lock)
        {
            return
            [
                .. _dirty.OrderBy(d => d.Key.Disk).ThenBy(d => d.Key.Offset).Select(d => new DirtyExtent(
                    d.Key.Disk, d.Key.Offset, (int)Math.Min(DirtyExtent.Size, _disks[d.Key.Disk].Length - d.Key.Offset),
                        d.Value)),
            ];
        }
    }

    public void ClearDirty(DirtyExtent extent)
    {
        lock (_lock)
        {
            if (_dirty.TryGetValue((extent.Disk, extent.Offset), out var version) && version == extent.Version)
            {
                _dirty.Remove((extent.Disk, extent.Offset));
            }
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void StartGeneration()
    {
        _generation++;
        Append(ChangeKind.GenerationStart, 0, 0, []);
        _generationStart = new ChangePosition(new Generation(_generation), new Lsn(_lsn));
        History.Add((_lsn, -1, 0, []));
    }

    private void Append(ChangeKind kind, int disk, long offset, byte[] data)
    {
        _lsn++;
        var header = new ChangeHeader(kind, disk, new Generation(_generation), new Lsn(_lsn), offset, data.Length,
            new Lsn(_completed), DateTimeOffset.UnixEpoch, data.Length);
        var record = new byte[header.EncodedLength];
        ChangeRecord.Encode(header, data, record);
        _log.Add((new ChangePosition(new Generation(_generation), new Lsn(_lsn)), record));
        Interlocked.Exchange(ref _changed, New()).SetResult();
    }

    private void Mark(int disk, long offset, long length)
    {
        for (var at = offset / DirtyExtent.Size * DirtyExtent.Size; at < offset + length; at += DirtyExtent.Size)
        {
            _dirty[(disk, at)] = ++_version;
        }

        Interlocked.Exchange(ref _changed, New()).SetResult();
    }

    private void Allocate(int disk, long offset, long length)
    {
        for (var block = offset / 65536; block * 65536 < offset + length; block++)
        {
            _allocated[disk][block] = true;
        }
    }
}
