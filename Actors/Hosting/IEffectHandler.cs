using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>Carries out the effects of one entity type; supplied by whoever embeds the engine.</summary>
public interface IEffectHandler<TCommand>
    where TCommand : class
{
    /// <summary>
    /// Carries the effect out and reports its outcome by sending a <c>Record…</c> command. May be called for many
    /// effects at once, and again for an effect that was carried out already (after a restart): the id says so. It
    /// returns when the outcome is recorded or when someone else has taken care to record it. An exception is logged
    /// and the effect tried again after 1, 2, 4 … 60 s, as long as the entity owes it.
    /// </summary>
    ValueTask HandleAsync(
        PersistenceId id, Effect effect, IEntityCommandSink<TCommand> sink, CancellationToken cancellationToken);
}

/// <summary>Where an effect's outcome goes: the entity that asked for it.</summary>
public interface IEntityCommandSink<in TCommand>
    where TCommand : class
{
    /// <summary>Sends a command to the entity and waits for its answer.</summary>
    ValueTask<CommandReply> AskAsync(
        TCommand command, CommandId commandId, string actor, CancellationToken cancellationToken);
}
