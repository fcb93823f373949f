using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Actors.Projections;

/// <summary>
/// Stores the documents and the progress of projections. The changes of a batch and the new progress become visible
/// together or not at all. Safe for concurrent use. Every implementation passes the conformance suite in
/// Tests/Persistence.
/// </summary>
public interface IDocumentStore
{
    /// <summary>Prepares the store for use and creates what is missing.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be used now.</exception>
    ValueTask OpenAsync(CancellationToken cancellationToken);

    /// <summary>Returns all heads, ordered by projection and generation.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<ProjectionHead>> HeadsAsync(CancellationToken cancellationToken);

    /// <summary>Returns the documents with these ids, in any order. Ids without a document are left out.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<StoredDocument>> FindAsync(
        DocumentSet set, IReadOnlyCollection<string> ids, CancellationToken cancellationToken);

    /// <summary>Returns a range of a document set, in order.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<StoredDocument>> ListAsync(
        DocumentSet set, DocumentRange range, CancellationToken cancellationToken);

    /// <summary>
    /// Stores the changes and the new head in one transaction, if <see cref="ProjectionBatch.From"/> is still the
    /// stored head (null: if this generation has none).
    /// </summary>
    /// <exception cref="ProjectionMovedException">Another process has moved the projection; nothing was
    /// stored.</exception>
    /// <exception cref="JournalUnavailableException">The store cannot be written now. Whether the batch was stored is
    /// unknown.</exception>
    ValueTask CommitAsync(ProjectionBatch batch, CancellationToken cancellationToken);

    /// <summary>Deletes the documents and heads of a generation.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be written now.</exception>
    ValueTask DropAsync(string projection, long generation, CancellationToken cancellationToken);
}

/// <summary>The documents of one kind, made by one generation of a projection.</summary>
/// <param name="Projection">The name of the projection.</param>
/// <param name="Generation">The number of the build, from 1.</param>
/// <param name="Kind">The kind of the documents.</param>
public readonly record struct DocumentSet(string Projection, long Generation, string Kind)
{
    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Projection}/{Generation}/{Kind}");
}

/// <summary>A stored document: its id and its JSON.</summary>
public sealed record StoredDocument(string Id, string Body);

/// <summary>The progress of a generation of a projection.</summary>
/// <param name="Projection">The name of the projection.</param>
/// <param name="Generation">The number of the build, from 1.</param>
/// <param name="Version">The version of the projection that builds the generation.</param>
/// <param name="Position">The last position of the feed that the documents include.</param>
/// <param name="Revision">A number that rises with every batch.</param>
/// <param name="Serving">Whether the documents are complete. Readers use the newest serving generation.</param>
public sealed record ProjectionHead(
    string Projection, long Generation, int Version, FeedPosition Position, long Revision, bool Serving);

/// <summary>A change of a document. A change without a body deletes the document.</summary>
public sealed record DocumentChange(string Kind, string Id, string? Body);

/// <summary>The changes stored in one transaction.</summary>
/// <param name="From">The head that must be stored now; null when this generation has none yet.</param>
/// <param name="To">The new head, with the next revision.</param>
/// <param name="Changes">The document changes, one for each document.</param>
public sealed record ProjectionBatch(
    ProjectionHead? From, ProjectionHead To, IReadOnlyList<DocumentChange> Changes);

/// <summary>Thrown when another process has moved a projection meanwhile.</summary>
public sealed class ProjectionMovedException(ProjectionHead head, Exception? inner = null)
    : Exception($"The projection {head.Projection} was moved by another writer.", inner);
