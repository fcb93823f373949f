using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Actors.Entities;

/// <summary>Everything that can happen to an entity's core.</summary>
public abstract record CoreInput<TCommand>
    where TCommand : class
{
    private CoreInput()
    {
    }

    /// <summary>
    /// The newest snapshot; at most once, first. Never while <see cref="EntityMemory.ReadsWholeStream"/>.
    /// </summary>
    public sealed record Offered(EntitySnapshot Snapshot) : CoreInput<TCommand>;

    /// <summary>The next event of the stream.</summary>
    public sealed record Replayed(StoredEvent Event) : CoreInput<TCommand>;

    /// <summary>A record of the stream, or the snapshot, cannot be read.</summary>
    /// <param name="Record">What is known of it.</param>
    /// <param name="IsSnapshot">Whether it stands in the snapshot's place.</param>
    public sealed record Unreadable(UnreadableRecord Record, bool IsSnapshot) : CoreInput<TCommand>;

    /// <summary>The stream has been read to its end.</summary>
    public sealed record Recovered : CoreInput<TCommand>;

    /// <summary>
    /// A command; only while <see cref="EntityCore{TAggregate, TState, TCommand, TEvent}.CanAccept"/>.
    /// </summary>
    public sealed record Received(CommandEnvelope<TCommand> Envelope) : CoreInput<TCommand>;

    /// <summary>Answers <see cref="CoreOutput.FindCommand"/>.</summary>
    public sealed record CommandFound(CommandRecord? Record) : CoreInput<TCommand>;

    /// <summary>Answers <see cref="CoreOutput.FindCommand"/>: the journal cannot be read now.</summary>
    public sealed record CommandNotFound(string Message) : CoreInput<TCommand>;

    /// <summary>Answers <see cref="CoreOutput.Persist"/>: the events are durable.</summary>
    public sealed record Persisted : CoreInput<TCommand>
    {
        /// <summary>The one that serves everywhere.</summary>
        public static Persisted Instance { get; } = new();
    }

    /// <summary>Answers <see cref="CoreOutput.Persist"/>: for lack of room nothing was stored (I27).</summary>
    public sealed record NotPersisted(string Message) : CoreInput<TCommand>;

    /// <summary>
    /// Answers <see cref="CoreOutput.Persist"/>: nobody knows whether the events are durable. The core ends; the next
    /// one learns the truth by reading the stream.
    /// </summary>
    public sealed record PersistUnknown(string Message) : CoreInput<TCommand>;

    /// <summary>The time of <see cref="CoreOutput.WakeAt"/> has come; ignored while something is in flight.</summary>
    public sealed record Woken : CoreInput<TCommand>;

    /// <summary>
    /// The cause of a quarantine is removed, somebody says: recover again, from the whole stream. Ignored by an entity
    /// that is in service.
    /// </summary>
    public sealed record QuarantineLifted : CoreInput<TCommand>;

    /// <summary>
    /// Nobody has needed the entity for a while; ignored while it has anything in flight or owes effects.
    /// </summary>
    public sealed record Idle : CoreInput<TCommand>;
}
