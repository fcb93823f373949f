using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <content>The guest's writes and flushes.</content>
public sealed partial class SourceVolume
{
    private readonly FlushTracker[] _flushes;

    internal void Write(int disk, ReadOnlySpan<BlockChange> changes)
    {
        var ticket = _order.Rent();
        ticket.Load(disk, changes);
        var durable = ticket.ForceUnitAccess;
        var entered = false;
        try
        {
            if (ticket.Count > 0)
            {
                Enter(ticket);
                entered = true;
                SignalWork();
                WriteToDevice(ticket);
            }
        }
        finally
        {
            if (entered)
            {
                _order.Finish(ticket);
                LookWhenQuiet();
            }
            else
            {
                _order.Return(ticket);
            }

            AnnounceCondition();
        }

        if (durable)
        {
            Flush(disk);
        }
    }

    internal void Flush(int disk) => Flush(disk, DeviceOf(disk).Flush);

    /// <summary>As <see cref="Flush(int)"/>, with the times of the disk.</summary>
    private void FlushTimes(int disk) => Flush(disk, DeviceOf(disk).FlushTimes);

    private void Flush(int disk, Action flushDevice)
    {
        if (_closed)
        {
            throw Closed();
        }

        var flush = _flushes[disk];
        var number = flush.Begin();
        if (flush.Poison is { } earlier)
        {
            throw new BlockDeviceException(
                $"'{_options.Disks[disk].Path}' failed to sync before ({earlier.Message}); open the volume again",
                BlockDeviceException.InputOutput, earlier);
        }

        try
        {
            _state.SyncBegins();
            flushDevice();
            _state.SyncEnded();
        }
        catch (IOException e)
        {
            PoisonDisk(disk, e);
            throw new BlockDeviceException(e.Message, BlockDeviceException.InputOutput, e);
        }

        flush.Succeeded(number);
    }

    /// <summary>
    /// Gives a batch its numbers and its place, in the log or in the dirty map; waits for its turn at the disk.
    /// </summary>
    private void Enter(WriteTicket ticket)
    {
        var map = _maps[ticket.Disk];
        while (true)
        {
            var mode = _mode;
            var mark = mode == CaptureMode.Logging ? ExtentMark.Active : ExtentMark.Dirty;
            if (mode == CaptureMode.Logging)
            {
                ticket.Encode();
            }

            lock (_order.Gate)
            {
                CheckWritable();
                if (mode == _mode && IsMarked(map, mark, ticket) && (mode == CaptureMode.DirtyMap || TryLog(ticket)))
                {
                    _captured += mode == CaptureMode.Logging ? ticket.Records.Count : ticket.Count;
                    _entered[ticket.Disk]++;
                    _order.Enter(ticket, mode == CaptureMode.Logging ? ticket.Records.Count : ticket.Count);
                    foreach (var run in ticket.Runs)
                    {
                        map.Touch(run, ticket.Last);
                    }

                    _order.WaitForTurn(ticket);
                    return;
                }

                if (mode != _mode)
                {
                    continue;
                }
            }

            Mark(map, mark, ticket.Runs);
        }
    }

    /// <summary>
    /// Appends a batch to the log; false when the volume went over to its dirty map instead. Under the order lock.
    /// </summary>
    private bool TryLog(WriteTicket ticket)
    {
        var disk = ticket.Disk;
        var bytes = ticket.Records.Bytes;
        if (!_log.HasRoomFor(bytes))
        {
            EnterDirtyMap(
                DirtyCause.CacheFull, $"the replication log reached its limit of {_options.CacheLimitBytes} bytes");
            return false;
        }

        if (_backlog[disk] + bytes > _options.BacklogLimit * _sizes[disk])
        {
            EnterDirtyMap(
                DirtyCause.BacklogHalfOfDisk,
                $"'{_options.Disks[disk].Path}' has {_backlog[disk]} bytes of changes that the replica does not have");
            return false;
        }

        var first = _order.Newest.Next();
        var last = new Lsn(_order.Newest.Value + ticket.Records.Count);
        ticket.Records.Seal(disk, _log.Generation, first, _order.Completed, _options.Time.GetUtcNow());
        try
        {
            _log.Append(ticket.Records, disk, first, last);
        }
        catch (StorageException e)
        {
            EnterDirtyMap(CauseOf(e), e.Message);
            return false;
        }

        _backlog[disk] += bytes;
        _ages.Note(new ChangePosition(_log.Generation, first));
        _tail = new ChangePosition(_log.Generation, last);
        return true;
    }

    private void WriteToDevice(WriteTicket ticket)
    {
        try
        {
            DeviceOf(ticket.Disk).Write(ticket.Changes);
        }
        catch
        {
            // The log has it and the disk may not: the extents are compared. The mark is durable before the change
            // counts as completed, since after a crash nothing would redo it then.
            DeviceWriteFailed(ticket);
            throw;
        }
    }

    private void DeviceWriteFailed(WriteTicket ticket)
    {
        lock (_order.Gate)
        {
            _generationPending = true;
            _pendingCause = DirtyCause.DeviceWriteFailed;
        }

        try
        {
            Mark(_maps[ticket.Disk], ExtentMark.Dirty, ticket.Runs);
        }
        catch (BlockDeviceException)
        {
            // Neither disk nor map takes anything. With no later record in the log, an opening redoes this change.
            lock (_order.Gate)
            {
                _broken = true;
            }

            throw;
        }
    }

    private void CheckWritable()
    {
        if (_closed || _quiesced)
        {
            throw Closed();
        }

        if (_fenced)
        {
            throw new BlockDeviceException(
                $"'{_options.Vm}' is fenced in term {Term}: it was failed over", BlockDeviceException.NotPermitted);
        }

        if (_broken)
        {
            throw new BlockDeviceException(
                $"neither disk nor map of '{_options.Vm}' takes writes; repair '{_options.Directory.Path}', open again",
                BlockDeviceException.InputOutput);
        }
    }

    private void Mark(ChangeMap map, ExtentMark mark, ReadOnlySpan<ExtentRun> runs)
    {
        try
        {
            map.Raise(mark, runs, _newest);
        }
        catch (StorageException e)
        {
            throw new BlockDeviceException(
                $"the change map of '{_options.Vm}' cannot be written: {e.Message}",
                BlockDeviceException.InputOutput, e);
        }
    }

    private void PoisonDisk(int disk, IOException error)
    {
        if (_flushes[disk].Fail(error))
        {
            SetCondition(c => c with { SyncFailed = true, Detail = error.Message });
            try
            {
                _state.Update(s => s with { SyncFailed = true });
            }
            catch (StorageException e)
            {
                throw new BlockDeviceException(
                    $"{error.Message}; and it could not be noted: {e.Message}", BlockDeviceException.InputOutput,
                    new AggregateException(error, e));
            }
            finally
            {
                AnnounceCondition();
            }
        }
    }

    private static bool IsMarked(ChangeMap map, ExtentMark mark, WriteTicket ticket)
    {
        var bits = map[mark];
        foreach (var run in ticket.Runs)
        {
            if (!bits.AllSet(run))
            {
                return false;
            }
        }

        return true;
    }

    private static DirtyCause CauseOf(StorageException e) =>
        e.Errno == StorageException.NoSpace ? DirtyCause.NoSpace : DirtyCause.CacheFailed;

    private BlockDeviceException Closed() =>
        new($"'{_options.Vm}' takes no more writes: it is being closed or moved", BlockDeviceException.Shutdown);
}
