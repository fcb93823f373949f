using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Replay;

namespace ReplicationEngine.Vault.Replicas;

/// <summary>
/// The checks before the service opens its journal for writing. Replicas whose journal is lost, damaged, outdated or
/// another vault's must not silently become part of an empty or outdated vault.
/// </summary>
internal static class StartCheck
{
    /// <summary>
    /// Returns when the journal fits the replicas. Deletes only the remains of an interrupted release.
    /// </summary>
    /// <exception cref="VaultRefusedException">The journal does not fit; the message names the replicas found and the
    /// remedies.</exception>
    /// <exception cref="JournalCorruptException">The journal is damaged and there are no replicas.</exception>
    /// <exception cref="JournalUnavailableException">The journal cannot be opened.</exception>
    /// <exception cref="IOException">The data directory cannot be read.</exception>
    public static void Run(string data)
    {
        var journal = new JournalFile(data);
        var directories = ReplicaDirectory.In(data);
        var replicas = directories.Where(d => d.HasReplica).ToList();
        if (journal.OnlyRecentWrites)
        {
            throw new VaultRefusedException(
                $"'{journal.Path}' is missing, but '{journal.Path}-wal', which contains its recent writes, exists. "
                + (replicas.Count == 0
                    ? $"Restore '{journal.Path}', or move the other file away to start a new vault."
                    : Found(data, replicas, $"Restore '{journal.Path}' next to it")));
        }

        var problems = ProblemsOf(data, journal, replicas);
        if (problems.Count > 0)
        {
            throw new VaultRefusedException(NotStarting(journal, data, replicas, problems));
        }

        FinishReleases(directories);
    }

    /// <summary>Returns when a journal in a separate database fits the replicas.</summary>
    /// <param name="data">The data directory.</param>
    /// <param name="ends">The number of the last event of each VM in the journal.</param>
    /// <exception cref="VaultRefusedException">The journal does not fit the replicas, or the directory has a journal
    /// too.</exception>
    /// <exception cref="IOException">The data directory cannot be read.</exception>
    public static void RunOnDatabase(string data, IReadOnlyDictionary<string, long> ends)
    {
        var journal = new JournalFile(data);
        if (journal.Files.Count > 0)
        {
            throw new VaultRefusedException(
                $"'{journal.Files[0]}' exists and is the journal of '{data}'. Omit --postgres, or give "
                + "the service its own data directory.");
        }

        var directories = ReplicaDirectory.In(data);
        var replicas = directories.Where(d => d.HasReplica).ToList();
        var problems = JournalFitness.Problems(replicas.Select(r => (r.Vm, r.Identity)), ends);
        if (problems.Count > 0)
        {
            throw new VaultRefusedException(
                $"The service does not start on '{data}': {problems[0]}{More(problems.Count - 1)}. It contains "
                + $"{string.Join(", ", replicas.Select(r => r.Describe()))}. Nothing was changed. Give --postgres the "
                + "database that belongs to them; or just read the recovery points with `drctl replica serve --data "
                + $"{data}`.");
        }

        FinishReleases(directories);
    }

    private static void FinishReleases(IEnumerable<ReplicaDirectory> directories)
    {
        foreach (var left in directories.Where(d => !d.HasReplica && d.Identity is { Released: true }))
        {
            // A release was interrupted after its point of no return.
            new FileStorageDirectory(Path.GetDirectoryName(left.Path)!).DeleteSubdirectory(left.Vm);
        }
    }

    // The store refuses a file that is no journal and fills an empty one, unless replicas lie next to it.
    private static IReadOnlyList<string> ProblemsOf(
        string data, JournalFile journal, List<ReplicaDirectory> replicas)
    {
        try
        {
            return JournalFitness.Problems(replicas.Select(r => (r.Vm, r.Identity)), journal.Ends());
        }
        catch (ReplayRefusedException e)
        {
            return replicas.Count == 0 ? [] : [char.ToLowerInvariant(e.Message[0]) + e.Message[1..].TrimEnd('.')];
        }
        catch (JournalCorruptException e) when (replicas.Count > 0)
        {
            return [Damaged(data, e)];
        }
    }

    /// <summary>
    /// Returns the sentence for a journal whose damage was found only when the store was opened. As at the start, it
    /// names the replicas found and the remedies.
    /// </summary>
    /// <exception cref="IOException">The data directory cannot be read.</exception>
    public static string Sentence(string data, JournalCorruptException damage)
    {
        var (journal, replicas) = (new JournalFile(data), ReplicaDirectory.In(data).Where(d => d.HasReplica).ToList());
        return replicas.Count == 0 ? damage.Message : NotStarting(journal, data, replicas, [Damaged(data, damage)]);
    }

    private static string NotStarting(
        JournalFile journal, string data, List<ReplicaDirectory> replicas, IReadOnlyList<string> problems) =>
        $"The service does not start on '{data}': {problems[0]}{More(problems.Count - 1)}. "
        + Found(data, replicas, $"Restore the journal that belongs to them ('{journal.Path}', with "
            + "'journal.db-wal' if there is one)", journal.Exists);

    private static string Damaged(string data, JournalCorruptException damage) =>
        $"{damage.Damage} (`drctl journal verify --data {data}` lists all damage)";

    /// <summary>Requires that a VM's replica and its state belong to the same history.</summary>
    /// <exception cref="VaultRefusedException">The replica belongs to another history.</exception>
    public static void RequireSameHistory(string data, string vm, ProtectedVmState state)
    {
        if (ReplicaDirectory.Find(data, vm) is { HasReplica: true, Identity: { } identity } own
            && identity.ReplicaSince != state.ReplicaSince)
        {
            throw new VaultRefusedException(
                $"The service does not start on '{data}': the replica of '{vm}' belongs to another history than the "
                + "journal: either the journal or the directory is another vault's. "
                + Found(data, [own], "Restore the journal that belongs to it, or move the directory "
                    + $"'{own.Path}' away", journal: true));
        }
    }

    private static string More(int count) =>
        count == 0 ? "" : $" (and {count} more {(count == 1 ? "VM" : "VMs")} with the same problem)";

    private static string Found(
        string data, IReadOnlyList<ReplicaDirectory> replicas, string putBack, bool journal = false) =>
        $"It holds {string.Join(", ", replicas.Select(r => r.Describe()))}. Nothing was changed. {putBack}; or "
        + "rebuild the journal from the replicas with `drctl recover --data "
        + $"{data}{(journal ? " --replace-journal" : "")}`; or just read the recovery points with `drctl replica "
        + $"serve --data {data}`.";
}
