using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Control;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>
/// Keeps a data session with the service open: connects, runs the session, and reconnects with growing pauses when it
/// ends, until it is disposed. Sends a source's changes, or receives changes if it is given a sink.
/// </summary>
internal sealed partial class VolumeSession : IVolumeSession
{
    private readonly VolumeSurroundings _surroundings;
    private readonly VolumeDirective _directive;
    private readonly IChangeSource? _source;
    private readonly IReplicaSink? _sink;
    private readonly IReadOnlyList<long> _diskSizes;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private readonly DateTimeOffset _countedSince;
    private volatile SendSession? _sending;
    private volatile bool _connected;
    private volatile VolumeProblem? _problem;
    private long _wireBytes;
    private long _changedBytes;
    private long _copiedBytes;

    /// <summary>Starts a session that sends.</summary>
    public VolumeSession(VolumeSurroundings surroundings, VolumeDirective directive, IChangeSource source)
        : this(surroundings, directive, source, null, [])
    {
    }

    /// <summary>Starts a session that receives.</summary>
    public VolumeSession(
        VolumeSurroundings surroundings, VolumeDirective directive, IReplicaSink sink, IReadOnlyList<long> diskSizes)
        : this(surroundings, directive, null, sink, diskSizes)
    {
    }

    private VolumeSession(
        VolumeSurroundings surroundings, VolumeDirective directive, IChangeSource? source, IReplicaSink? sink,
        IReadOnlyList<long> diskSizes)
    {
        (_surroundings, _directive, _source, _sink, _diskSizes) = (surroundings, directive, source, sink, diskSizes);
        _countedSince = surroundings.Time.GetUtcNow();
        _running = Task.Run(() => RunAsync(_stop.Token));
    }

    /// <inheritdoc/>
    public VolumeProblem? Problem => _connected ? null : _problem;

    /// <inheritdoc/>
    public TransferStatus Status()
    {
        var sending = _sending;
        var progress = sending?.Progress;
        return new TransferStatus(
            progress?.Phase ?? TransferPhase.Connecting, _connected,
            progress?.TotalBytes ?? 0, progress?.DoneBytes ?? 0, progress?.BytesPerSecond ?? 0,
            progress?.TimeLeft?.TotalSeconds, Interlocked.Read(ref _wireBytes) + (progress?.WireBytes ?? 0),
            Interlocked.Read(ref _changedBytes) + (progress is null ? 0 : progress.LogBytes + progress.BlockBytes),
            Interlocked.Read(ref _copiedBytes) + (sending?.CopiedBytes ?? 0), _countedSince);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken ct)
    {
        var pauses = new ReconnectPolicy(_surroundings.Time, new Random());
        while (!ct.IsCancellationRequested)
        {
            var reached = _surroundings.Service.Next;
            try
            {
                await RunOnceAsync(pauses, ct);
            }
            catch (IOException e)
            {
                _problem = SessionProblem.Of(e);
            }

            Ended();
            if (_problem is { } problem)
            {
                SessionEnded(_surroundings.Logger, _directive.Vm, problem.Message);
            }

            await pauses.WaitAsync(reached.IsCompleted ? _surroundings.Service.Next : reached, ct);
        }
    }

    private async Task RunOnceAsync(ReconnectPolicy pauses, CancellationToken ct)
    {
        var direction = _source is null ? "reverse" : "forward";
        var session = _surroundings.Service.Session
            ?? throw new IOException("the service has not accepted this agent yet");
        var stream = await UpgradeClient.ConnectAsync(
            _surroundings.Settings.Server,
            new UpgradeRequest(
                $"/agent/data?vm={Uri.EscapeDataString(_directive.Vm)}&direction={direction}",
                StreamUpgrade.DataProtocol, session),
            _surroundings.Settings.Token, _surroundings.Time, ct);
        var offer = _source is not null ? SessionOffer.Send(_source) : SessionOffer.Receive(_sink!, _diskSizes);
        var link = await SessionHandshake.ConnectAsync(
            stream, new ProtectedVmId(_directive.Vm), Convert.FromBase64String(_directive.Key), offer,
                _surroundings.Time, ct);
        (_connected, _problem) = (true, null);
        pauses.Connected();
        if (_source is not null)
        {
            var sending = new SendSession(link, _source, new SendOptions(), _surroundings.Time);
            _sending = sending;
            await sending.RunAsync(ct);
        }
        else
        {
            await new ReceiveSession(link, _sink!, new ReceiveOptions(), _surroundings.Time).RunAsync(ct);
        }
    }

    private void Ended()
    {
        _connected = false;
        if (_sending is { Progress: { } progress } sending)
        {
            Interlocked.Add(ref _wireBytes, progress.WireBytes);
            Interlocked.Add(ref _changedBytes, progress.LogBytes + progress.BlockBytes);

            // A copy that continues in the next session keeps its counters.
            Interlocked.Exchange(
                ref _copiedBytes,
                progress.Phase == TransferPhase.Streaming ? 0 : _copiedBytes + sending.CopiedBytes);
        }

        _sending = null;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "the data session of '{Vm}' ended: {Reason}")]
    private static partial void SessionEnded(ILogger logger, string vm, string reason);
}
