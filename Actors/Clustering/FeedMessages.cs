using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Clustering;

/// <summary>Notifies the node that runs the projections that the journal has new events.</summary>
internal sealed record FeedGrew : IClusterMessage
{
    public static FeedGrew Instance { get; } = new();
}

/// <summary>Asks the node that runs the projections to process an entity's events again from the first.</summary>
/// <param name="Projection">The projection.</param>
/// <param name="Id">The id of the entity.</param>
internal sealed record RetakeEntity(string Projection, PersistenceId Id) : IClusterMessage;

/// <summary>
/// Asks the node that runs the projections to rebuild one. The reply is a <see cref="ProjectionAnswer"/>.
/// </summary>
internal sealed record RebuildProjection(string Projection) : IClusterMessage;

/// <summary>The reply to a request about a projection.</summary>
/// <param name="Trouble">Why the request failed; null when it was carried out.</param>
internal sealed record ProjectionAnswer(string? Trouble) : IClusterMessage;
