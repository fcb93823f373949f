using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Resync;
using ReplicationEngine.DataPlane.Transport.Framing;

namespace ReplicationEngine.DataPlane.Transport.Sending;

/// <summary>
/// The sending end's protocol without any I/O: what to read, the order of the stream, when to wait. The shell calls
/// <see cref="Next"/>, runs the step and reports back. Not safe to use from several threads.
/// </summary>
/// <remarks>
/// Order in the stream. Log records come first: the log is read again before each resync slot, and reading continues
/// while the log has a full batch. A resync slot is reserved only if the replica, at that position of the stream, is
/// resyncing, and if all of the log up to the moment of the dirty snapshot precedes it, including the start of the
/// generation that explains the snapshot. A slot's disk reading starts after its reservation at position q and after
/// all changes up to q are on the disk (see <see cref="IChangeSource"/>), so a later change always follows in the
/// stream (I11).
/// End of a resync. When every extent of a snapshot is durable and cleared, the tail is recorded and then a new
/// snapshot taken. If that is empty and the source does not hold the resync, everything up to the recorded tail is in
/// the log or in blocks already sent; EndResync is sent behind that tail, unless a new generation starts before it.
/// </remarks>
public sealed class SendMachine(SendOptions options, ReplicaPosition replica, ChangePosition after,
    ulong firstSequence)
{
    private const int MaxOutstandingExtents = 256;
    private const int MaxPings = 8;
    private const int LogShareBeforeResync = 16 << 20;
    private readonly Queue<InFlight> _inFlight = new();
    private ulong _next = firstSequence;
    private ulong _applied = firstSequence - 1;
    private ulong _durableSequence = firstSequence - 1;
    private ulong _lastContent = firstSequence - 1;
    private ulong _lastResync = firstSequence - 1;
    private ulong _lastSync = firstSequence - 1;
    private ChangePosition _durable = replica.Durable;
    private ChangePosition? _acknowledge;
    private ChangePosition? _end;
    private ChangePosition _gate = after;
    private TimeSpan _heard;
    private TimeSpan _lastReserved;
    private bool _started;
    private bool _logDue = true;
    private bool _wokenForNothing;
    private bool _needDirty = replica.Resyncing;
    private bool _emptyBase = replica.Empty;
    private bool _writesCarried;
    private bool _generationSeen;
    private bool _held;
    private bool _draining;
    private bool _closed;
    private long _logBytesInFlight;
    private long _resyncInFlight;
    private long _logSinceResync;
    private int _pings;

    /// <summary>The position of the last log record in the stream.</summary>
    public ChangePosition Position { get; private set; } = after;

    /// <summary>Whether the replica, at the stream's end, is resyncing.</summary>
    public bool Resyncing { get; private set; } = replica.Resyncing;

    /// <summary>The state machine of the resync.</summary>
    internal ResyncMachine Resync { get; } = new(MaxOutstandingExtents);

    /// <summary>Whether this resync copies into an empty replica.</summary>
    public bool Initial => _emptyBase && Resyncing;

    /// <summary>Conservation (I30): <c>Shipped = Applied + InFlight</c>, in bytes of log records.</summary>
    public (long Shipped, long Applied, long InFlight) LogBytes { get; private set; }

    /// <summary>The bytes in flight, log and resync.</summary>
    public long BytesInFlight => _logBytesInFlight + _resyncInFlight;

    /// <summary>The replica's durable position, as last acknowledged.</summary>
    public ChangePosition Durable => _durable;

    /// <summary>Returns the next step. <paramref name="now"/> only rises.</summary>
    /// <exception cref="LinkLostException">The peer was silent for too long.</exception>
    public SendAction Next(TimeSpan now)
    {
        Start(now);
        if (_acknowledge is { } durable)
        {
            _acknowledge = null;
            return new SendAction(SendStep.Acknowledge, Position: durable);
        }

        if (Resync.TryTakeCleared(out var extent))
        {
            return new SendAction(SendStep.ClearDirty, Extent: extent);
        }

        if (_closed)
        {
            return new SendAction(SendStep.Finished);
        }

        if (now - _heard > options.PeerTimeout)
        {
            throw new LinkLostException($"The receiver has been silent for {(now - _heard).TotalSeconds:F0} s.");
        }

        var resyncTurn = Resyncing && _logSinceResync >= LogShareBeforeResync;
        if (resyncTurn && NextOfResync(now) is { } turn)
        {
            return turn;
        }

        if (_logDue && _logBytesInFlight < options.LogWindowBytes)
        {
            return new SendAction(SendStep.ReadLog);
        }

        return (Resyncing ? NextOfResync(now) : null) ?? (_draining ? NextOfDrain(now) : null) ?? Idle(now);
    }

    /// <summary>
    /// Receives the result of reading the log, and the new position. Returns the frame's sequence number if there were
    /// records.
    /// </summary>
    internal ulong LogRead(in LogBatch batch, ChangePosition position, TimeSpan now)
    {
        if (batch.Bytes == 0)
        {
            _logDue = false;
            return 0;
        }

        (_wokenForNothing, _held) = (false, false);
        if (batch.StartsGeneration)
        {
            _emptyBase &= !_generationSeen && !_writesCarried && !batch.WritesBeforeStart;
            _generationSeen = true;
            (Resyncing, _needDirty, _end) = (true, true, null);
        }

        _writesCarried |= batch.WritesBeforeStart || batch.WritesAfterStart;
        Position = position;
        _logSinceResync += batch.Bytes;
        _logDue = batch.Bytes >= options.BatchBytes / 2 || !Resyncing;
        _logBytesInFlight += batch.Bytes;
        LogBytes = LogBytes with { Shipped = LogBytes.Shipped + batch.Bytes, InFlight = LogBytes.InFlight
            + batch.Bytes };
        _lastContent = Take(now, new InFlight(0, batch.Bytes, false, false));
        return _lastContent;
    }

    /// <summary>Receives a snapshot of the dirty extents, and the tail before and after it was taken.</summary>
    public void DirtyRead(ChangePosition before, IReadOnlyList<DirtyExtent> extents, ChangePosition tail)
    {
        _needDirty = false;
        if (extents.Count == 0 && Resync.Idle)
        {
            _end = before;
        }
        else
        {
            Resync.Begin(extents, _emptyBase);
            _gate = tail;
        }

        _logDue = true;
    }

    /// <summary>
    /// Records that the source holds the resync (<see cref="IChangeSource.IsResyncHeld"/>): check again after more of
    /// the log was read.
    /// </summary>
    public void DirtyHeld() => (_held, _needDirty) = (true, true);

    /// <summary>Receives the allocated blocks of an extent.</summary>
    internal void Inspected(ExtentWork work, ulong allocated) => Resync.Inspected(work, allocated);

    /// <summary>Receives an acknowledgement of the receiver.</summary>
    /// <exception cref="FrameException">
    /// The receiver acknowledges frames or a position that were never sent, or a smaller frame number than before.
    /// </exception>
    public void Acked(ulong applied, ulong durableSequence, ChangePosition durable)
    {
        if (applied >= _next || durableSequence > applied || applied < _applied || durableSequence < _durableSequence
            || durable.CompareTo(Position) > 0)
        {
            throw new FrameException(FrameError.BadPayload, $"The receiver acknowledges frame {applied} as applied and "
                + $"{durableSequence} at {durable} as durable, but the last one sent is {_next - 1} at {Position}.");
        }

        (_applied, _durableSequence) = (applied, durableSequence);
        while (_inFlight.TryPeek(out var slot) && slot.Sequence <= applied)
        {
            Landed(_inFlight.Dequeue());
        }

        Resync.Durable(durableSequence);
        if (durable.CompareTo(_durable) > 0)
        {
            (_durable, _acknowledge) = (durable, durable);
        }
    }

    /// <summary>Receives the reply to a probe.</summary>
    public void Answered(ulong sequence, ulong differing) => Resync.Answered(sequence, differing);

    /// <summary>Records that a frame arrived from the peer.</summary>
    public void Heard(TimeSpan now) => _heard = now;

    /// <summary>Whether the log was empty at the last read, and the source can signal new records.</summary>
    public bool WantsWork => !_logDue && !Resyncing;

    /// <summary>
    /// Records that the source has signalled new work. If the log is empty after all, it is polled once.
    /// </summary>
    public void WorkArrived() => (_wokenForNothing, _logDue) = (true, true);

    /// <summary>Records that the time of a <see cref="SendStep.Poll"/> is over.</summary>
    public void PollOver() => (_wokenForNothing, _logDue, _held) = (false, true, false);

    /// <summary>Sends everything outstanding, waits until it is durable, and closes.</summary>
    public void Drain()
    {
        _draining = true;
        _logDue = true;
    }

    private void Start(TimeSpan now)
    {
        if (!_started)
        {
            (_started, _heard, _lastReserved) = (true, now, now);
        }
    }

    private SendAction? NextOfResync(TimeSpan now)
    {
        if (_needDirty)
        {
            return _held ? null : new SendAction(SendStep.ReadDirty);
        }

        if (_end is { } end)
        {
            return Position.CompareTo(end) >= 0 ? EndResync(end, now) : null;
        }

        if (Position.CompareTo(_gate) < 0)
        {
            return null;
        }

        if (_resyncInFlight < options.ResyncWindowBytes && Resync.TryNext(out var slot))
        {
            _logSinceResync = 0;
            _logDue = true;
            return slot.Kind == ResyncSlotKind.Inspect
                ? new SendAction(SendStep.Inspect, Position: Position, Slot: slot)
                : ReserveSlot(slot, now);
        }

        if (Resync.AllSent && Resync.Settling > 0)
        {
            return _lastSync < _lastResync ? Sync(now) : null;
        }

        if (Resync.Idle)
        {
            _needDirty = true;
            return new SendAction(SendStep.ReadDirty);
        }

        return null;
    }

    private SendAction ReserveSlot(in ResyncSlot slot, TimeSpan now)
    {
        var type = slot.Kind switch
        {
            ResyncSlotKind.RootProbe => FrameType.RootProbe,
            ResyncSlotKind.BlockProbe => FrameType.BlockProbe,
            _ => FrameType.Blocks,
        };
        _resyncInFlight += slot.Cost;
        _lastResync = Take(now, new InFlight(0, slot.Cost, true, false));
        Resync.Reserved(slot, _lastResync);
        return new SendAction(SendStep.Reserve, type, _lastResync, Position, slot);
    }

    private SendAction EndResync(ChangePosition end, TimeSpan now)
    {
        (Resyncing, _end, _emptyBase) = (false, null, false);
        _lastContent = Take(now, default);
        return new SendAction(SendStep.Reserve, FrameType.EndResync, _lastContent, end);
    }

    private SendAction Sync(TimeSpan now)
    {
        _lastSync = Take(now, default);
        return new SendAction(SendStep.Reserve, FrameType.SyncRequest, _lastSync, Position);
    }

    private SendAction? NextOfDrain(TimeSpan now)
    {
        if (_logDue || Resyncing)
        {
            return null;
        }

        if (_durableSequence < _lastContent || _durableSequence < _lastResync)
        {
            return _lastSync < _lastContent ? Sync(now) : null;
        }

        _closed = true;
        return new SendAction(SendStep.Reserve, FrameType.Close, Take(now, default), Position);
    }

    private SendAction Idle(TimeSpan now)
    {
        if (now - _lastReserved >= options.KeepAlive && _pings < MaxPings)
        {
            _pings++;
            return new SendAction(SendStep.Reserve, FrameType.Ping, Take(now, new InFlight(0, 0, false, true)),
                Position);
        }

        // While extents are dirty, the source signals work at once, whether the log has records or not.
        var windowOpen = _logBytesInFlight < options.LogWindowBytes;
        return new SendAction(windowOpen && (Resyncing || _wokenForNothing) ? SendStep.Poll : SendStep.Wait,
            Position: Position);
    }

    private ulong Take(TimeSpan now, InFlight slot)
    {
        _lastReserved = now;
        _inFlight.Enqueue(slot with { Sequence = _next });
        return _next++;
    }

    private void Landed(InFlight slot)
    {
        _pings -= slot.Ping ? 1 : 0;
        if (slot.Resync)
        {
            _resyncInFlight -= slot.Cost;
        }
        else
        {
            _logBytesInFlight -= slot.Cost;
            LogBytes = LogBytes with { Applied = LogBytes.Applied + slot.Cost,
                InFlight = LogBytes.InFlight - slot.Cost };
        }
    }

    private readonly record struct InFlight(ulong Sequence, int Cost, bool Resync, bool Ping);
}
