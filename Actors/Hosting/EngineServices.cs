using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>What every region needs.</summary>
internal sealed class EngineServices(
    IEngineStore store,
    IOptions<ReplicationEngineOptions> options,
    TimeProvider time,
    EngineTelemetry telemetry,
    ILoggerFactory loggers) : IDisposable
{
    private CancellationTokenSource _ending = new();

    public IEngineStore Store => store;

    public ReplicationEngineOptions Options => options.Value;

    public TimeProvider Time => time;

    public EngineClock Clock { get; } = new(time);

    public EngineTelemetry Telemetry => telemetry;

    public ILogger Logger { get; } = loggers.CreateLogger("ReplicationEngine.Actors");

    public FeedPulse Pulse { get; } = new();

    public JournalTrouble Trouble { get; } = new(time, store.WhyFull);

    /// <summary>Cancelled when the engine stops.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>The moving of events to the archive that is under way, or was last.</summary>
    public Task Archiving { get; set; } = Task.CompletedTask;

    /// <summary>Bounds how many asks are under way at once; the others wait for their turn.</summary>
    public SemaphoreSlim AskGate { get; } = new(options.Value.ConcurrentAsks);

    /// <summary>The engine starts, perhaps not for the first time.</summary>
    public void Begin()
    {
        _ending.Dispose();
        _ending = new CancellationTokenSource();
    }

    /// <summary>The engine stops.</summary>
    public Task EndAsync() => _ending.CancelAsync();

    public void Dispose()
    {
        _ending.Dispose();
        AskGate.Dispose();
    }
}
