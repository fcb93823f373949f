using System.Threading.Channels;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Transport.Framing;
using ReplicationEngine.DataPlane.Transport.Handshaking;
using ReplicationEngine.DataPlane.Transport.Receiving;

namespace ReplicationEngine.DataPlane.Transport;

/// <summary>
/// Applies a sender's frames to a replica. One reader takes frames from the wire, workers open them in parallel, one
/// applier passes them to the replica in order, syncs in groups and acknowledges. While a sync runs, frames are still
/// received and opened, up to the budget; then backpressure on the connection stops the sender.
/// </summary>
public sealed class ReceiveSession
{
    private readonly SessionLink _link;
    private readonly IReplicaSink _sink;
    private readonly ReceiveOptions _options;
    private readonly TimeProvider _time;
    private readonly long _began;
    private readonly ByteBudget _budget;
    private readonly TaskCompletionSource _readerEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<ReceiveSlot> _sealed = Channel.CreateUnbounded<ReceiveSlot>(
        new UnboundedChannelOptions { SingleWriter = true });

    // A null is not a frame: it wakes the applier, because a sync is due.
    private readonly Channel<ReceiveSlot?> _order = Channel.CreateUnbounded<ReceiveSlot?>(
        new UnboundedChannelOptions { SingleReader = true });

    private long _heard;
    private bool _listening = true;
    private long _lastSent;
    private int _refused;

    /// <summary>
    /// Creates a session over a link whose local end is the receiver. The session closes the link when it ends.
    /// </summary>
    public ReceiveSession(SessionLink link, IReplicaSink sink, ReceiveOptions options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(link);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        if (link.Local.Role != SessionRole.Receiver)
        {
            throw new ArgumentException("The link's local end is the sender.", nameof(link));
        }

        (_link, _sink, _options, _time, _began) = (link, sink, options, time, time.GetTimestamp());
        _budget = new ByteBudget(options.BufferBytes);
    }

    /// <summary>The bytes of frames held at this moment.</summary>
    internal long HeldBytes => _budget.Held;

    private TimeSpan Now => _time.GetElapsedTime(_began);

    /// <summary>Runs until the sender closes the session, it is cancelled, or it fails.</summary>
    /// <exception cref="SessionRefusedException">
    /// The receiver refused a frame; the sender was notified of the reason.
    /// </exception>
    /// <exception cref="LinkLostException">The connection broke or the sender was silent for too long.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var link = _link;
        var first = link.Reader.NextSequence;
        var workers = _options.Workers > 0 ? _options.Workers : Environment.ProcessorCount;
        await using var wake = _time.CreateTimer(
            _ => _order.Writer.TryWrite(null), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        await SessionTasks.RunAsync(
            link, _time,
            [
                token => GuardAsync(ReadAsync, reading: true, token),
                token => GuardAsync(t => ApplyAsync(first, wake, t), reading: false, token),
                WatchAsync,
                .. Enumerable.Repeat<Func<CancellationToken, Task>>(token =>
                    GuardAsync(OpenAsync, reading: false, token), workers),
            ],
            cancellationToken);
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        while (await _link.Reader.ReadHeaderAsync(cancellationToken) is { } header)
        {
            Volatile.Write(ref _listening, false);
            await _budget.TakeAsync(ReceiveSlot.CostOf(header), cancellationToken);
            Volatile.Write(ref _heard, _time.GetTimestamp());
            Volatile.Write(ref _listening, true);
            var slot = new ReceiveSlot(await _link.Reader.ReadBodyAsync(header, cancellationToken));
            Volatile.Write(ref _heard, _time.GetTimestamp());
            if (Volatile.Read(ref _refused) != 0)
            {
                slot.Release(_link.Pool);
                continue;
            }

            if (header.FrameLength <= InlineBytes)
            {
                slot.Open(_link.Receiving, _link.Pool);
            }
            else
            {
                _sealed.Writer.TryWrite(slot);
            }

            _order.Writer.TryWrite(slot);
            if (header.Type == FrameType.Close)
            {
                // Opening shows whether the frame is authentic; nothing can follow it either way.
                return;
            }
        }

        if (Volatile.Read(ref _refused) == 0)
        {
            throw new LinkLostException("The sender closed the connection.");
        }
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        await foreach (var slot in _sealed.Reader.ReadAllAsync(cancellationToken))
        {
            slot.Open(_link.Receiving, _link.Pool);
        }
    }

