using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Actors.Entities;

/// <summary>An input of an entity's core.</summary>
public abstract record CoreInput<TCommand>
    where TCommand : class
{
    private CoreInput()
    {
    }

    /// <summary>
    /// The newest snapshot. At most one, and always first. Never sent while
    /// <see cref="EntityMemory.ReadsWholeStream"/>.
    /// </summary>
    public sealed record Offered(EntitySnapshot Snapshot) : CoreInput<TCommand>;

    /// <summary>The next event of the stream.</summary>
    public sealed record Replayed(StoredEvent Event) : CoreInput<TCommand>;

    /// <summary>A record of the stream, or the snapshot, is unreadable.</summary>
    /// <param name="Record">What is known of the record.</param>
    /// <param name="IsSnapshot">Whether the unreadable record is the snapshot.</param>
    public sealed record Unreadable(UnreadableRecord Record, bool IsSnapshot) : CoreInput<TCommand>;

    /// <summary>The end of the stream has been reached.</summary>
    public sealed record Recovered : CoreInput<TCommand>;

    /// <summary>
    /// A command. Only sent while <see cref="EntityCore{TAggregate, TState, TCommand, TEvent}.CanAccept"/>.
    /// </summary>
    public sealed record Received(CommandEnvelope<TCommand> Envelope) : CoreInput<TCommand>;

    /// <summary>The result of <see cref="CoreOutput.FindCommand"/>.</summary>
    public sealed record CommandFound(CommandRecord? Record) : CoreInput<TCommand>;

    /// <summary>The failure of <see cref="CoreOutput.FindCommand"/>: the journal cannot be read now.</summary>
    public sealed record CommandNotFound(string Message) : CoreInput<TCommand>;

    /// <summary>The success of <see cref="CoreOutput.Persist"/>: the events are durable.</summary>
    public sealed record Persisted : CoreInput<TCommand>
    {
        /// <summary>The shared instance.</summary>
        public static Persisted Instance { get; } = new();
    }

    /// <summary>The failure of <see cref="CoreOutput.Persist"/>: nothing was stored for lack of room (I27).</summary>
    public sealed record NotPersisted(string Message) : CoreInput<TCommand>;

    /// <summary>
    /// An unknown outcome of <see cref="CoreOutput.Persist"/>: the events may or may not be durable. The core ends, and
    /// the next one finds out by reading the stream.
    /// </summary>
    public sealed record PersistUnknown(string Message) : CoreInput<TCommand>;

    /// <summary>
    /// The time of <see cref="CoreOutput.WakeAt"/> has come. Ignored while an operation is in flight.
    /// </summary>
    public sealed record Woken : CoreInput<TCommand>;

    /// <summary>
    /// An operator reports that the cause of a quarantine is removed: the entity recovers again, from the whole stream.
    /// Ignored by an entity that is in service.
    /// </summary>
    public sealed record QuarantineLifted : CoreInput<TCommand>;

    /// <summary>
    /// The entity has not been used for a while. Ignored while an operation is in flight or effects are outstanding.
    /// </summary>
    public sealed record Idle : CoreInput<TCommand>;
}
