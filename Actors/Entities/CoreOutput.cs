using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>
/// What the core asks of its host. The first two are questions: each is answered by exactly one input, and at most one
/// is open at a time. The others are told, not asked.
/// </summary>
public abstract record CoreOutput
{
    private CoreOutput()
    {
    }

    /// <summary>Make the events of one command durable, whole or not at all.</summary>
    public sealed record Persist(ImmutableArray<StoredEvent> Events) : CoreOutput;

    /// <summary>Look up whether the journal knows the command.</summary>
    public sealed record FindCommand(CommandId CommandId) : CoreOutput;

    /// <summary>The answer to the command received last; exactly one per command.</summary>
    public sealed record Reply(CommandId CommandId, CommandReply Answer) : CoreOutput;

    /// <summary>Carry out an effect, concurrently with whatever the entity does next.</summary>
    public sealed record StartEffect(Effect Effect) : CoreOutput;

    /// <summary>An effect that was started is outstanding no longer: it need not be carried on.</summary>
    public sealed record CancelEffect(EffectId EffectId) : CoreOutput;

    /// <summary>Store a snapshot; its loss does no harm.</summary>
    public sealed record SaveSnapshot(EntitySnapshot Snapshot) : CoreOutput;

    /// <summary>
    /// Send <see cref="CoreInput{TCommand}.Woken"/> at this time of the steady clock
    /// (<see cref="EngineInstant.Steady"/>), instead of any earlier wish; null: never.
    /// </summary>
    public sealed record WakeAt(DateTimeOffset? Due) : CoreOutput;

    /// <summary>A snapshot could not be used; the whole stream is read instead.</summary>
    public sealed record SnapshotIgnored(string Reason) : CoreOutput;

    /// <summary>The entity is out of service; it answers every command with its cause.</summary>
    public sealed record Quarantined(string Cause, Exception Exception) : CoreOutput;

    /// <summary>
    /// The core has ended. Recover a new one, with the same memory, for whoever needs the entity: at once when the
    /// cause is not null (an exception was met) or effects may be outstanding.
    /// </summary>
    public sealed record Restart(Exception? Cause) : CoreOutput;

    /// <summary>The core has ended with nothing left to do; drop it.</summary>
    public sealed record Passivate : CoreOutput;
}
