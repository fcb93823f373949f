using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>Runs the effects of one entity type. Implemented by the embedder.</summary>
public interface IEffectHandler<TCommand>
    where TCommand : class
{
    /// <summary>
    /// Runs an effect and reports its outcome by sending a <c>Record…</c> command. May be called for many effects
    /// concurrently, and again for an effect that was already run (after a restart, with the same id). Returns when the
    /// outcome is recorded, or when another component has taken over recording it. An exception is logged and the
    /// effect is retried after 1, 2, 4 … 60 s, as long as it is outstanding.
    /// </summary>
    ValueTask HandleAsync(
        PersistenceId id, Effect effect, IEntityCommandSink<TCommand> sink, CancellationToken cancellationToken);
}

/// <summary>Receives the outcome of an effect: the entity that requested it.</summary>
public interface IEntityCommandSink<in TCommand>
    where TCommand : class
{
    /// <summary>Sends a command to the entity and returns its reply.</summary>
    ValueTask<CommandReply> AskAsync(
        TCommand command, CommandId commandId, string actor, CancellationToken cancellationToken);
}
