using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Begins the generations of a volume: each opens with a start record in the log, after which the replica
/// resynchronises the Dirty extents (RES-1, I12).
/// </summary>
/// <remarks>
/// <para><b>A new generation</b> begins only while every change that its stream will not carry lies in a Dirty extent.
/// Where the log before it is kept, that holds already. Where it is given up (damage, an unknown replica), all Active
/// extents are marked Dirty first, and the order lock is held from the check that none is missing until the start
/// record stands.</para>
/// <para><b>In dirty-map mode</b> there is no log to write the start record to: the generation is pending, and begins
/// with the end of that mode. The mode ends by itself, when at most half of the log's limit is still unacknowledged and
/// the file system has room: the next generation is stored, its start record opens a new segment, and then the mode is
/// stored. A crash between these steps finds dirty-map mode still.</para>
/// <para><b>Locks</b>: <see cref="Gate"/>, the generation lock, is the volume's outermost; it is held over a whole
/// change of generation and by whoever needs none to happen meanwhile (attaching, maintenance, resizing, closing).
/// Start and pending cause change under the order lock inside it.</para>
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

    /// <summary>Goes on with the generation that an opening found.</summary>
    public VolumeGenerations(
        SourceVolumeParts parts, VolumeDisk[] disks, WriteCapture capture, ReplicationBacklog backlog,
        VolumeSignals signals)
    {
        (_state, _order, Start) = (parts.State, parts.Order, parts.GenerationStart);
        (_disks, _capture, _backlog, _signals) = (disks, capture, backlog, signals);
    }

    /// <summary>The generation lock.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The position of the newest start record. Under the order lock.</summary>
    public ChangePosition Start { get; private set; }

    /// <summary>
    /// The position behind which a stream finds the present generation's start record; in dirty-map mode, behind which
    /// it will find the next one's. Under the order lock.
    /// </summary>
    public ChangePosition StreamStart => _capture.Mode == CaptureMode.Logging
        ? Start with { Lsn = new Lsn(Start.Lsn.Value - 1) }
        : new ChangePosition(_state.Current.Generation, _order.Newest);

    /// <summary>
    /// Whether the resync is held for a stream that was read up to a position: it has not passed the start record of
    /// the newest generation, or one is still to come. Under the order lock.
    /// </summary>
    public bool IsHeld(ChangePosition read) =>
        _capture.Mode == CaptureMode.DirtyMap || _pending is not null || read.CompareTo(Start) < 0;

    /// <summary>The present generation, and whether a disk has extents left to resynchronise in it.</summary>
    public (Generation Generation, bool IsDirty) ResyncOf(VolumeDisk disk)
    {
        lock (_order.Gate)
        {
            return (Start.Generation, disk.Map[ExtentMark.Dirty].Any);
        }
    }

    /// <summary>Lets maintenance begin a generation soon, and holds the resync until then.</summary>
    public void Request(DirtyCause cause)
    {
        lock (_order.Gate)
        {
            _pending = cause;
        }
    }

    /// <summary>
    /// Marks the extents of the change's scope Dirty and begins a new generation. In dirty-map mode the generation
    /// begins when that mode ends.
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

    /// <summary>Begins the generation that is pending, if the log can carry it. Under the generation lock.</summary>
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

    /// <summary>Frees the log's space before anything of the new generation is written to it.</summary>
    private void GiveUpLog(ResyncScope scope)
    {
        MarkDirty(scope);
        lock (_order.Gate)
        {
            _backlog.Log.Seal();
        }

        _backlog.Log.DropSealed();
    }

    /// <summary>Frees what was logged between giving up the log and the start record.</summary>
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

    /// <summary>Stores the change and, while logging, begins its generation; false when writes have made more extents
    /// Active meanwhile, which must be marked first.</summary>
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
    /// Stores the next generation and opens it in the log; goes over to (or stays in) the dirty map when the log
    /// refuses. Under the order lock.
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
    /// The newest segment stays while the log is written, as it says where the log ends. Here it is not written, and
    /// may be what keeps the log above its limit.
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
