using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>One entity, wherever it lives. Safe for concurrent use.</summary>
public interface IEntityHandle<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    /// <summary>The name of its stream.</summary>
    PersistenceId Id { get; }

    /// <summary>Sends a command and waits for the answer; the events are durable before it comes.</summary>
    /// <param name="command">What is asked.</param>
    /// <param name="commandId">The sender's id of it; the same id has one effect and one answer (I19).</param>
    /// <param name="actor">Who asks (OPS-1, S23).</param>
    /// <param name="cancellationToken">Gives up waiting; the command may be carried out all the same.</param>
    ValueTask<CommandReply> AskAsync(
        TCommand command, CommandId commandId, string actor, CancellationToken cancellationToken);

    /// <summary>
    /// The same for a request of a user: its id is refused with <see cref="CommandIdReused"/> when it comes again with
    /// another digest, also after a restart.
    /// </summary>
    /// <param name="command">What is asked.</param>
    /// <param name="commandId">The sender's id of it.</param>
    /// <param name="digest">What tells the request from any other: a digest of the operation and its arguments.</param>
    /// <param name="actor">Who asks (OPS-1, S23).</param>
    /// <param name="cancellationToken">Gives up waiting; the command may be carried out all the same.</param>
    ValueTask<CommandReply> RequestAsync(
        TCommand command, CommandId commandId, string digest, string actor, CancellationToken cancellationToken);

    /// <summary>The state now; the initial one, at sequence 0, for an entity without events.</summary>
    /// <exception cref="EntityUnavailableException">It cannot be served; the message says why.</exception>
    ValueTask<EntityView<TState>> StateAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Ends its quarantine: it is loaded again from its whole history, and answers as <see cref="StateAsync"/> does.
    /// What it outstanding is taken up again. Does nothing to an entity that is in service.
    /// </summary>
    /// <exception cref="EntityUnavailableException">It went out of service again at once; the message says
    /// why.</exception>
    ValueTask<EntityView<TState>> LiftQuarantineAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Its events from <paramref name="from"/> to <paramref name="to"/>, both included, in order (OPS-5).
    /// </summary>
    IAsyncEnumerable<RecordedEvent<TEvent>> HistoryAsync(long from, long to, CancellationToken cancellationToken);

    /// <summary>
    /// The state after event <paramref name="sequence"/>, or after the last one when there are fewer.
    /// </summary>
    ValueTask<EntityView<TState>> StateAtAsync(long sequence, CancellationToken cancellationToken);

    /// <summary>The state after the last event that was decided at or before <paramref name="time"/>.</summary>
    ValueTask<EntityView<TState>> StateAtAsync(DateTimeOffset time, CancellationToken cancellationToken);
}

/// <summary>A state and the event after which it holds.</summary>
public sealed record EntityView<TState>(TState State, long Sequence)
    where TState : class;

/// <summary>An event with its place in the history.</summary>
/// <param name="Sequence">Its number.</param>
/// <param name="Time">When it was decided (UTC).</param>
/// <param name="Actor">Who asked.</param>
/// <param name="Name">Its stored name.</param>
/// <param name="CommandId">The command that led to it.</param>
/// <param name="Event">The event, upcast to today's form.</param>
public sealed record RecordedEvent<TEvent>(
    long Sequence, DateTimeOffset Time, string Actor, string Name, CommandId CommandId, TEvent Event)
    where TEvent : class;

/// <summary>An entity's state cannot be given.</summary>
public sealed class EntityUnavailableException(CommandReply reply, string message) : Exception(message)
{
    /// <summary>What a command would have been answered.</summary>
    public CommandReply Reply { get; } = reply;
}
