using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>The services that every region uses.</summary>
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

    /// <summary>The store of a node of a cluster.</summary>
    /// <exception cref="EngineConfigurationException">The store cannot be used by several nodes.</exception>
    public ISharedStore SharedStore => store as ISharedStore ?? throw new EngineConfigurationException(
        "Several nodes can only share a journal in PostgreSQL; give the connection string of the database.");

    public TimeProvider Time => time;

    public EngineClock Clock { get; } = new(time);

    public EngineTelemetry Telemetry => telemetry;

    public ILogger Logger { get; } = loggers.CreateLogger("ReplicationEngine.Actors");

    public FeedPulse Pulse { get; } = new();

    public JournalTrouble Trouble { get; } = new(time, store.WhyFull);

    /// <summary>Cancelled when the engine stops.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>Why this node is not a member of its cluster yet, as a sentence; null once it is.</summary>
    public Func<string?> WhyWaiting { get; set; } = () => null;

    /// <summary>The current or most recent move of events to the archive.</summary>
    public Task Archiving { get; set; } = Task.CompletedTask;

    /// <summary>Limits the number of concurrent asks. Further asks wait for their turn.</summary>
    public SemaphoreSlim AskGate { get; } = new(options.Value.ConcurrentAsks);

    /// <summary>Prepares the services for a start of the engine, which may not be the first.</summary>
    public void Begin()
    {
        _ending.Dispose();
        _ending = new CancellationTokenSource();
    }

    /// <summary>Cancels <see cref="Ending"/> because the engine stops.</summary>
    public Task EndAsync() => _ending.CancelAsync();

    public void Dispose()
    {
        _ending.Dispose();
        AskGate.Dispose();
    }
}