    private async Task ApplyAsync(ulong firstSequence, ITimer wake, CancellationToken cancellationToken)
    {
        Grow();
        var sender = new SenderIdentity(_link.Peer.Position.Term, _link.Peer.Source.Incarnation);
        var steps = new ReceiveSteps(_sink, sender, _options, firstSequence);
        while (!steps.Closed)
        {
            if (!_order.Reader.TryRead(out var slot))
            {
                if (steps.SyncIn(Now) is { } wait)
                {
                    wake.Change(wait, Timeout.InfiniteTimeSpan);
                }

                slot = await _order.Reader.ReadAsync(cancellationToken);
            }

            if (slot is not null)
            {
                await slot.Opened.WaitAsync(cancellationToken);
                var answer = steps.Apply(slot.Header.Type, slot.Header.Sequence, slot.Payload, Now);
                slot.Release(_link.Pool);
                _budget.Give(slot.Cost);
                if (answer is not null)
                {
                    await SendAsync(FrameType.Answer, answer, cancellationToken);
                }
            }

            if (steps.Settle(idle: !_order.Reader.TryPeek(out _), Now) is { } ack)
            {
                await SendAsync(FrameType.Ack, ack, cancellationToken);
            }
        }

        // Only now may the sender disconnect: everything it sent is durable and acknowledged.
        _ended.TrySetResult();
        _sealed.Writer.TryComplete();
        await _link.Stream.DisposeAsync();
    }

    private void Grow()
    {
        for (var disk = 0; disk < _link.Peer.DiskSizes.Count; disk++)
        {
            if (_link.Peer.DiskSizes[disk] > _link.Local.DiskSizes[disk])
            {
                _sink.Resize(disk, _link.Peer.DiskSizes[disk]);
            }
        }
    }

    private async Task SendAsync(FrameType type, byte[] payload, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _lastSent, _time.GetTimestamp());
        var sending = _link.SendAsync(type, payload, cancellationToken);
        if (sending.IsCompletedSuccessfully)
        {
            return;
        }

        try
        {
            await sending.AsTask().WaitAsync(_options.PeerTimeout, _time, cancellationToken);
        }
        catch (TimeoutException e)
        {
            throw new LinkLostException(
                $"The sender has read nothing for {_options.PeerTimeout.TotalSeconds:F0} s.", e);
        }
    }

    /// <summary>Sends keep-alive frames, and detects a silent sender.</summary>
    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        Volatile.Write(ref _heard, _time.GetTimestamp());
        Volatile.Write(ref _lastSent, _time.GetTimestamp());
        using var timer = new PeriodicTimer(WatchInterval, _time);
        while (true)
        {
            var tick = timer.WaitForNextTickAsync(cancellationToken).AsTask();
            if (await Task.WhenAny(tick, _ended.Task) != tick)
            {
                return;
            }

            await tick;
            var silent = _time.GetElapsedTime(Volatile.Read(ref _heard));
            if (Volatile.Read(ref _listening) && silent > _options.PeerTimeout)
            {
                throw new LinkLostException($"The sender has been silent for {silent.TotalSeconds:F0} s.");
            }

            if (_time.GetElapsedTime(Volatile.Read(ref _lastSent)) >= _options.KeepAlive
                && Volatile.Read(ref _refused) == 0)
            {
                await SendAsync(FrameType.Ping, [], cancellationToken);
            }
        }
    }

    /// <summary>
    /// Runs a task of this session. If it refuses a frame, the sender is notified, and its further frames are read and
    /// discarded until it disconnects: closing at once would reset the connection before the message is read.
    /// </summary>
    private async Task GuardAsync(Func<CancellationToken, Task> body, bool reading, CancellationToken cancellationToken)
    {
        try
        {
            await body(cancellationToken);
        }
        catch (IOException cause) when (cause is not LinkLostException)
        {
            var refusal = SessionRefusedException.From(cause, _sink.Position.Term);
            await RefuseAsync(refusal, reading, cancellationToken);
            throw refusal;
        }
        finally
        {
            if (reading)
            {
                _readerEnded.TrySetResult();
            }
        }
    }

    private async Task RefuseAsync(SessionRefusedException refusal, bool reading, CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _refused, 1) != 0)
        {
            return;
        }

        _budget.Open();
        using var limit = new CancellationTokenSource(SessionTasks.Grace, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await SendAsync(FrameType.Refused, OpenMessage.EncodeRefusal(refusal), both.Token);
            if (reading)
            {
                await DiscardAsync(both.Token);
            }
            else
            {
                await _readerEnded.Task.WaitAsync(both.Token);
            }
        }
        catch (Exception lost) when (lost is LinkLostException or OperationCanceledException)
        {
            // The sender no longer reads; the refusal is thrown here all the same.
            return;
        }
    }

    private async Task DiscardAsync(CancellationToken cancellationToken)
    {
        var rest = new byte[64 << 10];
        try
        {
            while (await _link.Stream.ReadAsync(rest, cancellationToken) > 0)
            {
            }
        }
        catch (Exception broken) when (broken is IOException or ObjectDisposedException)
        {
            throw new LinkLostException("The sender broke the connection.", broken);
        }
    }

    private const int InlineBytes = 8 << 10;

    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(500);
}
