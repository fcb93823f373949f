using System.Buffers;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <content>The sending end of replication.</content>
public sealed partial class SourceVolume
{
    private ChangePosition _acknowledged;
    private ChangePosition _cursor;

    /// <summary>
    /// Where the replica stood when it attached, and when the log was given up: places that count as this volume's own
    /// past although the log no longer shows them. Under the restart lock.
    /// </summary>
    private readonly HashSet<MarkedPosition> _proven = [];

    /// <summary>
    /// The replica cannot have ended its resync yet: something was dirty ever since its start was read.
    /// </summary>
    private bool _replicaResyncing;
    private TaskCompletionSource? _work;

    /// <inheritdoc/>
    public bool IsResyncHeld
    {
        get
        {
            lock (_order.Gate)
            {
                return IsHeld();
            }
        }
    }

    /// <inheritdoc/>
    public long BytesAfter(ChangePosition position) => _log.BytesAfter(position);

    /// <summary>Bytes of the guest's writes in the log behind a place; none when nothing was written since.</summary>
    /// <exception cref="ReplicationLogCorruptException">The log is damaged there.</exception>
    public long WrittenAfter(ChangePosition position) => _log.WrittenAfter(position);

    /// <inheritdoc/>
    public ChangePosition Attach(ReplicaPosition replica)
    {
        var at = replica.Durable;
        lock (_restart)
        {
            var isShared = SharesHistory(replica);
            bool isOwn;
            lock (_order.Gate)
            {
                var state = _state.Current;
                isOwn = isShared && state.Attached && at.CompareTo(_acknowledged) >= 0
                    && at.CompareTo(state.AcknowledgedFloor) >= 0 && at.CompareTo(_tail) <= 0;
                if (isOwn && _log.CanFollow(at) && !(IsDirty() && !replica.Resyncing && !IsHeldAt(at)))
                {
                    Adopt(at, replica.Resyncing);
                    Prove(at, replica.History.Mark);
                    return at;
                }
            }

            // Own but not continuable: the log's records are gone, and what they changed is Active still.
            // A common past: what this side changed since the floor is Active, and the replica says what it changed.
            // Unknown: anything may differ.
            var cause = !_state.Current.Attached ? DirtyCause.InitialReplication
                : isShared ? DirtyCause.ReplicaUnknown : DirtyCause.HistoryForked;
            var scope = isOwn ? RestartScope.Active
                : CommonPast(replica) is { } changed ? RestartScope.ActiveAnd(changed) : RestartScope.All;
            Restart(
                cause, scope, at, dropLog: true,
                s => s with
                {
                    Attached = true,
                    AcknowledgedFloor = isOwn ? s.AcknowledgedFloor : at,
                    FloorMark = isOwn ? s.FloorMark : replica.History.Mark,
                });
            Prove(at, replica.History.Mark);
            lock (_order.Gate)
            {
                Adopt(at, replica.Resyncing);
                _cursor = _mode == CaptureMode.Logging
                    ? _generationStart with { Lsn = new Lsn(_generationStart.Lsn.Value - 1) }
                    : new ChangePosition(_state.Current.Generation, _order.Newest);
                return _cursor;
            }
        }
    }

    /// <summary>
    /// Whether the replica's place is one of this volume's own past: it last listened to an opening of this volume, and
    /// the change that it holds there is the one that stands, or stood, in this log under that number. A number alone
    /// proves nothing: a source that was put back to a snapshot gives it to another change.
    /// </summary>
    private bool SharesHistory(in ReplicaPosition replica)
    {
        var (state, history) = (_state.Current, replica.History);
        var place = new MarkedPosition(replica.Durable, history.Mark);
        return state.Incarnations.Contains(history.Incarnation) && history.Mark.IsKnown
            && (place == new MarkedPosition(state.AcknowledgedFloor, state.FloorMark) || _proven.Contains(place)
                || _log.MarkAt(replica.Durable) == history.Mark);
    }

    private void Prove(ChangePosition place, HistoryMark mark)
    {
        _proven.Clear();
        _proven.Add(new MarkedPosition(place, mark));
    }

    /// <summary>
    /// The extents that the replica changed after the floor, when its history contains the floor; null when the two
    /// have no past in common that is known. What this side changed after the floor lies in extents stored as active.
    /// </summary>
    private IReadOnlyList<ExtentRange>? CommonPast(in ReplicaPosition replica)
    {
        var state = _state.Current;
        return state.Attached && state.FloorMark.IsKnown && !replica.Resyncing
            ? replica.History.ChangedSinceFloor : null;
    }

    /// <inheritdoc/>
    public int ReadLog(ref ChangePosition after, ArrayBufferWriter<byte> target, int maxBytes)
    {
        int bytes;
        try
        {
            bytes = _log.Read(ref after, target, maxBytes);
        }
        catch (ReplicationLogCorruptException)
        {
            GiveUpLog();
            throw;
        }
        catch (StorageException e)
        {
            GiveUpLog();
            throw new ReplicationLogCorruptException($"the replication log cannot be read: {e.Message}");
        }

        if (bytes > 0)
        {
            lock (_order.Gate)
            {
                var passes = _cursor.CompareTo(_generationStart) < 0 && after.CompareTo(_generationStart) >= 0;
                _replicaResyncing |= passes || _cursor.Generation != after.Generation;
                _cursor = after;
            }
        }

        return bytes;
    }

