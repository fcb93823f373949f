using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Actors.Projections;

/// <summary>
/// Keeps the documents of projections, and how far each has come. What a batch changes and how far the projection has
/// come become visible together, or neither does. Safe for concurrent use. Every implementation passes the conformance
/// suite in Tests/Persistence.
/// </summary>
public interface IDocumentStore
{
    /// <summary>Makes it ready for use, creating what is missing.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be used now.</exception>
    ValueTask OpenAsync(CancellationToken cancellationToken);

    /// <summary>All heads, ordered by projection and generation.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<ProjectionHead>> HeadsAsync(CancellationToken cancellationToken);

    /// <summary>The documents of these ids, in any order; those that do not exist are left out.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<StoredDocument>> FindAsync(
        DocumentSet set, IReadOnlyCollection<string> ids, CancellationToken cancellationToken);

    /// <summary>A part of a set, in order.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<StoredDocument>> ListAsync(
        DocumentSet set, DocumentRange range, CancellationToken cancellationToken);

    /// <summary>
    /// Stores the changes and the new head in one transaction, if <see cref="ProjectionBatch.From"/> is still the head
    /// that is stored (null: if there is none of this generation).
    /// </summary>
    /// <exception cref="ProjectionMovedException">Somebody else has moved the projection; nothing was
    /// stored.</exception>
    /// <exception cref="JournalUnavailableException">The store cannot be written now; whether the batch was stored is
    /// not known.</exception>
    ValueTask CommitAsync(ProjectionBatch batch, CancellationToken cancellationToken);

    /// <summary>Removes the documents and heads of a generation.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be written now.</exception>
    ValueTask DropAsync(string projection, long generation, CancellationToken cancellationToken);
}

/// <summary>The documents of one kind, made by one generation of a projection.</summary>
/// <param name="Projection">The projection's name.</param>
/// <param name="Generation">Which time it was built, from 1.</param>
/// <param name="Kind">The documents' kind.</param>
public readonly record struct DocumentSet(string Projection, long Generation, string Kind)
{
    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Projection}/{Generation}/{Kind}");
}

/// <summary>A document as it is stored: its id and its JSON.</summary>
public sealed record StoredDocument(string Id, string Body);

/// <summary>How far a generation of a projection has come.</summary>
/// <param name="Projection">The projection's name.</param>
/// <param name="Generation">Which time it was built, from 1.</param>
/// <param name="Version">The version of the projection that builds it.</param>
/// <param name="Position">The last place of the feed that its documents contain.</param>
/// <param name="Revision">Rises with every batch.</param>
/// <param name="Serving">Whether its documents are complete; those of the newest such generation are read.</param>
public sealed record ProjectionHead(
    string Projection, long Generation, int Version, FeedPosition Position, long Revision, bool Serving);

/// <summary>A change of a document; without a body it is deleted.</summary>
public sealed record DocumentChange(string Kind, string Id, string? Body);

/// <summary>What is stored in one transaction.</summary>
/// <param name="From">The head that must be stored now; null when there is none of this generation yet.</param>
/// <param name="To">The head that takes its place, with the next revision.</param>
/// <param name="Changes">The documents; one change for each.</param>
public sealed record ProjectionBatch(
    ProjectionHead? From, ProjectionHead To, IReadOnlyList<DocumentChange> Changes);

/// <summary>Somebody else has moved a projection meanwhile.</summary>
public sealed class ProjectionMovedException(ProjectionHead head, Exception? inner = null)
    : Exception($"The projection {head.Projection} was moved by another writer.", inner);
