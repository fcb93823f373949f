using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Starts the generations of a volume: each opens with a start record in the log, after which the replica
/// resynchronises the Dirty extents (RES-1, I12).
/// </summary>
/// <remarks>
/// <para><b>A new generation</b> starts only while every change that its stream will not hold is in a Dirty extent. If
/// the earlier log is kept, that is already true. If the log is discarded (damage, an unknown replica), all Active
/// extents are marked Dirty first, and the order lock is held from the check that none is missing until the start
/// record is in the log.</para>
/// <para><b>In dirty-map mode</b> there is no log for the start record: the generation is pending, and starts when that
/// mode ends. The mode ends automatically when at most half of the log's limit is still unacknowledged and the file
/// system has room: the next generation is stored, its start record opens a new segment, and then the mode is stored. A
/// crash between these steps leaves the volume in dirty-map mode.</para>
/// <para><b>Locks</b>: <see cref="Gate"/>, the generation lock, is the volume's outermost. It is held for a whole
/// change of generation, and by operations that must exclude one (attaching, maintenance, resizing, closing). Start and
/// pending cause change under the order lock inside it.</para>
/// </remarks>
internal sealed class VolumeGenerations
{
    private readonly VolumeStateFile _state;
    private readonly WriteOrder _order;
    private readonly VolumeDisk[] _disks;
    private readonly WriteCapture _capture;
    private readonly ReplicationBacklog _backlog;
    private readonly VolumeSignals _signals;
    private DirtyCause? _pending;

    /// <summary>Continues with the generation that an opening found.</summary>
    public VolumeGenerations(
        SourceVolumeParts parts, VolumeDisk[] disks, WriteCapture capture, ReplicationBacklog backlog,
        VolumeSignals signals)
    {
        (_state, _order, Start) = (parts.State, parts.Order, parts.GenerationStart);
        (_disks, _capture, _backlog, _signals) = (disks, capture, backlog, signals);
    }

    /// <summary>The lock for changes of generation.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The position of the newest start record. Under the order lock.</summary>
    public ChangePosition Start { get; private set; }

    /// <summary>
    /// The position behind which a stream finds the present generation's start record; in dirty-map mode, the position
    /// behind which it will find the next one's. Under the order lock.
    /// </summary>
    public ChangePosition StreamStart => _capture.Mode == CaptureMode.Logging
        ? Start with { Lsn = new Lsn(Start.Lsn.Value - 1) }
        : new ChangePosition(_state.Current.Generation, _order.Newest);

    /// <summary>
    /// Returns whether the resync is held for a stream that was read up to a position: it has not passed the start
    /// record of the newest generation, or one is pending. Under the order lock.
    /// </summary>
    public bool IsHeld(ChangePosition read) =>
        _capture.Mode == CaptureMode.DirtyMap || _pending is not null || read.CompareTo(Start) < 0;

    /// <summary>Returns the present generation, and whether a disk has extents left to resynchronise in it.</summary>
    public (Generation Generation, bool IsDirty) ResyncOf(VolumeDisk disk)
    {
        lock (_order.Gate)
        {
            return (Start.Generation, disk.Map[ExtentMark.Dirty].Any);
        }
    }

    /// <summary>Requests that maintenance starts a generation soon, and holds the resync until then.</summary>
    public void Request(DirtyCause cause)
    {
        lock (_order.Gate)
        {
            _pending = cause;
        }
    }

    /// <summary>
    /// Marks the extents of the change's scope Dirty and starts a new generation. In dirty-map mode the generation
    /// starts when that mode ends.
    /// </summary>
    /// <exception cref="StorageException">Maps or state could not be written; the generation is pending.</exception>
    public void Begin(GenerationChange change)
    {
        lock (Gate)
        {
            Request(change.Cause);
            if (change.GivesUpLog)
            {
                GiveUpLog(change.Scope);
            }

            do
            {
                MarkDirty(change.Scope);
            }
            while (!TryStore(change));

            if (change.GivesUpLog)
            {
                ForgetLog();
            }

            if (_capture.Mode == CaptureMode.DirtyMap)
            {
                TryLeaveDirtyMap();
            }

            if (change.Detail.Length > 0)
            {
                _signals.ChangeCondition(c => c with { Cause = change.Cause, Detail = change.Detail });
            }
        }

        _signals.PublishCondition();
        _signals.SignalWork();
    }

