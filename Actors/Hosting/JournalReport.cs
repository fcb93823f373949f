using System.Diagnostics;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// Reports one entity's use of the journal to the journal's health, metrics, activities and the log. Used only by the
/// entity's actor, within its turn.
/// </summary>
internal sealed class JournalReport(EngineServices services, PersistenceId id)
{
    private Activity? _recovering = services.Telemetry.Begin("entity.recover", id);
    private Activity? _persisting;
    private long _persistBegan;

    /// <summary>Reports that the stream was read to its end.</summary>
    public void Recovered(long events)
    {
        services.Trouble.Ended();
        services.Telemetry.Recovered(id.Type);
        _recovering?.SetTag("entity.events", events);
        End(ref _recovering);
    }

    /// <summary>Reports that the stream could not be read.</summary>
    public void RecoveryFailed(Exception reason)
    {
        services.Trouble.Failed(reason);
        services.Telemetry.RecoveryFailed(id.Type, reason);
        End(ref _recovering, JournalTrouble.Sentence(reason));
        services.Logger.RecoveryFailed(id, JournalTrouble.Sentence(reason));
    }

    /// <summary>Reports that a command's events are being written to the journal.</summary>
    /// <param name="events">The number of events.</param>
    /// <param name="asked">The activity of the command's sender.</param>
    public void PersistBegins(int events, ActivityContext asked)
    {
        _persistBegan = services.Telemetry.TimePersist();
        _persisting = services.Telemetry.Begin("entity.persist", id, asked);
        _persisting?.SetTag("entity.events", events);
    }

    /// <summary>Reports that a command's events are durable.</summary>
    public void Persisted()
    {
        services.Telemetry.Persisted(id.Type, _persistBegan);
        End(ref _persisting);
        services.Trouble.Ended();
    }

    /// <summary>Reports that it is unknown whether a command's events are durable.</summary>
    public void PersistFailed(Exception cause, long sequence)
    {
        services.Trouble.Failed(cause);
        services.Telemetry.PersistFailed(id.Type, cause);
        End(ref _persisting, JournalTrouble.Sentence(cause));
        services.Logger.PersistFailed(id, sequence, JournalTrouble.Sentence(cause));
    }

    /// <summary>Ends open activities as failed because the actor has ended.</summary>
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
