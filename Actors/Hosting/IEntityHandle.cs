using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>A handle of one entity, wherever it runs. Safe for concurrent use.</summary>
public interface IEntityHandle<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    /// <summary>The id of the entity's stream.</summary>
    PersistenceId Id { get; }

    /// <summary>Sends a command and waits for the reply. When the reply arrives, the events are durable.</summary>
    /// <param name="command">The command.</param>
    /// <param name="commandId">The sender's id of the command. The same id has one effect and one reply (I19).</param>
    /// <param name="actor">The user or component that sends the command (OPS-1, S23).</param>
    /// <param name="cancellationToken">Stops waiting; the command may still take effect.</param>
    ValueTask<CommandReply> AskAsync(
        TCommand command, CommandId commandId, string actor, CancellationToken cancellationToken);

    /// <summary>
    /// Sends a user's request as a command. Its id is refused with <see cref="CommandIdReused"/> when it arrives again
    /// with another digest, even after a restart.
    /// </summary>
    /// <param name="command">The command.</param>
    /// <param name="commandId">The sender's id of the command.</param>
    /// <param name="digest">A digest of the operation and its arguments, which distinguishes the request from any
    /// other.</param>
    /// <param name="actor">The user who sends the request (OPS-1, S23).</param>
    /// <param name="cancellationToken">Stops waiting; the command may still take effect.</param>
    ValueTask<CommandReply> RequestAsync(
        TCommand command, CommandId commandId, string digest, string actor, CancellationToken cancellationToken);

    /// <summary>
    /// Returns the current state. For an entity without events this is the initial state at sequence 0.
    /// </summary>
    /// <exception cref="EntityUnavailableException">The entity cannot be served; the message gives the
    /// reason.</exception>
    ValueTask<EntityView<TState>> StateAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Lifts the entity's quarantine and reloads the entity from its whole history. Returns the state as
    /// <see cref="StateAsync"/> does. Outstanding effects resume. Does nothing to an entity that is in service.
    /// </summary>
    /// <exception cref="EntityUnavailableException">The entity went out of service again at once; the message gives the
    /// reason.</exception>
    ValueTask<EntityView<TState>> LiftQuarantineAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Returns the entity's events from <paramref name="from"/> to <paramref name="to"/>, both included, in order
    /// (OPS-5).
    /// </summary>
    IAsyncEnumerable<RecordedEvent<TEvent>> HistoryAsync(long from, long to, CancellationToken cancellationToken);

    /// <summary>
    /// Returns the state after event <paramref name="sequence"/>, or after the last event when there are fewer.
    /// </summary>
    ValueTask<EntityView<TState>> StateAtAsync(long sequence, CancellationToken cancellationToken);

    /// <summary>Returns the state after the last event decided at or before <paramref name="time"/>.</summary>
    ValueTask<EntityView<TState>> StateAtAsync(DateTimeOffset time, CancellationToken cancellationToken);
}

/// <summary>A state and the number of the last event that it includes.</summary>
public sealed record EntityView<TState>(TState State, long Sequence) : IClusterMessage
    where TState : class;

/// <summary>An event with its position in the history.</summary>
/// <param name="Sequence">The number of the event.</param>
/// <param name="Time">When the event was decided (UTC).</param>
/// <param name="Actor">The user or component that sent the command.</param>
/// <param name="Name">The stored name of the event.</param>
/// <param name="CommandId">The id of the command that produced the event.</param>
/// <param name="Event">The event, upcast to its current form.</param>
public sealed record RecordedEvent<TEvent>(
    long Sequence, DateTimeOffset Time, string Actor, string Name, CommandId CommandId, TEvent Event)
    where TEvent : class;

/// <summary>Thrown when an entity's state is unavailable.</summary>
public sealed class EntityUnavailableException(CommandReply reply, string message) : Exception(message)
{
    /// <summary>The reply that a command would get.</summary>
    public CommandReply Reply { get; } = reply;
}
