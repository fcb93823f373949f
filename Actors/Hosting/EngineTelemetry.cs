using System.Diagnostics;
using System.Diagnostics.Metrics;
using ReplicationEngine.Actors.Entities;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>The engine's one meter and one activity source, both named <c>ReplicationEngine</c>.</summary>
internal sealed class EngineTelemetry : IDisposable
{
    public const string Name = "ReplicationEngine";

    private readonly Meter _meter;
    private readonly Counter<long> _commands;
    private readonly Counter<long> _events;
    private readonly Counter<long> _effects;
    private readonly Counter<long> _restarts;
    private readonly Counter<long> _quarantines;
    private readonly UpDownCounter<long> _active;

    public EngineTelemetry(IMeterFactory meters)
    {
        _meter = meters.Create(Name);
        _commands = _meter.CreateCounter<long>("replication_engine.commands", "{command}", "Commands answered");
        _events = _meter.CreateCounter<long>("replication_engine.events", "{event}", "Events made durable");
        _effects = _meter.CreateCounter<long>("replication_engine.effects", "{effect}", "Effects started");
        _restarts = _meter.CreateCounter<long>("replication_engine.entity.restarts", "{restart}", "Entities restarted");
        _quarantines = _meter.CreateCounter<long>(
            "replication_engine.entity.quarantines", "{entity}", "Entities taken out of service");
        _active = _meter.CreateUpDownCounter<long>(
            "replication_engine.entity.active", "{entity}", "Entities in memory");
        Activities = new ActivitySource(Name);
    }

    public ActivitySource Activities { get; }

    public void CommandAnswered(string type, CommandReply reply)
    {
        if (_commands.Enabled)
        {
            _commands.Add(1, new("type", type), new("outcome", OutcomeOf(reply)));
        }
    }

    public void EventsAppended(string type, int count) =>
        _events.Add(count, new KeyValuePair<string, object?>("type", type));

    public void EffectStarted(string type) => _effects.Add(1, new KeyValuePair<string, object?>("type", type));

    public void EntityRestarted(string type) => _restarts.Add(1, new KeyValuePair<string, object?>("type", type));

    public void EntityQuarantined(string type) => _quarantines.Add(1, new KeyValuePair<string, object?>("type", type));

    public void EntityActivated(string type) => _active.Add(1, new KeyValuePair<string, object?>("type", type));

    public void EntityRetired(string type) => _active.Add(-1, new KeyValuePair<string, object?>("type", type));

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
