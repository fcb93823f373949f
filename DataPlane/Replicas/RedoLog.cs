using ReplicationEngine.DataPlane.Replicas.Extents;
using ReplicationEngine.DataPlane.Replicas.Manifests;
using ReplicationEngine.DataPlane.Replicas.Segments;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas;

/// <summary>A log of change records with an index in layers: the basis of the store and of each overlay.</summary>
/// <remarks>
/// States of a layer: active (in memory, growing) → frozen (in memory, unchanging) → sealed (index file, in the
/// manifest). A record is first in the log, then in the active layer; the manifest's checkpoint is the position from
/// which the log is scanned on reopening, to rebuild the parts that were not sealed. A recovery point enters the
/// manifest in the same frame as the layers it needs and the checkpoint behind its marker, so it exists completely or
/// not at all.
/// Concurrency: one thread at a time changes the log (the owner's session lock). Readers hold the read side of
/// <see cref="Gate"/> while they look up and read; every change of the index happens under its write side.
/// </remarks>
internal sealed class RedoLog : IDisposable
{
    private readonly IStorageDirectory _directory;
    private readonly SegmentSet _segments;
    private readonly HeadFile _head;
    private readonly LogWriter _writer;
    private readonly PageCache _pages;
    private readonly ReplicaStoreOptions _options;
    private readonly List<SealedLayer> _sealed = [];
    private readonly List<ActiveLayer> _frozen = [];
    private readonly List<StoreRecord> _pending = [];
    private Checkpoint _pendingEnd;

    public RedoLog(
        SegmentSet segments, PageCache pages, ManifestFile manifest, HeadFile head, uint owner,
            ReplicaStoreOptions options)
    {
        (_directory, _segments, _pages, Manifest, _head, Owner) = (segments.Directory, segments, pages, manifest, head,
            owner);
        _options = options;
        _writer = new LogWriter(segments, owner, options.SegmentBytes);
        _pendingEnd = manifest.State.Checkpoint;
        Stream = manifest.State.Checkpoint.Stream;
        foreach (var info in manifest.State.Layers)
        {
            _sealed.Add(SealedLayer.Open(_directory, pages, info, manifest.State.Tag));
        }

        Active = new ActiveLayer(State.LastLayer + 1);
        Layers = Snapshot();
    }

    public ReaderWriterLockSlim Gate { get; } = new(LockRecursionPolicy.NoRecursion);

    public ManifestFile Manifest { get; }

    public StoreState State => Manifest.State;

    public uint Owner { get; }

    /// <summary>The segment size in bytes at which the next record starts a new segment.</summary>
    public long SegmentBytes => _options.SegmentBytes;

    /// <summary>The state that results from all applied records, durable or not.</summary>
    public StreamState Stream { get; set; }

    public ActiveLayer Active { get; private set; }

    /// <summary>The layers from old to new, the active one last.</summary>
    public IReadOnlyList<ILayer> Layers { get; private set; }

    public IReadOnlyList<SealedLayer> Sealed => _sealed;

    /// <summary>
    /// A version of the index's structure. When it rises, the data that a view has cached is invalid.
    /// </summary>
    public int Version { get; private set; }

    public bool Poisoned => _writer.Poisoned || Manifest.Poisoned;

    /// <summary>The segments with damaged bytes that cannot be moved.</summary>
    public HashSet<uint> Uncleanable { get; } = [];

    /// <summary>The layer number just below the active layer: everything up to it no longer changes.</summary>
    public long LastFrozen => Active.From - 1;

    /// <summary>The position behind the newest record.</summary>
    public (uint Segment, long Offset) Tail => (_writer.Segment, _writer.Offset);

    /// <summary>The records that are not yet durable in the manifest, for views of unfinished points.</summary>
    public IEnumerable<StoreRecord> Pending => _pending;

