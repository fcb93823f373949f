using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Projections;

/// <summary>
/// Makes documents out of events. The host feeds it every event once and in order within each entity, and stores what
/// it makes together with how far it has come; so it needs no care for repetition, crashes or gaps. Without state of
/// its own.
/// </summary>
public interface IProjection
{
    /// <summary>Its name: letters, digits and hyphens.</summary>
    string Name { get; }

    /// <summary>Rises when it makes other documents than before; they are built again then.</summary>
    int Version { get; }

    /// <summary>Whether it wants the events of an entity.</summary>
    bool Covers(PersistenceId id);

    /// <summary>Takes the next events of one entity; the first ever begin with number 1.</summary>
    ValueTask ProjectAsync(
        PersistenceId id, IReadOnlyList<StoredEvent> events, IDocumentWork documents,
        CancellationToken cancellationToken);

    /// <summary>No further event of an entity can be read.</summary>
    /// <param name="id">The entity.</param>
    /// <param name="cause">Why, as a sentence.</param>
    /// <param name="documents">To say so in.</param>
    /// <param name="cancellationToken">Gives up.</param>
    ValueTask EndAsync(
        PersistenceId id, string cause, IDocumentWork documents, CancellationToken cancellationToken);
}

/// <summary>Documents as the projection sees them that changes them now.</summary>
public interface IDocumentWork
{
    /// <summary>A document with the changes so far; null when there is none.</summary>
    ValueTask<T?> FindAsync<T>(string id, CancellationToken cancellationToken)
        where T : class, IDocument<T>;

    /// <summary>Stores a document in the place of whatever has its id.</summary>
    void Store<T>(T document)
        where T : class, IDocument<T>;

    /// <summary>Deletes a document.</summary>
    void Delete<T>(string id)
        where T : class, IDocument<T>;
}
