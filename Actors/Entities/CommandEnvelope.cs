using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Actors.Entities;

/// <summary>A command as it reaches an entity.</summary>
/// <param name="Id">The sender's id; the same id has one effect and one answer (I19).</param>
/// <param name="Actor">Who asks.</param>
/// <param name="Command">What is asked.</param>
/// <param name="Digest">
/// What tells the request from any other, so that the id is refused when it comes with another request; null where ids
/// are made of what is sent.
/// </param>
public sealed record CommandEnvelope<TCommand>(CommandId Id, string Actor, TCommand Command, string? Digest = null)
    where TCommand : class;