    /// <summary>
    /// Scans the log from the checkpoint. Returns a description of the loss if durable bytes are damaged, otherwise
    /// null.
    /// </summary>
    public string? Recover(LogScan.Visit visit)
    {
        var scan = new LogScan(_segments, Owner);
        var from = State.Checkpoint;
        scan.Run(from, visit);
        _writer.ContinueAt(scan.Segment, scan.Offset, scan.Scanned);
        var head = _head.Head;
        scan.WriteAgain((head.Segment, head.Offset));
        return (scan.Segment, scan.Offset).CompareTo((head.Segment, head.Offset)) >= 0 ? null
            : $"the log is damaged at byte {scan.Offset} of segment {scan.Segment:x8}, before its durable end at byte "
            + $"{head.Offset} of segment {head.Segment:x8}";
    }

    public (uint Segment, long Offset) Append(IReadOnlyList<ReadOnlyMemory<byte>> records) => _writer.Append(records);

    /// <summary>Closes the active layer at a position in the log; requires the write lock.</summary>
    public void Freeze(uint segment, long offset)
    {
        if (Active.IsEmpty)
        {
            return;
        }

        Active.End = new Checkpoint(segment, offset, Stream);
        _frozen.Add(Active);
        Active = new ActiveLayer(Active.From + 1);
        Restructured();
    }

    /// <summary>
    /// Defers a record, so that it enters the manifest together with everything up to a position in the log.
    /// </summary>
    public void Defer(StoreRecord record, uint segment, long offset)
    {
        _pending.Add(record);
        _pendingEnd = new Checkpoint(segment, offset, Stream);
    }

    /// <summary>Whether the active layer is full and must be closed.</summary>
    public bool IsActiveFull => Active.Count >= _options.LayerExtents || Active.Bytes >= _options.LayerBytes;

    /// <summary>The number of closed layers in memory that have no file yet.</summary>
    public int FrozenCount => _frozen.Count;

    /// <summary>Removes the records appended from a position.</summary>
    public void Undo(uint segment, long offset) => _writer.Undo(segment, offset);

    /// <summary>Makes all appended records durable.</summary>
    public void SyncRecords() => _writer.Sync();

    /// <summary>Makes the deferred records and frozen layers durable; the log's records are durable already.</summary>
    public void SyncRest()
    {
        if (_pending.Count > 0 || _frozen.Count > 0)
        {
            Persist();
        }

        WriteHead();
    }

    /// <summary>
    /// Records facts immediately; the frame is durable on return. If it throws, none of them counts, so that the files
    /// they name may be deleted. Steps after the frame do not cause a failure.
    /// </summary>
    /// <exception cref="StorageException">The manifest cannot be written.</exception>
    public void Record(params IReadOnlyList<StoreRecord> records)
    {
        Manifest.Append(records);
        WriteHead();
        if (Manifest.Size > Math.Max(_options.ManifestBytes, 2 * Manifest.SizeWhenShortened))
        {
            Manifest.TryShorten();
        }
    }

    /// <summary>Replaces a row of sealed layers by one, as the record describes.</summary>
    public void Replace(StoreRecord.LayersMerged record)
    {
        var merged = SealedLayer.Open(_directory, _pages, record.Layer, State.Tag);
        try
        {
            Record(record);
        }
        catch
        {
            merged.Dispose();
            throw;
        }

        var at = _sealed.FindIndex(l => l.From >= record.Layer.From);
        var old = _sealed.Where(l => l.From >= record.Layer.From && l.To <= record.Layer.To).ToList();
        Exclusive(() =>
        {
            _sealed.RemoveRange(at, old.Count);
            _sealed.Insert(at, merged);
            Restructured();
        });
        old.ForEach(Discard);
    }

    /// <summary>Drops the sealed layers that the manifest no longer lists.</summary>
    public void DropUnlisted(bool andUnsealed)
    {
        var listed = State.Layers.Select(l => l.File).ToHashSet();
        var gone = _sealed.Where(l => !listed.Contains(l.Info.File)).ToList();
        Exclusive(() =>
        {
            _sealed.RemoveAll(gone.Contains);
            if (andUnsealed)
            {
                _pending.Clear();
                _frozen.Clear();
                Active = new ActiveLayer(Math.Max(State.LastLayer, Active.From) + 1);
                Stream = State.Checkpoint.Stream;
            }

            Restructured();
        });
        gone.ForEach(Discard);
    }

