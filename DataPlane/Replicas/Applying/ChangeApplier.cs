using System.Runtime.InteropServices;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Manifests;
using ReplicationEngine.DataPlane.Replicas.Points;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.DataPlane.Replicas.Applying;

/// <summary>
/// Applies changes: checks a batch (<see cref="ApplyPlan"/>), logs it or writes it directly into the base
/// (<see cref="DirectWriter"/>), adds it to the index (<see cref="RecordIndexer"/>), and makes it durable. Owns the
/// durable position and the record of changes since earlier ones.
/// </summary>
/// <remarks>The store's session lock guards the applier; the log's gate is taken after that.</remarks>
internal sealed class ChangeApplier
{
    private readonly LayerStack _content;
    private readonly RedoLog _log;
    private readonly WriteGuard _guard;
    private readonly DirectWriter _direct;
    private readonly RecordIndexer _indexer;
    private readonly RecentChanges _recent;
    private ChangePosition _durable;
    private HistoryMark _durableMark;

    public ChangeApplier(LayerStack content, PointSealer points, WriteGuard guard)
    {
        (_content, _log, _guard) = (content, content.Log, guard);
        _direct = new DirectWriter(content);
        _indexer = new RecordIndexer(content, points);
        _recent = new RecentChanges(content.State.Disks.Count);
        (_durable, _durableMark) = (_log.Stream.Applied, _log.Stream.Mark);
    }

    /// <summary>The replica's position and state.</summary>
    public ReplicaPosition Position
    {
        get
        {
            var (state, stream) = (_content.State, _log.Stream);
            return new ReplicaPosition(state.Term, _durable, stream.Resyncing, stream.Empty && !state.BaseTouched)
            {
                History = new ReplicaHistory(_durableMark, state.Source, null),
            };
        }
    }

    /// <summary>Returns the extents changed since a durable position; null if they are unknown.</summary>
    public IReadOnlyList<ExtentRange>? ChangedSince(MarkedPosition floor) => _recent.Since(floor);

    /// <summary>Applies whole encoded records, all or none.</summary>
    /// <exception cref="ReplicaCorruptException">A record's checksum does not match.</exception>
    /// <exception cref="ReplicaRefusedException">
    /// The order has a gap, a record names a disk or range that does not exist, or the system reports an error.
    /// </exception>
    public void Apply(ReadOnlyMemory<byte> records)
    {
        var plan = ApplyPlan.Make(records, _content.State.Disks, _log.Stream);
        if (plan.Count == 0)
        {
            return;
        }

        _guard.Write(() =>
        {
            if (_log.FrozenCount > 1)
            {
                SyncAll();
            }

            Execute(plan);
        });
    }

    /// <summary>Ends the resync once a position is applied.</summary>
    /// <exception cref="ReplicaRefusedException">The position's generation has not started.</exception>
    public void EndResync(ChangePosition consistentFrom)
    {
        var stream = _log.Stream;
        var generation = stream.Applied.Generation;
        if (consistentFrom.Generation.CompareTo(generation) > 0)
        {
            throw new ReplicaRefusedException(
                ReplicaRefusal.Gap,
                $"The resync of generation {consistentFrom.Generation} cannot end: generation {generation} is "
                + "applied.");
        }

        if (!stream.Resyncing || consistentFrom.Generation != generation)
        {
            return;
        }

        _guard.Write(() =>
        {
            SyncAll();
            Execute([LocalRecord.ResyncEnd(generation, consistentFrom)]);
        });
    }

    /// <summary>Seals a point at the applied position, durably; the same id twice is one point.</summary>
    /// <exception cref="ReplicaRefusedException">The replica is resyncing.</exception>
    public RecoveryPoint Seal(RecoveryPointId id, DateTimeOffset time, PointKind kind)
    {
        var state = _content.State;
        if (_log.Stream.Resyncing && state.IndexOf(id) < 0)
        {
            throw new ReplicaRefusedException(
                ReplicaRefusal.Resyncing,
                $"The replica of '{state.VmId}' is resyncing and matches no moment of the source; choose one of its "
                + $"{state.Points.Count} older points.");
        }

        _guard.Write(() =>
        {
            if (state.IndexOf(id) < 0)
            {
                var marker = new PointMarker(id, kind);
                Execute([LocalRecord.Marker(_log.Stream.Applied.Generation, time, marker)]);
            }

            SyncAll();
        });
        return _content.State.Points[_content.State.IndexOf(id)].Point;
    }

