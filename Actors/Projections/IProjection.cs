using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Projections;

/// <summary>
/// Makes documents from events. The host passes every event once, in order within each entity, and stores the documents
/// together with the progress, so a projection need not handle repetition, crashes or gaps. Implementations are
/// stateless.
/// </summary>
public interface IProjection
{
    /// <summary>The name of the projection: letters, digits and hyphens.</summary>
    string Name { get; }

    /// <summary>The version. A higher version makes different documents, which are then rebuilt.</summary>
    int Version { get; }

    /// <summary>Whether the projection processes the events of an entity.</summary>
    bool Covers(PersistenceId id);

    /// <summary>Processes the next events of one entity. The first event has number 1.</summary>
    ValueTask ProjectAsync(
        PersistenceId id, IReadOnlyList<StoredEvent> events, IDocumentWork documents,
        CancellationToken cancellationToken);

    /// <summary>Handles an entity whose further events cannot be read.</summary>
    /// <param name="id">The id of the entity.</param>
    /// <param name="cause">The cause, as a sentence.</param>
    /// <param name="documents">The documents in which to record the problem.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    ValueTask EndAsync(
        PersistenceId id, string cause, IDocumentWork documents, CancellationToken cancellationToken);
}

/// <summary>The documents as seen by a projection while it changes them.</summary>
public interface IDocumentWork
{
    /// <summary>Returns a document with the changes so far; null when there is none.</summary>
    ValueTask<T?> FindAsync<T>(string id, CancellationToken cancellationToken)
        where T : class, IDocument<T>;

    /// <summary>Stores a document and replaces any document with the same id.</summary>
    void Store<T>(T document)
        where T : class, IDocument<T>;

    /// <summary>Deletes a document.</summary>
    void Delete<T>(string id)
        where T : class, IDocument<T>;
}
