using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>
/// A request of the core to its host. The first two are questions: exactly one input replies to each, and at most one
/// is open at a time. The others expect no reply.
/// </summary>
public abstract record CoreOutput
{
    private CoreOutput()
    {
    }

    /// <summary>Makes the events of one command durable, all or none.</summary>
    public sealed record Persist(ImmutableArray<StoredEvent> Events) : CoreOutput;

    /// <summary>Looks up whether the journal knows the command.</summary>
    public sealed record FindCommand(CommandId CommandId) : CoreOutput;

    /// <summary>The reply to the last command received; exactly one per command.</summary>
    public sealed record Reply(CommandId CommandId, CommandReply Answer) : CoreOutput;

    /// <summary>Starts an effect, concurrently with whatever the entity does next.</summary>
    public sealed record StartEffect(Effect Effect) : CoreOutput;

    /// <summary>Cancels an effect that was started and is no longer outstanding.</summary>
    public sealed record CancelEffect(EffectId EffectId) : CoreOutput;

    /// <summary>Stores a snapshot. Losing it does no harm.</summary>
    public sealed record SaveSnapshot(EntitySnapshot Snapshot) : CoreOutput;

    /// <summary>
    /// Sends <see cref="CoreInput{TCommand}.Woken"/> at this time of the steady clock
    /// (<see cref="EngineInstant.Steady"/>), replacing any earlier request; null means never.
    /// </summary>
    public sealed record WakeAt(DateTimeOffset? Due) : CoreOutput;

    /// <summary>A snapshot could not be used, so the whole stream is read instead.</summary>
    public sealed record SnapshotIgnored(string Reason) : CoreOutput;

    /// <summary>The entity is out of service and replies to every command with the cause.</summary>
    public sealed record Quarantined(string Cause, Exception Exception) : CoreOutput;

    /// <summary>
    /// The core has ended. The host recovers a new one with the same memory when the entity is needed next: at once
    /// when the cause is not null (an exception) or effects may be outstanding.
    /// </summary>
    public sealed record Restart(Exception? Cause) : CoreOutput;

    /// <summary>The core has ended with no work left. The host drops it.</summary>
    public sealed record Passivate : CoreOutput;
}
