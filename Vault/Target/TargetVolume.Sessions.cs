using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Control;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Vault.Target;

// The one data session there is at a time: the agent calls, and the newest call replaces the one before it (which may
// be a connection that died without a word).
internal sealed partial class TargetVolume
{
    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan IdleTooLong = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MaintenanceBudget = TimeSpan.FromMilliseconds(50);

    private readonly SemaphoreSlim _sessionTurn = new(1, 1);
    private readonly Queue<(ChangePosition Tail, DateTimeOffset At)> _reported = new();
    private CancellationTokenSource? _sessionStop;
    private Task _sessionEnded = Task.CompletedTask;
    private SendSession? _reverse;
    private long _reverseWireBytes;
    private long _reverseChangedBytes;
    private DateTimeOffset _completeAsOf;
    private volatile bool _receiving;
    private volatile string? _fault;

    /// <summary>Whether a source is connected and sending.</summary>
    public bool Receiving => _receiving;

    /// <summary>Whether the replica equals no moment of its source.</summary>
    public bool Resyncing => Store?.Position.Resyncing ?? true;

    /// <summary>The generation the replica stands in.</summary>
    public long Generation => Store?.Position.Durable.Generation.Value ?? 0;

    /// <summary>Why the replica takes nothing more; null when it does.</summary>
    public string? Fault => LostBecause ?? _fault;

    /// <summary>Forgets the fault: transfers are tried anew, and it comes back if they fail again.</summary>
    public void ForgetFault() => _fault = null;

    /// <summary>Serves one data stream of the agent until it ends.</summary>
    public async Task ServeDataAsync(Stream stream, bool reverse, CancellationToken cancellationToken)
    {
        SessionLink link;
        try
        {
            link = await SessionHandshake.AcceptAsync(
                stream, (_, _) => ValueTask.FromResult(Accept(reverse)), _time, cancellationToken);
        }
        catch (IOException e)
        {
            SessionRefused(_vm, e.Message);
            return;
        }

        await EndSessionAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_life)
        {
            (_sessionStop, _sessionEnded) = (stop, ended.Task);
        }

