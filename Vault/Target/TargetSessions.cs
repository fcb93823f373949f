using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Vault.Target;

/// <summary>
/// The data session of a VM, at most one at a time. The agent connects, and the newest connection replaces the previous
/// one, which may have died silently.
/// </summary>
internal sealed partial class TargetSessions(
    TargetVolume volume, string vm, byte[] key, TimeProvider time, (ILogger Logger, Action Changed) told)
    : ITargetSessions
{
    private readonly ILogger _logger = told.Logger;
    private readonly Lock _guard = new();
    private readonly VmGates _turns = new();
    private readonly DateTimeOffset _countedSince = time.GetUtcNow();
    private CancellationTokenSource? _stop;
    private Task _ended = Task.CompletedTask;
    private SendSession? _reverse;
    private long _reverseWireBytes;
    private long _reverseChangedBytes;
    private volatile bool _receiving;

    /// <inheritdoc/>
    public bool Receiving => _receiving;

    /// <inheritdoc/>
    public ReverseStream? Reverse => Volatile.Read(ref _reverse)?.Progress is { } progress
        ? new ReverseStream(
            progress.Phase == TransferPhase.Streaming, progress.Durable,
            Interlocked.Read(ref _reverseWireBytes) + progress.WireBytes,
            Interlocked.Read(ref _reverseChangedBytes) + progress.LogBytes + progress.BlockBytes)
        : null;

    /// <summary>Serves a data stream of the agent until it ends.</summary>
    public async Task ServeDataAsync(Stream stream, bool reverse, CancellationToken cancellationToken)
    {
        SessionLink link;
        try
        {
            link = await SessionHandshake.AcceptAsync(
                stream, (_, _) => ValueTask.FromResult(Accept(reverse)), time, cancellationToken);
        }
        catch (IOException e)
        {
            SessionRefused(vm, e.Message);
            return;
        }

        await EndAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_guard)
        {
            (_stop, _ended) = (stop, ended.Task);
        }

        try
        {
            await (reverse ? SendAsync(link, stop.Token) : ReceiveAsync(link, stop.Token));
        }
        catch (OperationCanceledException)
        {
            SessionEnded(vm, "another stream replaced it, or the service or the agent ended it");
        }
        catch (IOException e)
        {
            SessionEnded(vm, e.Message);
        }
        finally
        {
            lock (_guard)
            {
                _stop = _stop == stop ? null : _stop;
            }

            ended.TrySetResult();
            told.Changed();
        }
    }

    /// <summary>Returns the status of the stream back to the source.</summary>
    public ReverseStatus ReverseStatus()
    {
        if (volume.Live?.Source is not { } source)
        {
            return new ReverseStatus(null, 0, null);
        }

        var counters = source.Counters();
        var reverse = Volatile.Read(ref _reverse);
        var transfer = reverse?.Progress is not { } progress || Reverse is not { } stream ? null : new TransferStatus(
            progress.Phase, true, progress.TotalBytes, progress.DoneBytes,
            progress.BytesPerSecond, progress.TimeLeft?.TotalSeconds, stream.WireBytes, stream.ChangedBytes,
            reverse.CopiedBytes, _countedSince);
        return new ReverseStatus(transfer, counters.LagBytes, counters.Lag);
    }

    /// <inheritdoc/>
    public async Task EndAsync()
    {
        using var turn = await _turns.EnterAsync(vm, CancellationToken.None);
        Task ended;
        CancellationTokenSource? stop;
        lock (_guard)
        {
            (ended, stop) = (_ended, _stop);
        }

        if (stop is not null)
        {
            await stop.CancelAsync();
        }

        await ended;
    }

    private SessionAcceptance? Accept(bool reverse)
    {
        try
        {
            return (reverse ? volume.OfferToSend() : volume.OfferToReceive()) is { } offer
                ? new SessionAcceptance(key, offer) : null;
        }
        catch (SessionRefusedException e)
        {
            return SessionAcceptance.Refuse(key, e);
        }
    }

    private async Task ReceiveAsync(SessionLink link, CancellationToken ct)
    {
        var replica = volume.Receive(link.Peer.Position.Term);
        var options = new ReceiveOptions { PositionMoved = _ => told.Changed() };
        try
        {
            _receiving = true;
            SessionBegan(vm, "receiving");
            await new ReceiveSession(link, replica, options, time).RunAsync(ct);
        }
        finally
        {
            _receiving = false;
        }
    }

    private async Task SendAsync(SessionLink link, CancellationToken ct)
    {
        var session = new SendSession(link, volume.RequireLive().Source!, new SendOptions(), time);
        Volatile.Write(ref _reverse, session);
        try
        {
            SessionBegan(vm, "sending back");
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

    [LoggerMessage(Level = LogLevel.Information, Message = "data session of '{Vm}' began: {What}")]
    private partial void SessionBegan(string vm, string what);

    [LoggerMessage(Level = LogLevel.Information, Message = "data session of '{Vm}' ended: {Reason}")]
    private partial void SessionEnded(string vm, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "data session of '{Vm}' refused: {Reason}")]
    private partial void SessionRefused(string vm, string reason);
}

/// <summary>The status of the stream back to the source.</summary>
/// <param name="Transfer">The running transfer; null while the agent is not connected for it.</param>
/// <param name="LagBytes">Bytes of writes that are not yet durable on the source side.</param>
/// <param name="Lag">The age of the oldest such write.</param>
internal sealed record ReverseStatus(TransferStatus? Transfer, long LagBytes, TimeSpan? Lag);