    /// <inheritdoc/>
    public async ValueTask WaitForWorkAsync(ChangePosition after, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(_closed, this);
            var work = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Interlocked.Exchange(ref _work, work)?.TrySetResult();
            lock (_order.Gate)
            {
                if (_tail.CompareTo(after) > 0 || (IsDirty() && !IsHeld()))
                {
                    return;
                }
            }

            await work.Task.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void WaitForCompletion(Lsn lsn)
    {
        lock (_order.Gate)
        {
            _order.WaitForCompletion(new Lsn(Math.Min(lsn.Value, _order.Newest.Value)));
        }
    }

    /// <inheritdoc/>
    public void Acknowledge(ChangePosition durable)
    {
        lock (_order.Gate)
        {
            if (durable.CompareTo(_acknowledged) <= 0)
            {
                return;
            }

            if (durable.CompareTo(_tail) > 0)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(durable), durable,
                    $"The replica acknowledges what was never logged; the newest change is {_tail}.");
            }

            _acknowledged = durable;
        }

        DropThroughAcknowledged();
        lock (_order.Gate)
        {
            MeasureBacklog();
        }
    }

    private void DropThroughAcknowledged()
    {
        ChangePosition durable;
        Lsn completed;
        lock (_order.Gate)
        {
            (durable, completed) = (_acknowledged, _order.Completed);
        }

        _log.DropThrough(durable, completed);
    }

    /// <inheritdoc/>
    public void ReadDisk(int disk, long offset, Span<byte> destination) => DeviceOf(disk).Read(offset, destination);

    /// <inheritdoc/>
    public AllocatedRun NextRun(int disk, long offset, long length) => DeviceOf(disk).NextRun(offset, length);

    /// <inheritdoc/>
    public IReadOnlyList<DirtyExtent> DirtyExtents()
    {
        var result = new List<DirtyExtent>();
        lock (_order.Gate)
        {
            var held = IsHeld();
            if (held && !_replicaResyncing)
            {
                return result;
            }

            var version = held ? 0 : _generationStart.Generation.Value;
            for (var i = 0; i < _maps.Length; i++)
            {
                foreach (var extent in _maps[i][ExtentMark.Dirty].SetBits())
                {
                    var offset = (long)extent * DirtyExtent.Size;
                    var length = (int)Math.Min(DirtyExtent.Size, _sizes[i] - offset);
                    result.Add(new DirtyExtent(i, offset, length, version));
                }
            }
        }

        return result;
    }

    /// <inheritdoc/>
    public void ClearDirty(DirtyExtent extent)
    {
        lock (_order.Gate)
        {
            if (!IsHeld() && extent.Version == _generationStart.Generation.Value)
            {
                _maps[extent.Disk][ExtentMark.Dirty].Clear((int)(extent.Offset / DirtyExtent.Size));

                // The copy stands behind the generation's start: a replica that is not there any more lacks it.
                _acknowledged = _acknowledged.CompareTo(_generationStart) < 0 ? _generationStart : _acknowledged;
                _replicaResyncing &= IsDirty();
            }
        }
    }

    /// <summary>
    /// The extents that may differ from the replica, dirty or active: what a fenced source reports (I16).
    /// </summary>
    public IReadOnlyList<DirtyExtent> UncertainExtents()
    {
        var result = new List<DirtyExtent>();
        lock (_order.Gate)
        {
            for (var i = 0; i < _maps.Length; i++)
            {
                var size = _sizes[i];
                var disk = i;
                var (dirty, active) = (_maps[i][ExtentMark.Dirty].SetBits(), _maps[i][ExtentMark.Active].SetBits());
                result.AddRange(dirty.Union(active).Order()
                    .Select(e => (long)e * DirtyExtent.Size)
                    .Select(o => new DirtyExtent(disk, o, (int)Math.Min(DirtyExtent.Size, size - o), 0)));
            }
        }

        return result;
    }

    private void GiveUpLog()
    {
        lock (_restart)
        {
            ChangePosition acknowledged;
            lock (_order.Gate)
            {
                acknowledged = _acknowledged;
            }

            _proven.Add(new MarkedPosition(acknowledged, _log.MarkAt(acknowledged)));
            Restart(DirtyCause.LogDamaged, RestartScope.Active, dropLog: true);
        }
    }

    private void Adopt(ChangePosition durable, bool resyncing)
    {
        _acknowledged = durable;
        _cursor = durable;
        _replicaResyncing = resyncing;
        MeasureBacklog();
    }

    private void MeasureBacklog()
    {
        for (var i = 0; i < _backlog.Length; i++)
        {
            _backlog[i] = _log.BytesAfter(_acknowledged, i);
        }
    }

    private bool IsHeld() => IsHeldAt(_cursor);

    private bool IsHeldAt(ChangePosition cursor) =>
        _mode == CaptureMode.DirtyMap || _generationPending || cursor.CompareTo(_generationStart) < 0;

    private bool IsDirty()
    {
        foreach (var map in _maps)
        {
            if (map[ExtentMark.Dirty].Any)
            {
                return true;
            }
        }

        return false;
    }

    private void SignalWork()
    {
        if (Volatile.Read(ref _work) is not null)
        {
            Interlocked.Exchange(ref _work, null)?.TrySetResult();
        }
    }
}
