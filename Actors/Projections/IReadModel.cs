using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Projections;

/// <summary>Reads the documents that projections have made, and looks after the projections.</summary>
public interface IReadModel
{
    /// <summary>A document; null when there is none.</summary>
    /// <exception cref="ProjectionBehindException">The projection is being built.</exception>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<T?> FindAsync<T>(string projection, string id, CancellationToken cancellationToken)
        where T : class, IDocument<T>;

    /// <summary>A part of the documents of a kind, in order.</summary>
    /// <exception cref="ProjectionBehindException">The projection is being built.</exception>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<T>> ListAsync<T>(
        string projection, DocumentRange range, CancellationToken cancellationToken)
        where T : class, IDocument<T>;

    /// <summary>
    /// Waits until the documents contain an event, so that who has changed something reads it afterwards.
    /// </summary>
    /// <param name="projection">The projection.</param>
    /// <param name="id">The entity.</param>
    /// <param name="sequence">The event's number.</param>
    /// <param name="within">How long to wait.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>False when they do not within that time.</returns>
    ValueTask<bool> PassedAsync(
        string projection, PersistenceId id, long sequence, TimeSpan within, CancellationToken cancellationToken);

    /// <summary>Waits until the documents contain every event that is stored now.</summary>
    /// <returns>False when they do not within that time.</returns>
    ValueTask<bool> CaughtUpAsync(string projection, TimeSpan within, CancellationToken cancellationToken);

    /// <summary>
    /// Takes one entity's events again from the first: what could not be read of it may be readable now.
    /// </summary>
    /// <exception cref="UnknownProjectionException">There is no projection of this name.</exception>
    void Retake(string projection, PersistenceId id);

    /// <summary>How the projections stand, ordered by name.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<ProjectionStatus>> StatusAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Builds a projection again from the first event, next to the documents that are read until it has caught up.
    /// </summary>
    /// <exception cref="UnknownProjectionException">There is none of this name.</exception>
    /// <exception cref="JournalUnavailableException">The store cannot be written now.</exception>
    ValueTask RebuildAsync(string projection, CancellationToken cancellationToken);
}

/// <summary>What a projection is doing.</summary>
public enum ProjectionActivity
{
    /// <summary>It follows the feed.</summary>
    Following = 1,

    /// <summary>It is built for the first time, or by a new version; until then its documents are not read.</summary>
    Building = 2,

    /// <summary>It is built again next to the documents that are read.</summary>
    Rebuilding = 3,
}

/// <summary>How a projection stands.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Generation">Which time its documents that are read, or the first ones, were built.</param>
/// <param name="Activity">What it is doing.</param>
/// <param name="Position">The last place of the feed that it has taken (for the new documents, while it is
/// built).</param>
/// <param name="Behind">How many events it still has to take.</param>
/// <param name="Trouble">Why it does not go on, and since when; null while it does.</param>
public sealed record ProjectionStatus(
    string Name, int Version, long Generation, ProjectionActivity Activity, FeedPosition Position, long Behind,
    (string What, DateTimeOffset Since)? Trouble);

/// <summary>The documents cannot be read yet.</summary>
public sealed class ProjectionBehindException(string projection) : Exception(
    $"The read model '{projection}' is being built from the journal; see its progress with "
    + "`drctl projections status`, and retry.");

/// <summary>There is no projection of a name.</summary>
public sealed class UnknownProjectionException(string name, IEnumerable<string> known)
    : Exception($"There is no projection '{name}'; the projections are {string.Join(", ", known)}.");