        try
        {
            await (reverse ? SendAsync(link, stop.Token) : ReceiveAsync(link, stop.Token));
        }
        catch (OperationCanceledException)
        {
            SessionEnded(_vm, "another took its place, or the service or the source's side ends it");
        }
        catch (IOException e)
        {
            SessionEnded(_vm, e.Message);
        }
        finally
        {
            lock (_life)
            {
                _sessionStop = _sessionStop == stop ? null : _sessionStop;
            }

            ended.TrySetResult();
            _changed();
        }
    }

    /// <summary>
    /// Waits until the replica durably holds everything up to a position and is not resyncing. With
    /// <paramref name="giveUpWhenIdle"/>, gives up when nothing has come for a while.
    /// </summary>
    /// <exception cref="OperationCanceledException">It gave up, or was cancelled.</exception>
    public async Task WaitForAsync(ChangePosition position, bool giveUpWhenIdle, CancellationToken ct)
    {
        var store = Opened();
        var (last, since) = (store.Applied, _time.GetTimestamp());
        while (store.Position is { } now && (now.Resyncing || now.Durable.CompareTo(position) < 0))
        {
            if (store.Applied != last)
            {
                (last, since) = (store.Applied, _time.GetTimestamp());
            }
            else if (giveUpWhenIdle && _time.GetElapsedTime(since) > IdleTooLong)
            {
                throw new OperationCanceledException($"Nothing has come from the source of '{_vm}' for a while.");
            }

            await Task.Delay(PollEvery, _time, ct);
        }
    }

    /// <summary>Notes how far the source was at a moment, for an honest statement of what a failover loses
    /// (I21).</summary>
    public void NoteReport(VolumeStatus status)
    {
        if (status.Role is not (VolumeRole.Primary or VolumeRole.Quiesced) || status.Capture != "logging")
        {
            return;
        }

        const int kept = 4096;
        lock (_reported)
        {
            _reported.Enqueue((new ChangePosition(new Generation(status.Generation), new Lsn(status.Lsn)), status.At));
            while (_reported.Count > kept)
            {
                _reported.Dequeue();
            }
        }
    }

    /// <summary>How the stream back to the source stands.</summary>
    public ReverseStatus ReverseStatus()
    {
        if (Peek(LiveName)?.Source is not { } source)
        {
            return new ReverseStatus(null, 0, null, false, false);
        }

        var counters = source.Counters();
        var reverse = Volatile.Read(ref _reverse);
        var progress = reverse?.Progress;
        var transfer = progress is null ? null : new TransferStatus(
            progress.Phase.ToString().ToLowerInvariant(), true, progress.TotalBytes, progress.DoneBytes,
            progress.BytesPerSecond, progress.TimeLeft?.TotalSeconds,
            Interlocked.Read(ref _reverseWireBytes) + progress.WireBytes,
            Interlocked.Read(ref _reverseChangedBytes) + progress.LogBytes + progress.BlockBytes,
            reverse!.CopiedBytes, _countedSince);
        var inSync = progress is { Phase: TransferPhase.Streaming } && counters.DirtyBytes == 0
            && progress.Durable.Generation == counters.Tail.Generation;
        var caughtUp = inSync && progress!.Durable.CompareTo(counters.Tail) >= 0;
        return new ReverseStatus(transfer, counters.LagBytes, counters.OldestUnacknowledged, inSync, caughtUp);
    }

    private SessionAcceptance? Accept(bool reverse)
    {
        if (reverse)
        {
            return Peek(LiveName)?.Source is { } source ? new SessionAcceptance(_key, SessionOffer.Send(source)) : null;
        }

        if (Store is not { } store)
        {
            return LostBecause is { } why
                ? SessionAcceptance.Refuse(_key, new SessionRefusedException(SessionRefusal.Unavailable, why))
                : null;
        }

        return HasLive
            ? SessionAcceptance.Refuse(_key, new SessionRefusedException(
                SessionRefusal.StaleTerm, $"'{_vm}' was failed over; this source is no longer its primary.",
                store.Position.Term))
            : new SessionAcceptance(_key, SessionOffer.Receive(store, [.. store.Disks.Select(d => d.SizeBytes)]));
    }

    private async Task ReceiveAsync(SessionLink link, CancellationToken ct)
    {
        var store = Opened();
        store.AcceptTerm(link.Peer.Position.Term);
        var options = new ReceiveOptions
        {
            PositionMoved = _ =>
            {
                // What is durable further on shows that the replica takes changes again; a mere connection does not.
                ForgetFault();
                _changed();
            },
        };
        try
        {
            _receiving = true;
            SessionBegan(_vm, "receiving");
            await new ReceiveSession(link, store, options, _time).RunAsync(ct);
        }
        catch (ReplicaCorruptException e)
        {
            _fault = e.Message;
            throw;
        }
        finally
        {
            _receiving = false;
        }
    }

    private async Task SendAsync(SessionLink link, CancellationToken ct)
    {
        var session = new SendSession(link, RequireLive().Source!, new SendOptions(), _time);
        Volatile.Write(ref _reverse, session);
        try
        {
            SessionBegan(_vm, "sending back");
            await session.RunAsync(ct);
        }
        finally
        {
            if (session.Progress is { } progress)
            {
                Interlocked.Add(ref _reverseWireBytes, progress.WireBytes);
                Interlocked.Add(ref _reverseChangedBytes, progress.LogBytes + progress.BlockBytes);
            }

            Volatile.Write(ref _reverse, null);
        }
    }

    private async Task EndSessionAsync()
    {
        await _sessionTurn.WaitAsync();
        try
        {
            Task ended;
            CancellationTokenSource? stop;
            lock (_life)
            {
                (ended, stop) = (_sessionEnded, _sessionStop);
            }

            if (stop is not null)
            {
                await stop.CancelAsync();
            }

            await ended;
        }
        finally
        {
            _sessionTurn.Release();
        }
    }

    /// <summary>The newest moment of which the replica is known to hold every write.</summary>
    private DateTimeOffset CompleteAsOf()
    {
        var applied = Opened().Applied;
        lock (_reported)
        {
            while (_reported.TryPeek(out var report) && report.Tail.CompareTo(applied) <= 0)
            {
                _completeAsOf = _reported.Dequeue().At;
            }
        }

        var newestPoint = Opened().Points.Select(p => p.Time).DefaultIfEmpty(DateTimeOffset.UnixEpoch).Max();
        return _completeAsOf > newestPoint ? _completeAsOf : newestPoint;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "data session of '{Vm}' began: {What}")]
    private partial void SessionBegan(string vm, string what);

    [LoggerMessage(Level = LogLevel.Information, Message = "data session of '{Vm}' ended: {Reason}")]
    private partial void SessionEnded(string vm, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "data session of '{Vm}' refused: {Reason}")]
    private partial void SessionRefused(string vm, string reason);
}

/// <summary>How the stream back to the source stands.</summary>
/// <param name="Transfer">The running transfer; null while the agent is not connected for it.</param>
/// <param name="LagBytes">Bytes of writes the source side does not durably hold.</param>
/// <param name="Oldest">When the oldest of these was accepted.</param>
/// <param name="InSync">Nothing is left to compare or copy; the source side follows the log, behind by what is in
/// flight.</param>
/// <param name="CaughtUp">It is in sync and durably holds every write so far, which a machine that writes on may never
/// show.</param>
internal sealed record ReverseStatus(
    TransferStatus? Transfer, long LagBytes, DateTimeOffset? Oldest, bool InSync, bool CaughtUp);
