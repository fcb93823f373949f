using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas.Segments;

/// <summary>
/// Appends records to one owner's log: a row of segments with rising numbers. Used by one thread at a time.
/// </summary>
internal sealed class LogWriter(SegmentSet segments, uint owner, long segmentSize)
{
    private readonly HashSet<uint> _unsynced = [];
    private bool _namesUnsynced;

    /// <summary>The segment that is being written; 0 before the first.</summary>
    public uint Segment { get; private set; }

    /// <summary>The offset of the next record in the segment.</summary>
    public long Offset { get; private set; }

    /// <summary>Whether a sync failed: data written since the last successful sync may be lost (I28).</summary>
    public bool Poisoned { get; private set; }

    /// <summary>Whether all appended data is durable.</summary>
    public bool IsSynced => _unsynced.Count == 0 && !_namesUnsynced;

    /// <summary>The segments that must remain open.</summary>
    public IEnumerable<uint> InUse => Segment == 0 ? _unsynced : _unsynced.Append(Segment);

    /// <summary>Continues at a position that a scan has found; the scanned data may not have been synced.</summary>
    public void ContinueAt(uint segment, long offset, IEnumerable<uint> scanned)
    {
        (Segment, Offset) = (segment, offset);
        _unsynced.UnionWith(scanned);
        _namesUnsynced = true;
    }

    /// <summary>
    /// Appends buffers in one write and returns the position of the first byte. If it throws, nothing was appended.
    /// </summary>
    /// <exception cref="StorageException">The system reports an error.</exception>
    public (uint Segment, long Offset) Append(IReadOnlyList<ReadOnlyMemory<byte>> buffers)
    {
        if (Segment == 0 || Offset >= segmentSize)
        {
            StartSegment();
        }

        var (segment, at) = (Segment, Offset);
        var file = segments.File(segment);
        try
        {
            if (buffers.Count == 1)
            {
                file.Write(at, buffers[0].Span);
            }
            else
            {
                file.Write(at, buffers);
            }
        }
        catch (StorageException)
        {
            Offset = at + 1;
            Undo(segment, at);
            throw;
        }

        foreach (var buffer in buffers)
        {
            Offset += buffer.Length;
        }

        _unsynced.Add(segment);
        return (segment, at);
    }

    /// <summary>Removes the data appended from a position in the newest segment.</summary>
    public void Undo(uint segment, long offset)
    {
        if ((segment, offset) == (Segment, Offset))
        {
            return;
        }

        try
        {
            segments.File(segment).SetLength(offset);
            Offset = offset;
        }
        catch (StorageException)
        {
            Poisoned = true;
            throw;
        }
    }

    /// <summary>Makes the next record start a new segment.</summary>
    public void StartSegment()
    {
        var number = segments.NextNumber();
        segments.Create(number, FileNames.Log(owner, number), owner, (Segment, Offset));
        (Segment, Offset) = (number, SegmentSet.HeaderSize);
        _unsynced.Add(number);
        _namesUnsynced = true;
    }

    /// <summary>Makes all appended data durable.</summary>
    public void Sync()
    {
        try
        {
            foreach (var number in _unsynced.Order())
            {
                segments.File(number).Sync();
            }

            if (_namesUnsynced)
            {
                segments.Directory.Sync();
            }
        }
        catch (StorageException)
        {
            Poisoned = true;
            throw;
        }

        _unsynced.Clear();
        _namesUnsynced = false;
    }
}
