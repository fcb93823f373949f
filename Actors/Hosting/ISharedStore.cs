using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>A store that several processes, the nodes of one cluster, use at the same time.</summary>
/// <remarks>
/// A node opens the store without reserving it, then either founds a cluster, for which no other process may have the
/// store reserved, or joins one and reserves the store together with its other nodes. Thus two clusters never form on
/// one journal, not even when all nodes start at once or cannot reach each other.
/// </remarks>
public interface ISharedStore : IEngineStore
{
    /// <summary>Opens the store without reserving it, and creates it when it is missing.</summary>
    /// <exception cref="JournalCorruptException">The store is damaged.</exception>
    /// <exception cref="JournalUnavailableException">The store cannot be opened or has another format.</exception>
    void OpenAlongside();

    /// <summary>
    /// Reserves the store for a cluster that this process founds. Returns false when another process has it reserved.
    /// </summary>
    /// <exception cref="JournalUnavailableException">The store cannot be reached now.</exception>
    ValueTask<bool> TryFoundAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Reserves the store together with the other nodes of the cluster that this process has joined, and does so again
    /// whenever the reservation is lost. From then on <see cref="IEngineStore.WhyFull"/> reports when a process outside
    /// the cluster has the store reserved.
    /// </summary>
    void Share();
}