    /// <summary>Makes everything applied durable and returns its position.</summary>
    public ChangePosition Sync()
    {
        _guard.Write(SyncAll);
        return _durable;
    }

    /// <summary>Makes a disk larger, durably.</summary>
    /// <exception cref="ReplicaRefusedException">The disk does not exist, or would shrink.</exception>
    public void Resize(int disk, long sizeBytes)
    {
        var size = _content.SizeOf(disk);
        if (sizeBytes < size)
        {
            throw new ReplicaRefusedException(
                ReplicaRefusal.OutOfRange,
                $"Disk {disk} cannot shrink from {size} to {sizeBytes} bytes; protect the smaller disk again.");
        }

        if (sizeBytes > size)
        {
            _guard.Write(() =>
            {
                SyncAll();
                _content.Grow(disk, sizeBytes);
            });
        }
    }

    /// <summary>Restores the durable state: scans the log behind the checkpoint.</summary>
    public void Recover()
    {
        var lost = _log.Recover(_indexer.Enter);
        if (lost is not null)
        {
            if (_log.Stream.Resyncing)
            {
                // Acknowledged blocks are lost and have no number by which to request them: resync again.
                _log.Stream = StreamState.Initial with { Empty = false, EverConsistent = _log.Stream.EverConsistent };
            }

            var (segment, offset) = _log.Tail;
            _log.Freeze(segment, offset);
            _log.Defer(new StoreRecord.TailDamaged(_log.Stream.Applied, lost), segment, offset);
        }

        _content.RemoveOrphans();
        SyncAll();
    }

    /// <summary>Handles content that was replaced, durably, by other means than the stream.</summary>
    public void ContentReplaced()
    {
        _recent.Forget();
        NoteDurable();
    }

    private void SyncAll()
    {
        _content.Sync();
        NoteDurable();
    }

    private void NoteDurable()
    {
        (_durable, _durableMark) = (_log.Stream.Applied, _log.Stream.Mark);
        _recent.Synced(new MarkedPosition(_durable, _durableMark));
    }

    /// <summary>Executes a checked plan: log, then base, then index. If it throws, none of it counts.</summary>
    private void Execute(List<PlannedRecord> plan)
    {
        foreach (var record in plan)
        {
            _recent.Changed(record.Header);
        }

        var (direct, logged) = _direct.Divide(plan);
        if (direct is not null && !_content.State.BaseTouched)
        {
            _log.Record(new StoreRecord.BaseTouched());
        }

        var (segment, offset) = logged.Count == 0 ? _log.Tail : _log.Append(Spans(logged));
        if (direct is not null)
        {
            WriteDirect(direct, segment, offset);
        }

        _log.Exclusive(() => _indexer.Enter(logged, segment, offset));
    }

    /// <summary>Writes into the base; if that fails, the records appended from a position are undone.</summary>
    private void WriteDirect(List<PlannedRecord> direct, uint segment, long offset)
    {
        try
        {
            _log.Exclusive(() => _direct.Write(direct));
        }
        catch (StorageException)
        {
            _log.Undo(segment, offset);
            throw;
        }
    }

    /// <summary>Returns the records' bytes; adjacent records in one buffer form one span.</summary>
    private static List<ReadOnlyMemory<byte>> Spans(List<PlannedRecord> records)
    {
        var spans = new List<ReadOnlyMemory<byte>>();
        foreach (var record in records)
        {
            if (spans.Count > 0 && MemoryMarshal.TryGetArray(spans[^1], out var last)
                && MemoryMarshal.TryGetArray(record.Bytes, out var next)
                && ReferenceEquals(last.Array, next.Array) && last.Offset + last.Count == next.Offset)
            {
                spans[^1] = last.Array.AsMemory(last.Offset, last.Count + next.Count);
            }
            else
            {
                spans.Add(record.Bytes);
            }
        }

        return spans;
    }
}
