using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>The chosen store, contract by contract.</summary>
internal sealed record EngineStores(
    IEventJournal Journal, ISnapshotStore Snapshots, ILeaseStore Leases, IReminderIndex Reminders);

/// <summary>What every shard region needs.</summary>
internal sealed class EngineServices(
    EngineStores stores,
    IOptions<ReplicationEngineOptions> options,
    TimeProvider time,
    EngineTelemetry telemetry,
    ILoggerFactory loggers)
{
    public EngineStores Stores => stores;

    public ReplicationEngineOptions Options => options.Value;

    public TimeProvider Time => time;

    public EngineClock Clock { get; } = new(time);

    public EngineTelemetry Telemetry => telemetry;

    public ILogger Logger { get; } = loggers.CreateLogger("ReplicationEngine.Actors");

    public FeedPulse Pulse { get; } = new();
}
