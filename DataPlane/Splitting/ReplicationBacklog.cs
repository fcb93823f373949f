using ReplicationEngine.DataPlane.Cache;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicationLog;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// The replication log from the replica's acknowledged position to the newest change: appends at one end, is freed at
/// the other, and compares its size with the limits of log and disks (REP-10, RES-4).
/// </summary>
/// <remarks>
/// <b>Locks</b>: the order lock guards all fields; the documentation of a member states whether it is called under that
/// lock, all others take it. The log's locks are inside it; the log is freed outside it, because that deletes files.
/// </remarks>
internal sealed class ReplicationBacklog
{
    private readonly SourceVolumeOptions _options;
    private readonly WriteOrder _order;
    private readonly VolumeDisk[] _disks;
    private readonly long[] _bytes;
    private readonly RecordBatch _control = new();
    private readonly ChangeAges _ages;

    /// <summary>Takes ownership of the log that an opening produced.</summary>
    public ReplicationBacklog(SourceVolumeOptions options, SourceVolumeParts parts, VolumeDisk[] disks)
    {
        (_options, _order, _disks) = (options, parts.Order, disks);
        (Log, Tail, Acknowledged) = (parts.Log, parts.Tail, parts.State.Current.AcknowledgedFloor);
        _ages = new ChangeAges(options.Time);
        _bytes = new long[disks.Length];
        Measure();
    }

    /// <summary>The log, which has locks of its own.</summary>
    public ChangeLog Log { get; }

    /// <summary>The newest logged change. Under the order lock.</summary>
    public ChangePosition Tail { get; private set; }

    /// <summary>The replica's durable position. Under the order lock.</summary>
    public ChangePosition Acknowledged { get; private set; }

    /// <summary>
    /// The age of the oldest change that is not acknowledged; null if it was logged before the volume was opened. Under
    /// the order lock.
    /// </summary>
    public TimeSpan? Age => _ages.OldestBehind(Acknowledged);

    /// <summary>Appends an encoded batch and assigns the next numbers to it. Under the order lock.</summary>
    /// <returns>False if the log cannot take the batch, with the reason; none of it is in the log then.</returns>
    public bool TryAppend(VolumeDisk disk, WriteTicket ticket, out DirtyMapReason reason)
    {
        var bytes = ticket.Records.Bytes;
        if (!Log.HasRoomFor(bytes))
        {
            reason = new DirtyMapReason(
                DirtyCause.CacheFull, $"the replication log has reached its limit of {_options.CacheLimitBytes} bytes");
            return false;
        }

        ref var waiting = ref _bytes[disk.Index];
        if (waiting + bytes > _options.BacklogLimit * disk.Size)
        {
            reason = new DirtyMapReason(
                DirtyCause.BacklogHalfOfDisk,
                $"'{disk.Path}' has {waiting} bytes of changes that the replica does not have");
            return false;
        }

        var first = _order.Newest.Next();
        var last = new Lsn(_order.Newest.Value + ticket.Records.Count);
        ticket.Records.Seal(disk.Index, Log.Generation, first, _order.Completed, _options.Time.GetUtcNow());
        try
        {
            Log.Append(ticket.Records, disk.Index, first, last);
        }
        catch (StorageException e)
        {
            reason = DirtyMapReason.Of(e);
            return false;
        }

        waiting += bytes;
        _ages.Note(new ChangePosition(Log.Generation, first));
        Tail = new ChangePosition(Log.Generation, last);
        reason = default;
        return true;
    }

    /// <summary>
    /// Appends a record that changes no bytes; its number is used only if the record is in the log. Under the order
    /// lock.
    /// </summary>
    /// <returns>The time in the record: the given one, or the clock's.</returns>
    /// <exception cref="StorageException">The log did not accept the record.</exception>
    public DateTimeOffset AppendControl(ChangeKind kind, ReadOnlyMemory<byte> data, DateTimeOffset? givenTime = null)
    {
        var time = givenTime ?? _options.Time.GetUtcNow();
        var lsn = _order.Newest.Next();
        _control.Clear();
        _control.AddControl(kind, data);
        _control.Seal(0, Log.Generation, lsn, _order.Completed, time);
        Log.Append(_control, null, lsn, lsn);
        _ = _order.Next();
        Tail = new ChangePosition(Log.Generation, lsn);
        _ages.Note(Tail);
        return time;
    }

    /// <summary>Records the replica's acknowledgement and frees the log up to it; an old one changes nothing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The position was never logged.</exception>
    public void Acknowledge(ChangePosition durable)
    {
        lock (_order.Gate)
        {
            if (durable.CompareTo(Acknowledged) <= 0)
            {
                return;
            }

            if (durable.CompareTo(Tail) > 0)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(durable), durable,
                    $"The replica acknowledged a change that was never logged; the newest change is {Tail}.");
            }

            Acknowledged = durable;
        }

        Free();
        lock (_order.Gate)
        {
            Measure();
        }
    }

    /// <summary>
    /// Continues from an attaching replica's position, even if that is earlier. Under the order lock.
    /// </summary>
    public void Adopt(ChangePosition durable)
    {
        Acknowledged = durable;
        Measure();
    }

    /// <summary>
    /// Raises the acknowledged position to at least this one, because the replica holds a copy that was made behind it.
    /// Under the order lock.
    /// </summary>
    public void AcknowledgeAtLeast(ChangePosition durable) =>
        Acknowledged = Acknowledged.CompareTo(durable) < 0 ? durable : Acknowledged;

    /// <summary>
    /// Frees the part of the log that is acknowledged and on the source's disks. Outside the order lock.
    /// </summary>
    public void Free()
    {
        ChangePosition durable;
        Lsn completed;
        lock (_order.Gate)
        {
            (durable, completed) = (Acknowledged, _order.Completed);
        }

        Log.DropThrough(durable, completed);
    }

    /// <summary>Measures the bytes of each disk again. Under the order lock.</summary>
    public void Measure()
    {
        for (var i = 0; i < _bytes.Length; i++)
        {
            _bytes[i] = Log.BytesAfter(Acknowledged, i);
        }
    }

    /// <summary>
    /// Returns whether the log can hold the writes again: at most half of each limit is used, and the file system has
    /// room for the next segment. Outside the order lock.
    /// </summary>
    public bool HasRecovered()
    {
        if (Log.RetainedBytes > _options.CacheLimitBytes / 2)
        {
            return false;
        }

        lock (_order.Gate)
        {
            foreach (var disk in _disks)
            {
                if (_bytes[disk.Index] > _options.BacklogLimit * disk.Size / 2)
                {
                    return false;
                }
            }
        }

        return CacheSpace.HasRoom(_options.Directory, Math.Min(_options.SegmentBytes, _options.CacheLimitBytes / 2));
    }
}
