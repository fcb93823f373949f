using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Cache;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <content>
/// New generations, and the dirty map that takes over when the log cannot go on (I27).
/// <para><b>Into dirty-map mode</b>: under the order lock, the mode is stored durably before any write goes unlogged,
/// so an opening after a crash never redoes an old log over writes it did not see. The log that exists stays and is
/// shipped. Unlogged changes have numbers too, so that their completion can be waited for, and their extents are Dirty,
/// durably, before they are written.</para>
/// <para><b>Out of it</b>, by itself, when at most half of the log's limit is still unacknowledged and the file system
/// has room: the next generation is stored, its start record opens a new segment, and then the mode is stored. A crash
/// between these steps finds dirty-map mode still.</para>
/// <para><b>A new generation</b> begins only while every change that its stream will not carry lies in a Dirty extent.
/// Where the log before it is kept, that holds already. Where it is given up (damage, an unknown replica), all Active
/// extents are marked Dirty first, and the order lock is held from the check that none is missing until the start
/// record stands.</para>
/// </content>
public sealed partial class SourceVolume
{
    private ChangePosition _generationStart;
    private bool _generationPending;
    private DirtyCause _pendingCause;
    private SourceCondition _condition;
    private SourceCondition _announced;

    /// <summary>How the volume is; <see cref="SourceVolumeOptions.ConditionChanged"/> tells of changes.</summary>
    public SourceCondition Condition => Volatile.Read(ref _condition);

    /// <summary>What an opening asks for: see <see cref="Restart"/>.</summary>
    internal void Begin(DirtyCause cause, RestartScope scope, string detail = "")
    {
        Restart(cause, scope);
        if (detail.Length > 0)
        {
            SetCondition(c => c with { Cause = cause, Detail = detail });
            AnnounceCondition();
        }
    }

    /// <summary>Goes over to the dirty map. Under the order lock.</summary>
    private void EnterDirtyMap(DirtyCause cause, string detail)
    {
        try
        {
            _state.Update(s => s with { Mode = CaptureMode.DirtyMap, Cause = cause, Newest = _order.Newest });
        }
        catch (StorageException e)
        {
            // Unlogged writes must not begin before the mode is durable.
            throw new BlockDeviceException(
                $"neither log nor state of '{_options.Vm}' can be written: {e.Message}",
                BlockDeviceException.InputOutput, e);
        }

        _mode = CaptureMode.DirtyMap;
        _log.Seal();
        SetCondition(c => c with { Mode = CaptureMode.DirtyMap, Cause = cause, Detail = detail });
    }

    /// <summary>Leaves dirty-map mode when the log has room again. Under the restart lock.</summary>
    private void LeaveDirtyMap()
    {
        DropAcknowledgedLog();
        var mayLeave = _log.RetainedBytes <= _options.CacheLimitBytes / 2;
        lock (_order.Gate)
        {
            for (var i = 0; i < _backlog.Length; i++)
            {
                mayLeave &= _backlog[i] <= _options.BacklogLimit * _sizes[i] / 2;
            }
        }

        if (!mayLeave
            || !CacheSpace.HasRoom(_options.Directory, Math.Min(_options.SegmentBytes, _options.CacheLimitBytes / 2)))
        {
            return;
        }

        lock (_order.Gate)
        {
            BeginGeneration(_state.Current.Cause, default);
        }
    }

    /// <summary>
    /// The newest segment stays while the log is written, as it says where the log ends. Here it is not written, and
    /// may be what keeps the log above its limit.
    /// </summary>
    private void DropAcknowledgedLog()
    {
        lock (_order.Gate)
        {
            if (_log.RetainedBytes == 0 || _log.BytesAfter(_acknowledged) > 0)
            {
                return;
            }

            _state.Update(s => s with { Newest = _order.Newest, LastLogged = _log.Last });
        }

        _log.DropSealed();
    }

