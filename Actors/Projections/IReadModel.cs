using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Projections;

/// <summary>Reads the documents of projections and manages the projections.</summary>
public interface IReadModel
{
    /// <summary>Returns a document; null when there is none.</summary>
    /// <exception cref="ProjectionBehindException">The projection is being built.</exception>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<T?> FindAsync<T>(string projection, string id, CancellationToken cancellationToken)
        where T : class, IDocument<T>;

    /// <summary>Returns a range of the documents of a kind, in order.</summary>
    /// <exception cref="ProjectionBehindException">The projection is being built.</exception>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<T>> ListAsync<T>(
        string projection, DocumentRange range, CancellationToken cancellationToken)
        where T : class, IDocument<T>;

    /// <summary>Waits until the documents include an event, so that a client can read its own change.</summary>
    /// <param name="projection">The name of the projection.</param>
    /// <param name="id">The id of the entity.</param>
    /// <param name="sequence">The number of the event.</param>
    /// <param name="within">The maximum time to wait.</param>
    /// <param name="cancellationToken">Cancels waiting.</param>
    /// <returns>False when the documents do not include the event within that time.</returns>
    ValueTask<bool> PassedAsync(
        string projection, PersistenceId id, long sequence, TimeSpan within, CancellationToken cancellationToken);

    /// <summary>Waits until the documents include every event stored at the time of the call.</summary>
    /// <returns>False when the documents do not include them within that time.</returns>
    ValueTask<bool> CaughtUpAsync(string projection, TimeSpan within, CancellationToken cancellationToken);

    /// <summary>
    /// Processes one entity's events again from the first, because events that were unreadable may be readable now.
    /// </summary>
    /// <exception cref="UnknownProjectionException">No projection with this name exists.</exception>
    void Retake(string projection, PersistenceId id);

    /// <summary>Returns the status of the projections, ordered by name.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<ProjectionStatus>> StatusAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Rebuilds a projection from the first event. Readers use the old documents until the rebuild has caught up.
    /// </summary>
    /// <exception cref="UnknownProjectionException">No projection with this name exists.</exception>
    /// <exception cref="JournalUnavailableException">The store cannot be written now.</exception>
    ValueTask RebuildAsync(string projection, CancellationToken cancellationToken);
}

/// <summary>The activity of a projection.</summary>
public enum ProjectionActivity
{
    /// <summary>The projection follows the feed.</summary>
    Following = 1,

    /// <summary>
    /// The projection is built for the first time or by a new version. Its documents cannot be read until then.
    /// </summary>
    Building = 2,

    /// <summary>The projection is being rebuilt while the old documents are read.</summary>
    Rebuilding = 3,
}

/// <summary>The status of a projection.</summary>
/// <param name="Name">The name of the projection.</param>
/// <param name="Version">The version of the projection.</param>
/// <param name="Generation">The number of the build whose documents are read, or of the first build.</param>
/// <param name="Activity">The current activity.</param>
/// <param name="Position">The last position of the feed that was processed; during a build, for the new
/// documents.</param>
/// <param name="Behind">The number of events still to process.</param>
/// <param name="Trouble">Why the projection is stopped, and since when; null while it runs.</param>
public sealed record ProjectionStatus(
    string Name, int Version, long Generation, ProjectionActivity Activity, FeedPosition Position, long Behind,
    (string What, DateTimeOffset Since)? Trouble);

/// <summary>Thrown when documents cannot be read yet.</summary>
public sealed class ProjectionBehindException(string projection) : Exception(
    $"The read model '{projection}' is being built from the journal; see its progress with "
    + "`drctl projections status`, and retry.");

/// <summary>Thrown when no projection with a name exists.</summary>
public sealed class UnknownProjectionException(string name, IEnumerable<string> known)
    : Exception($"There is no projection '{name}'; the projections are {string.Join(", ", known)}.");