    /// <summary>Starts the pending generation if the log can hold it. Under the generation lock.</summary>
    /// <exception cref="StorageException">Maps or state could not be written.</exception>
    public void BeginPending()
    {
        DirtyCause? pending;
        lock (_order.Gate)
        {
            pending = _pending;
        }

        if (_capture.Mode == CaptureMode.DirtyMap)
        {
            TryLeaveDirtyMap();
        }
        else if (pending is { } cause)
        {
            Begin(new GenerationChange(cause, ResyncScope.None));
        }
    }

    /// <summary>Frees the log's space before any of the new generation is written to it.</summary>
    private void GiveUpLog(ResyncScope scope)
    {
        MarkDirty(scope);
        lock (_order.Gate)
        {
            _backlog.Log.Seal();
        }

        _backlog.Log.DropSealed();
    }

    /// <summary>Frees the records logged between discarding the log and the start record.</summary>
    private void ForgetLog()
    {
        _backlog.Log.DropSealed();
        lock (_order.Gate)
        {
            _backlog.Measure();
        }
    }

    private void MarkDirty(ResyncScope scope)
    {
        foreach (var disk in _disks)
        {
            ExtentRun[] missing;
            lock (_order.Gate)
            {
                missing = scope.Missing(disk);
            }

            if (missing.Length > 0)
            {
                disk.Map.Raise(ExtentMark.Dirty, missing);
            }
        }
    }

    /// <summary>
    /// Stores the change and, while logging, starts its generation; false if writes have made more extents Active
    /// meanwhile, which must be marked first.
    /// </summary>
    private bool TryStore(GenerationChange change)
    {
        lock (_order.Gate)
        {
            if (_disks.Any(disk => change.Scope.Missing(disk).Length > 0))
            {
                return false;
            }

            var generation = _state.Current.Generation.Value;
            _order.StartAt(change.Above.Lsn);
            _state.Update(s => change.Attach(s) with
            {
                Cause = change.Cause,
                Generation = new Generation(Math.Max(generation, change.Above.Generation.Value)),
                Newest = _order.Newest,
            });
            if (_capture.Mode == CaptureMode.Logging)
            {
                BeginNext(change.Cause);
            }

            _signals.ChangeCondition(c => c with { Cause = change.Cause });
            return true;
        }
    }

    /// <summary>
    /// Stores the next generation and opens it in the log; switches to (or remains in) the dirty map if the log fails.
    /// Under the order lock.
    /// </summary>
    private void BeginNext(DirtyCause cause)
    {
        var generation = new Generation(_state.Current.Generation.Value + 1);
        _state.Update(s => s with { Generation = generation, Cause = cause, Newest = _order.Newest });
        _backlog.Log.BeginGeneration(generation);
        try
        {
            _backlog.AppendControl(ChangeKind.GenerationStart, default);
        }
        catch (StorageException e)
        {
            if (_capture.Mode == CaptureMode.Logging)
            {
                _capture.EnterDirtyMap(DirtyMapReason.Of(e));
            }

            return;
        }

        Start = _backlog.Tail;
        _pending = null;
        _capture.ResumeLogging();
        _signals.ChangeCondition(
            c => c with { Mode = CaptureMode.Logging, Cause = cause, Detail = string.Empty });
    }

    /// <summary>Leaves dirty-map mode when the log has room again. Under the generation lock.</summary>
    private void TryLeaveDirtyMap()
    {
        DropAcknowledgedLog();
        if (_backlog.HasRecovered())
        {
            lock (_order.Gate)
            {
                BeginNext(_state.Current.Cause);
            }
        }
    }

    /// <summary>
    /// Drops the whole log, including the newest segment, if all of it is acknowledged. While the log is written, the
    /// newest is kept because it determines the log's end; here it is not written, and may keep the log above its
    /// limit.
    /// </summary>
    private void DropAcknowledgedLog()
    {
        var log = _backlog.Log;
        lock (_order.Gate)
        {
            if (log.RetainedBytes == 0 || log.BytesAfter(_backlog.Acknowledged) > 0)
            {
                return;
            }

            _state.Update(s => s with { Newest = _order.Newest, LastLogged = log.Last });
        }

        log.DropSealed();
    }
}
