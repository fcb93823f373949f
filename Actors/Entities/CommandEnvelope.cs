using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Actors.Entities;

/// <summary>A command as an entity receives it.</summary>
/// <param name="Id">The sender's id. The same id has one effect and one reply (I19).</param>
/// <param name="Actor">The user, agent or component that sent the command.</param>
/// <param name="Command">The command itself.</param>
/// <param name="Digest">A digest that distinguishes the request from any other, so that the id is refused when it
/// arrives with another request; null where ids are derived from the content.</param>
public sealed record CommandEnvelope<TCommand>(CommandId Id, string Actor, TCommand Command, string? Digest = null)
    where TCommand : class;
