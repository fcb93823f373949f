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
    public IEngineStore Store => store;

    public ReplicationEngineOptions Options => options.Value;

    public TimeProvider Time => time;

    public EngineClock Clock { get; } = new(time);

    public EngineTelemetry Telemetry => telemetry;

    public ILogger Logger { get; } = loggers.CreateLogger("ReplicationEngine.Actors");

    public FeedPulse Pulse { get; } = new();

    public JournalTrouble Trouble { get; } = new(time, store.WhyFull);

    /// <summary>Bounds how many asks are under way at once; the others wait for their turn.</summary>
    public SemaphoreSlim AskGate { get; } = new(options.Value.ConcurrentAsks);

    public void Dispose() => AskGate.Dispose();
}
