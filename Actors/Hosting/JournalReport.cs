using System.Diagnostics;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// What one entity's dealings with the journal say to whoever watches: the journal's health, metrics, activities and
/// the log. Used only by the entity's actor, within its turn.
/// </summary>
internal sealed class JournalReport(EngineServices services, PersistenceId id)
{
    private Activity? _recovering = services.Telemetry.Begin("entity.recover", id);
    private Activity? _persisting;
    private long _persistBegan;

    /// <summary>The stream was read to its end.</summary>
    public void Recovered(long events)
    {
        services.Trouble.Ended();
        services.Telemetry.Recovered(id.Type);
        _recovering?.SetTag("entity.events", events);
        End(ref _recovering);
    }

    /// <summary>The stream could not be read.</summary>
    public void RecoveryFailed(Exception reason)
    {
        services.Trouble.Failed(reason);
        services.Telemetry.RecoveryFailed(id.Type, reason);
        End(ref _recovering, JournalTrouble.Sentence(reason));
        services.Logger.RecoveryFailed(id, JournalTrouble.Sentence(reason));
    }

    /// <summary>A command's events go to the journal.</summary>
    /// <param name="events">How many.</param>
    /// <param name="asked">The activity of whoever sent the command.</param>
    public void PersistBegins(int events, ActivityContext asked)
    {
        _persistBegan = services.Telemetry.TimePersist();
        _persisting = services.Telemetry.Begin("entity.persist", id, asked);
        _persisting?.SetTag("entity.events", events);
    }

    /// <summary>A command's events are durable.</summary>
    public void Persisted()
    {
        services.Telemetry.Persisted(id.Type, _persistBegan);
        End(ref _persisting);
        services.Trouble.Ended();
    }

    /// <summary>Nobody knows whether a command's events are durable.</summary>
    public void PersistFailed(Exception cause, long sequence)
    {
        services.Trouble.Failed(cause);
        services.Telemetry.PersistFailed(id.Type, cause);
        End(ref _persisting, JournalTrouble.Sentence(cause));
        services.Logger.PersistFailed(id, sequence, JournalTrouble.Sentence(cause));
    }

    /// <summary>The actor has ended; what is under way ends in failure.</summary>
    public void Close()
    {
        End(ref _recovering, "the actor has ended");
        End(ref _persisting, "the actor has ended");
    }

    private static void End(ref Activity? activity, string? failure = null)
    {
        EngineTelemetry.End(activity, failure);
        activity = null;
    }
}
