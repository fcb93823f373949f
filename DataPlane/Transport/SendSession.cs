using System.Threading.Channels;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Transport.Framing;
using ReplicationEngine.DataPlane.Transport.Handshaking;
using ReplicationEngine.DataPlane.Transport.Sending;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Transport;

/// <summary>
/// Brings a replica up to date with a source and keeps it so: initial copy or resync, and the log. The
/// <see cref="SendMachine"/> decides; this shell reads, seals and writes. One pump drives the machine; workers fill the
/// reserved slots in parallel; one writer sends them in order; one reader receives the acknowledgements.
/// </summary>
public sealed class SendSession
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan PublishInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(5);
    private readonly SessionLink _link;
    private readonly IChangeSource _source;
    private readonly SendOptions _options;
    private readonly TimeProvider _time;
    private readonly long _began;
    private readonly TransferMeter _meter = new();
    private readonly Channel<Action<SendMachine>> _inputs = Channel.CreateUnbounded<Action<SendMachine>>(
        new UnboundedChannelOptions { SingleReader = true });

    private readonly TaskCompletionSource _hungUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _work;
    private bool _closing;
    private TimeSpan _published;
    private bool _publishedResyncing;
    private TransferProgress? _progress;

    /// <summary>
    /// Creates a session over a link whose local end is the sender. The session closes the link when it ends.
    /// </summary>
    public SendSession(SessionLink link, IChangeSource source, SendOptions options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(link);
        ArgumentNullException.ThrowIfNull(time);
        if (link.Local.Role != SessionRole.Sender)
        {
            throw new ArgumentException("The link's local end is the receiver.", nameof(link));
        }

        (_link, _source, _options, _time, _began) = (link, source, options, time, time.GetTimestamp());
    }

    /// <summary>The progress of the session; null before it started. Safe to read from any thread.</summary>
    public TransferProgress? Progress => Volatile.Read(ref _progress);

    /// <summary>
    /// The bytes of disk blocks, before compression, that the running or latest copy or resync has sent in this
    /// session; always up to date, unlike <see cref="Progress"/>.
    /// </summary>
    public long CopiedBytes => _meter.Copied;

    private TimeSpan Now => _time.GetElapsedTime(_began);

    /// <summary>
    /// Requests a normal end: the log is sent and made durable, a running resync is finished, then
    /// <see cref="RunAsync"/> returns (FOV-2: no change is left behind). Continuing writes delay the end.
    /// </summary>
    public void RequestDrain() => Post(machine => machine.Drain());

    /// <summary>Runs until it is cancelled, drained, or broken.</summary>
    /// <exception cref="SessionRefusedException">The receiver refuses; the exception has the reason.</exception>
    /// <exception cref="LinkLostException">The connection broke or the receiver was silent for too long.</exception>
    /// <exception cref="FrameException">A frame from the receiver was damaged.</exception>
    /// <exception cref="ReplicationLogCorruptException">The log is damaged; connect and attach again.</exception>
    /// <exception cref="BlockDeviceException">The source's disk cannot be read.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var link = _link;
        var after = _source.Attach(link.Peer.Position);
        var machine = new SendMachine(_options, link.Peer.Position, after, link.NextSequence);
        var filler = new SlotFiller(_source, link.Sending, link.Pool, _time, _meter, _options.Compress);
        var limit = _options.BytesPerSecond is { } rate ? new BandwidthLimit(rate, _time) : null;
        var steps = new SendSteps(machine, _source, _options);
        var pipeline = new SlotPipeline(filler, link, limit, steps.Logs, _time);
        await using var tick = _time.CreateTimer(_ => Post(static _ => { }), null, TickInterval, TickInterval);
        await using var poll = _time.CreateTimer(
            _ => Post(static m => m.PollOver()), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        await SessionTasks.RunAsync(
            link, _time,
            [
                token => PumpAsync(machine, pipeline, steps, poll, token),
                token => ReadAsync(token),
                pipeline.WriteAsync,
                .. Enumerable.Repeat<Func<CancellationToken, Task>>(pipeline.FillAsync, WorkerCount),
            ],
            cancellationToken);
    }

    private int WorkerCount => _options.Workers > 0 ? _options.Workers : Environment.ProcessorCount;

    private void Post(Action<SendMachine> input) => _inputs.Writer.TryWrite(input);

    private async Task PumpAsync(
        SendMachine machine, SlotPipeline pipeline, SendSteps steps, ITimer poll, CancellationToken cancellationToken)
    {
        while (true)
        {
            while (_inputs.Reader.TryRead(out var input))
            {
                input(machine);
            }

            var action = machine.Next(Now);
            switch (action.Step)
            {
                case SendStep.Finished:
                    Publish(machine);
                    pipeline.Complete();
                    await HungUpAsync(cancellationToken);
                    return;
                case SendStep.Wait or SendStep.Poll:
                    PublishNowAndThen(machine);
                    Arm(machine, action, poll, cancellationToken);
                    await _inputs.Reader.WaitToReadAsync(cancellationToken);
                    break;
                default:
                    Execute(machine, pipeline, steps, action);
                    break;
            }
        }
    }

    private void Arm(SendMachine machine, in SendAction action, ITimer poll, CancellationToken cancellationToken)
    {
        if (action.Step == SendStep.Poll)
        {
            poll.Change(PollInterval, Timeout.InfiniteTimeSpan);
        }
        else if (machine.WantsWork && (_work is null || _work.IsCompleted))
        {
            if (_work is { IsFaulted: true })
            {
                throw _work.Exception!.InnerException!;
            }

            _work = WaitForWorkAsync(machine.Position, cancellationToken);
        }
    }

    private async Task WaitForWorkAsync(ChangePosition after, CancellationToken cancellationToken)
    {
        await _source.WaitForWorkAsync(after, cancellationToken);
        Post(static machine => machine.WorkArrived());
    }

    private void Execute(SendMachine machine, SlotPipeline pipeline, SendSteps steps, in SendAction action)
    {
        if (steps.Execute(action, Now) is { } slot)
        {
            if (action.Type == FrameType.Close)
            {
                Volatile.Write(ref _closing, true);
            }

            pipeline.Add(slot);
        }

        if (action.Step == SendStep.ReadDirty)
        {
            Publish(machine);
        }
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        while (await _link.ReceiveAsync(cancellationToken) is { } frame)
        {
            switch (frame.Type)
            {
                case FrameType.Ack:
                    var (applied, durableSequence, durable) = AckPayload.ReadAck(frame.Payload);
                    Post(machine => machine.Acked(applied, durableSequence, durable));
                    break;
                case FrameType.Answer:
                    var (probe, differing) = AckPayload.ReadAnswer(frame.Payload);
                    Post(machine => machine.Answered(probe, differing));
                    break;
                case FrameType.Refused:
                    throw OpenMessage.DecodeRefusal(frame.Payload);
                case FrameType.Ping:
                    break;
                default:
                    throw new FrameException(FrameError.BadPayload, "A receiver must not send a frame of type "
                        + $"{frame.Type}.");
            }

            Post(machine => machine.Heard(Now));
        }

        _hungUp.TrySetResult();
        if (!Volatile.Read(ref _closing))
        {
            throw new LinkLostException("The receiver closed the connection.");
        }
    }

    private async Task HungUpAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _hungUp.Task.WaitAsync(SessionTasks.Grace, _time, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new LinkLostException(
                "Everything is durable at the receiver, but it did not confirm the end of the session.");
        }
    }

    private void PublishNowAndThen(SendMachine machine)
    {
        var now = Now;
        if (now - _published >= PublishInterval || machine.Resyncing != _publishedResyncing)
        {
            Publish(machine);
        }
    }

    private void Publish(SendMachine machine)
    {
        var phase = machine.Initial ? TransferPhase.Initial : machine.Resyncing ? TransferPhase.Resync
            : TransferPhase.Streaming;
        var resync = machine.Resync;
        _meter.Update(phase, phase == TransferPhase.Streaming ? machine.LogBytes.Applied : resync.DoneBytes, Now);
        var (total, done) = phase == TransferPhase.Streaming ? (0, 0) : (resync.TotalBytes, resync.DoneBytes);
        var left = _meter.Rate > 0 && total > done ? TimeSpan.FromSeconds((total - done) / _meter.Rate)
            : (TimeSpan?)null;
        (_published, _publishedResyncing) = (Now, machine.Resyncing);
        Volatile.Write(ref _progress, new TransferProgress(
            phase, total, done, _meter.Wire, _meter.Log, _meter.Blocks, _meter.Rate, left, resync.ExtentsCompared,
            resync.ExtentsDifferent, _source.BytesAfter(machine.Durable), machine.Durable));
    }
}