    /// <summary>
    /// Marks what a scope names as dirty and begins a new generation (in dirty-map mode: lets the one that follows it
    /// do).
    /// </summary>
    /// <param name="cause">Why.</param>
    /// <param name="scope">Given a disk and its map, the words of the extents to mark. Called under the order
    /// lock.</param>
    /// <param name="above">A place of the replica's that all new changes must be above.</param>
    /// <param name="dropLog">The log so far is of no use any more.</param>
    /// <param name="change">Changes to the state that become durable with the generation, not before the log is
    /// dropped.</param>
    private void Restart(
        DirtyCause cause, RestartScope scope, ChangePosition above = default, bool dropLog = false,
        Func<VolumeState, VolumeState>? change = null)
    {
        lock (_restart)
        {
            lock (_order.Gate)
            {
                (_generationPending, _pendingCause) = (true, cause);
            }

            if (dropLog)
            {
                MarkMissing(scope);
                lock (_order.Gate)
                {
                    _log.Seal();
                }

                _log.DropSealed();
            }

            while (true)
            {
                MarkMissing(scope);
                lock (_order.Gate)
                {
                    if (scope.AnyMissing(_maps))
                    {
                        continue;
                    }

                    FinishRestart(cause, above, dropLog, change);
                    break;
                }
            }

            if (dropLog)
            {
                _log.DropSealed();
                lock (_order.Gate)
                {
                    MeasureBacklog();
                }
            }

            if (_mode == CaptureMode.DirtyMap)
            {
                LeaveDirtyMap();
            }
        }

        AnnounceCondition();
        SignalWork();
    }

    private void FinishRestart(
        DirtyCause cause, ChangePosition above, bool dropLog, Func<VolumeState, VolumeState>? change)
    {
        var generation = new Generation(Math.Max(_state.Current.Generation.Value, above.Generation.Value));
        _order.StartAt(above.Lsn);
        _state.Update(s =>
            (change?.Invoke(s) ?? s) with { Cause = cause, Generation = generation, Newest = _order.Newest });
        if (_mode == CaptureMode.Logging)
        {
            BeginGeneration(cause, above);
        }
        else if (dropLog)
        {
            _log.Seal();
        }

        SetCondition(c => c with { Cause = cause });
    }

    private void MarkMissing(RestartScope scope)
    {
        for (var i = 0; i < _maps.Length; i++)
        {
            ExtentRun[] missing;
            lock (_order.Gate)
            {
                missing = scope.Missing(i, _maps[i]);
            }

            if (missing.Length > 0)
            {
                _maps[i].Raise(ExtentMark.Dirty, missing, _newest);
            }
        }
    }

    /// <summary>
    /// Stores the next generation and opens it in the log; goes over to (or stays in) the dirty map when the log
    /// refuses. Under the order lock.
    /// </summary>
    private void BeginGeneration(DirtyCause cause, ChangePosition above)
    {
        _order.StartAt(above.Lsn);
        var generation = new Generation(Math.Max(_state.Current.Generation.Value, above.Generation.Value) + 1);
        _state.Update(s => s with { Generation = generation, Cause = cause, Newest = _order.Newest });
        _log.BeginGeneration(generation);
        try
        {
            AppendControl(ChangeKind.GenerationStart, default);
        }
        catch (StorageException e)
        {
            if (_mode == CaptureMode.Logging)
            {
                EnterDirtyMap(CauseOf(e), e.Message);
            }

            return;
        }

        _generationStart = _tail;
        _generationPending = false;
        if (_mode == CaptureMode.DirtyMap)
        {
            _state.Update(s => s with { Mode = CaptureMode.Logging });
            _mode = CaptureMode.Logging;
        }

        SetCondition(c => c with { Mode = CaptureMode.Logging, Cause = cause, Detail = string.Empty });
    }

    /// <summary>
    /// Appends a record that changes no bytes; its number is used up only when it stands. Under the order lock.
    /// </summary>
    private DateTimeOffset AppendControl(
        ChangeKind kind, ReadOnlyMemory<byte> data, DateTimeOffset? toldTime = null)
    {
        var time = toldTime ?? _options.Time.GetUtcNow();
        var lsn = _order.Newest.Next();
        _control.Clear();
        _control.AddControl(kind, data);
        _control.Seal(0, _log.Generation, lsn, _order.Completed, time);
        _log.Append(_control, null, lsn, lsn);
        _ = _order.Next();
        _captured++;
        _tail = new ChangePosition(_log.Generation, lsn);
        _ages.Note(_tail);
        return time;
    }

    private void SetCondition(Func<SourceCondition, SourceCondition> change)
    {
        lock (_order.Gate)
        {
            var next = change(_condition);
            if (next != _condition)
            {
                Volatile.Write(ref _condition, next with { Since = _options.Time.GetUtcNow() });
            }
        }
    }

    /// <summary>Tells of a change of condition. Outside all locks.</summary>
    private void AnnounceCondition()
    {
        var condition = Volatile.Read(ref _condition);
        if (!ReferenceEquals(Interlocked.Exchange(ref _announced, condition), condition))
        {
            _options.ConditionChanged?.Invoke(condition);
        }
    }
}