    /// <summary>Opens the layers that the manifest lists and that are not open yet.</summary>
    public void OpenListed()
    {
        var open = _sealed.Select(l => l.Info.File).ToHashSet();
        var added = State.Layers.Where(l => !open.Contains(l.File))
            .Select(l => SealedLayer.Open(_directory, _pages, l, State.Tag)).ToList();
        Exclusive(() =>
        {
            _sealed.AddRange(added);
            Active = new ActiveLayer(State.LastLayer + 1);
            Restructured();
        });
    }

    /// <summary>Makes the next record start a new segment, so that a checkpoint can precede it.</summary>
    public Checkpoint NewSegment(StreamState stream)
    {
        _writer.StartSegment();
        _writer.Sync();
        return new Checkpoint(_writer.Segment, _writer.Offset, stream);
    }

    /// <summary>
    /// Deletes segments of the selected owners that no layer needs and that lie before the checkpoint.
    /// </summary>
    public int FreeSegments(Func<uint, bool> isMine, RecordReader reader)
    {
        if (_sealed.Any(l => l.Damage is not null))
        {
            return 0;
        }

        var live = _sealed.SelectMany(l => l.Segments.Keys).ToHashSet();
        var dead = _segments.All().Where(s => IsDead(s.Name, s.Number, isMine, live)).Select(s => s.Number).ToList();
        if (dead.Count > 0)
        {
            Exclusive(() => dead.ForEach(number =>
            {
                _segments.Delete(number);
                reader.Forget(number);
            }));
        }

        return dead.Count;
    }

    /// <summary>Runs an action while no reader is active.</summary>
    public void Exclusive(Action action)
    {
        Gate.EnterWriteLock();
        try
        {
            action();
        }
        finally
        {
            Gate.ExitWriteLock();
        }
    }

    public void Dispose()
    {
        _sealed.ForEach(l => l.Dispose());
        Manifest.Dispose();
        _head.Dispose();
        Gate.Dispose();
    }

    private bool IsDead(string name, uint number, Func<uint, bool> isMine, HashSet<uint> live) =>
        FileNames.TryParse(name, out var prefix, out var owner, out _) && isMine(owner) && !live.Contains(number)
        && (prefix == FileNames.CompactPrefix || owner != Owner || number < State.Checkpoint.Segment);

    private void Persist()
    {
        var records = new List<StoreRecord>();
        var layers = new List<SealedLayer>();
        try
        {
            foreach (var layer in _frozen)
            {
                var info = LayerMerge.Write(_directory, State.Tag, Owner, _segments.NextNumber(), [layer]);
                layers.Add(SealedLayer.Open(_directory, _pages, info, State.Tag));
                records.Add(new StoreRecord.LayerPersisted(info));
            }

            _directory.Sync();
            var end = _frozen.Count > 0 ? Later(_frozen[^1].End!, _pendingEnd) : _pendingEnd;
            records.AddRange(_pending);
            records.Add(new StoreRecord.Checkpointed(end));
            Record(records);
        }
        catch
        {
            layers.ForEach(Discard);
            throw;
        }

        Exclusive(() =>
        {
            _sealed.AddRange(layers);
            _frozen.Clear();
            _pending.Clear();
            Restructured();
            _segments.Trim(_writer.InUse.ToHashSet());
        });
    }

    private static Checkpoint Later(Checkpoint a, Checkpoint b) =>
        (a.Segment, a.Offset).CompareTo((b.Segment, b.Offset)) >= 0 ? a : b;

    private void Discard(SealedLayer layer)
    {
        layer.Dispose();
        _directory.Delete(FileNames.Layer(layer.Info.Owner, layer.Info.File));
    }

    private void WriteHead()
    {
        try
        {
            _head.Write(_head.Head with
            {
                Frames = Manifest.Frames,
                Segment = _writer.IsSynced ? _writer.Segment : _head.Head.Segment,
                Offset = _writer.IsSynced ? _writer.Offset : _head.Head.Offset,
            });
        }
        catch (StorageException)
        {
            // An older value is true as well, and the next value includes this one.
        }
    }

    private void Restructured()
    {
        Layers = Snapshot();
        Version++;
    }

    private ILayer[] Snapshot() => [.. _sealed, .. _frozen, Active];
}
