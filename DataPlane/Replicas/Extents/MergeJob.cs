using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Manifests;
using ReplicationEngine.DataPlane.Replicas.Segments;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Replicas.Extents;

/// <summary>
/// Merges adjacent sealed layers into one, in bounded steps, and moves the live data of mostly dead segments into new
/// ones. Readers see no change until the last step. A job that is dropped before leaves files that are removed when the
/// store is opened next, or by <see cref="Dispose"/>.
/// </summary>
internal sealed class MergeJob : IDisposable
{
    private const int RegionsPerStep = 512;
    private const int CleaningRegionsPerStep = 32;

    private readonly RedoLog _log;
    private readonly SegmentSet _segments;
    private readonly RecordReader _records;
    private readonly uint _number;
    private readonly HashSet<uint> _sparse;
    private readonly List<uint> _made = [];
    private readonly LayerMerge _merge;
    private long _offset;
    private bool _done;

    public MergeJob(
        RedoLog log, SegmentSet segments, RecordReader records, IReadOnlyList<SealedLayer> layers,
            HashSet<uint>? sparse = null)
    {
        (_log, _segments, _records, Layers, _sparse) = (log, segments, records, layers, sparse ?? []);
        _number = segments.NextNumber();
        _merge = new LayerMerge(segments.Directory, log.State.Tag, (log.Owner, _number), layers, Place);
    }

    /// <summary>The layers that are merged into one.</summary>
    public IReadOnlyList<SealedLayer> Layers { get; }

    /// <summary>
    /// Returns a job that cleans one layer of segments of which less than half is live; null if there is none.
    /// </summary>
    public static MergeJob? Cleaning(RedoLog log, SegmentSet segments, RecordReader records)
    {
        if (log.Sealed.Any(l => l.Damage is not null))
        {
            return null;
        }

        var users = log.Sealed.SelectMany(l => l.Segments.Select(s => (Layer: l, Segment: s.Key, Live: s.Value)))
            .GroupBy(u => u.Segment);
        var sparse = new Dictionary<SealedLayer, HashSet<uint>>();
        foreach (var user in users.Where(
            u => u.Count() == 1 && u.Key < log.State.Checkpoint.Segment && !log.Uncleanable.Contains(u.Key)).Select(u =>
                u.First()))
        {
            var length = segments.LengthOf(user.Segment);
            if (length > log.SegmentBytes / 16 && user.Live < length / 2)
            {
                (sparse.TryGetValue(user.Layer, out var set) ? set : sparse[user.Layer] = []).Add(user.Segment);
            }
        }

        return sparse.Count == 0 ? null
            : sparse.OrderBy(s => s.Key.From).Select(s =>
                new MergeJob(log, segments, records, [s.Key], s.Value)).First();
    }

    /// <summary>Runs one step; false when the merge is complete and durable.</summary>
    /// <exception cref="Storage.StorageException">
    /// The system reports an error. Dispose the job and start again later.
    /// </exception>
    public bool Step()
    {
        if (_merge.Step(_sparse.Count > 0 ? CleaningRegionsPerStep : RegionsPerStep))
        {
            return true;
        }

        foreach (var number in _made)
        {
            _segments.File(number).Sync();
        }

        var info = _merge.Finish();
        _segments.Directory.Sync();
        _log.Replace(new StoreRecord.LayersMerged(info));
        _done = true;
        return false;
    }

    public void Dispose()
    {
        _merge.Dispose();
        if (!_done)
        {
            _segments.Directory.Delete(FileNames.Layer(_log.Owner, _number));
            _log.Exclusive(() => _made.ForEach(_segments.Delete));
        }
    }

    private Extent Place(long key, Extent extent)
    {
        if (extent.IsZero || !_sparse.Contains(extent.Segment))
        {
            return extent;
        }

        var (disk, offset) = (Region.DiskOf(key), Region.StartOf(Region.RegionOf(key)) + extent.Start);
        var header = new ChangeHeader(
            ChangeKind.Write, disk, new Generation(0), Lsn.None, offset, extent.Length, Lsn.None,
                DateTimeOffset.MinValue, extent.Length);
        var record = new byte[header.EncodedLength];
        try
        {
            _records.Read(extent, disk, offset, record.AsSpan(ChangeRecord.DataOffset(extent.Length), extent.Length));
        }
        catch (ReplicaCorruptException)
        {
            // Damaged bytes are not moved, so that reading them continues to fail.
            _log.Uncleanable.Add(extent.Segment);
            return extent;
        }

        ChangeRecord.SealInPlace(header, record);
        if (_made.Count == 0 || _offset >= _log.SegmentBytes)
        {
            var number = _segments.NextNumber();
            _segments.Create(number, FileNames.Compact(_log.Owner, number), _log.Owner);
            _made.Add(number);
            _offset = SegmentSet.HeaderSize;
        }

        _segments.File(_made[^1]).Write(_offset, record);
        var moved = new Extent(extent.Start, extent.Length, _made[^1], _offset, 0);
        _offset += record.Length;
        return moved;
    }
}
