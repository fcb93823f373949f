using System.Diagnostics;
using System.Diagnostics.Metrics;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>The engine's meter and activity source, both named <c>ReplicationEngine</c>.</summary>
internal sealed class EngineTelemetry : IDisposable
{
    public const string Name = "ReplicationEngine";

    private readonly Meter _meter;
    private readonly Counter<long> _commands;
    private readonly Counter<long> _persists;
    private readonly Counter<long> _effects;
    private readonly Counter<long> _restarts;
    private readonly Counter<long> _quarantines;
    private readonly UpDownCounter<long> _active;
    private readonly Histogram<double> _persistTime;
    private readonly Counter<long> _persistFailures;
    private readonly Counter<long> _recoveries;
    private readonly Counter<long> _recoveryFailures;
    private readonly Counter<long> _repeats;
    private readonly Counter<long> _projected;
    private readonly Histogram<double> _projectionLag;
    private readonly Counter<long> _projectionGaps;
    private readonly Counter<long> _projectionFailures;
    private readonly Counter<long> _archived;
    private readonly Counter<long> _archivingFailures;

    public EngineTelemetry(IMeterFactory meters)
    {
        _meter = meters.Create(Name);
        _commands = _meter.CreateCounter<long>("replication_engine.commands", "{command}", "Commands replied to");
        _persists = _meter.CreateCounter<long>(
            "replication_engine.persists", "{command}", "Commands whose events were made durable");
        _effects = _meter.CreateCounter<long>("replication_engine.effects", "{effect}", "Effects started");
        _restarts = _meter.CreateCounter<long>("replication_engine.entity.restarts", "{restart}", "Entities restarted");
        _quarantines = _meter.CreateCounter<long>(
            "replication_engine.entity.quarantines", "{entity}", "Entities quarantined");
        _active = _meter.CreateUpDownCounter<long>(
            "replication_engine.entity.active", "{entity}", "Entities in memory");
        _persistTime = _meter.CreateHistogram<double>(
            "replication_engine.persist.duration", "s", "Time from requesting durability to having it");
        _persistFailures = _meter.CreateCounter<long>(
            "replication_engine.persist.failures", "{failure}", "Persists with an unknown outcome, by cause");
        _recoveries = _meter.CreateCounter<long>(
            "replication_engine.entity.recoveries", "{recovery}", "Entities recovered from the journal");
        _recoveryFailures = _meter.CreateCounter<long>(
            "replication_engine.entity.recovery_failures", "{failure}", "Failed recoveries, by cause");
        _repeats = _meter.CreateCounter<long>(
            "replication_engine.asks.repeated", "{ask}", "Messages resent after an uncertain reply");
        _projected = _meter.CreateCounter<long>(
            "replication_engine.projection.events", "{event}", "Events that projections have processed");
        _projectionLag = _meter.CreateHistogram<double>(
            "replication_engine.projection.lag", "s", "Time from deciding an event to having it in the documents");
        _projectionGaps = _meter.CreateCounter<long>(
            "replication_engine.projection.gaps", "{gap}", "Events missing from the feed and read from a stream");
        _projectionFailures = _meter.CreateCounter<long>(
            "replication_engine.projection.failures", "{failure}", "Failed batches, which are retried, by cause");
        _archived = _meter.CreateCounter<long>(
            "replication_engine.archive.events", "{event}", "Events moved from the journal to its archive");
        _archivingFailures = _meter.CreateCounter<long>(
            "replication_engine.archive.failures", "{failure}", "Failed attempts to move events to the archive");
        Activities = new ActivitySource(Name);
    }

    public ActivitySource Activities { get; }

    /// <summary>
    /// Starts an activity that ends in a later step and so is never the current activity. Returns null when there are
    /// no listeners.
    /// </summary>
    public Activity? Begin(string name, PersistenceId id, ActivityContext parent = default)
    {
        var current = Activity.Current;
        var activity = Activities.StartActivity(name, ActivityKind.Internal, parent);
        activity?.SetTag("entity.id", id.ToString());
        Activity.Current = current;
        return activity;
    }

    /// <summary>Ends an activity, as failed when a reason is given.</summary>
    public static void End(Activity? activity, string? failure = null)
    {
        activity?.SetStatus(failure is null ? ActivityStatusCode.Ok : ActivityStatusCode.Error, failure);
        activity?.Dispose();
    }

    public void CommandAnswered(string type, CommandReply reply)
    {
        if (_commands.Enabled)
        {
            _commands.Add(1, new("type", type), new("outcome", OutcomeOf(reply)));
        }
    }

    /// <summary>Records that a command's events are durable.</summary>
    /// <param name="type">The entity type.</param>
    /// <param name="began">When the persist began, as returned by <see cref="TimePersist"/>.</param>
    public void Persisted(string type, long began)
    {
        _persists.Add(1, new KeyValuePair<string, object?>("type", type));
        if (began != 0)
        {
            _persistTime.Record(
                Stopwatch.GetElapsedTime(began).TotalSeconds, new KeyValuePair<string, object?>("type", type));
        }
    }

    /// <summary>Returns the current stopwatch time; 0 while there are no listeners.</summary>
    public long TimePersist() => _persistTime.Enabled ? Stopwatch.GetTimestamp() : 0;

    public void PersistFailed(string type, Exception cause) =>
        _persistFailures.Add(1, new("type", type), new("cause", cause.GetType().Name));

    public void Recovered(string type) => _recoveries.Add(1, new KeyValuePair<string, object?>("type", type));

    public void RecoveryFailed(string type, Exception cause) =>
        _recoveryFailures.Add(1, new("type", type), new("cause", cause.GetType().Name));

    public void Repeated(string type) => _repeats.Add(1, new KeyValuePair<string, object?>("type", type));

    public void EffectStarted(string type) => _effects.Add(1, new KeyValuePair<string, object?>("type", type));

    public void EntityRestarted(string type) => _restarts.Add(1, new KeyValuePair<string, object?>("type", type));

    public void EntityQuarantined(string type) => _quarantines.Add(1, new KeyValuePair<string, object?>("type", type));

    public void EntityActivated(string type) => _active.Add(1, new KeyValuePair<string, object?>("type", type));

    public void EntityRetired(string type) => _active.Add(-1, new KeyValuePair<string, object?>("type", type));

    /// <param name="projection">The name of the projection.</param>
    /// <param name="events">The number of events in the batch.</param>
    /// <param name="lag">The age of the batch's last event; null when unknown.</param>
    public void Projected(string projection, int events, TimeSpan? lag)
    {
        var tag = new KeyValuePair<string, object?>("projection", projection);
        _projected.Add(events, tag);
        if (lag is { } age)
        {
            _projectionLag.Record(Math.Max(0, age.TotalSeconds), tag);
        }
    }

    public void ProjectionGap(string projection) =>
        _projectionGaps.Add(1, new KeyValuePair<string, object?>("projection", projection));

    public void ProjectionFailed(string projection, Exception cause) =>
        _projectionFailures.Add(1, new("projection", projection), new("cause", cause.GetType().Name));

    public void Archived(long events) => _archived.Add(events);

    public void ArchivingFailed() => _archivingFailures.Add(1);

    public void Dispose()
    {
        Activities.Dispose();
        _meter.Dispose();
    }

    private static string OutcomeOf(CommandReply reply) => reply switch
    {
        CommandReply.Accepted => "accepted",
        CommandReply.Refused => "refused",
        CommandReply.Unavailable => "unavailable",
        CommandReply.Quarantined => "quarantined",
        _ => throw new InvalidOperationException($"Unknown reply {reply}."),
    };
}
