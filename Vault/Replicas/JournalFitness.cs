using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Vault.Replicas;

/// <summary>
/// Decides whether a journal is the one that belongs to the replicas next to it. Pure; the same rule for the service's
/// start and for a recovery that is to replace a journal.
/// </summary>
internal static class JournalFitness
{
    /// <summary>Every reason why the journal does not fit, one for each VM; none when it fits.</summary>
    /// <param name="replicas">Each replica's VM, and what its directory knows of the history (null: nothing).</param>
    /// <param name="ends">
    /// The number of the last event of each VM in the journal; null when there is no journal.
    /// </param>
    public static IReadOnlyList<string> Problems(
        IEnumerable<(string Vm, ReplicaIdentity? Identity)> replicas, IReadOnlyDictionary<string, long>? ends)
    {
        var problems = new List<string>();
        foreach (var (vm, identity) in replicas)
        {
            if (ends is null)
            {
                problems.Add($"there is no journal for the replica of '{vm}'");
            }
            else if (!ends.TryGetValue(vm, out var end))
            {
                problems.Add($"the journal has no events of '{vm}', whose replica is here");
            }
            else if (identity is not null && identity.Sequence > end)
            {
                problems.Add(
                    $"the journal is older than the replica of '{vm}': it ends at event {end}, but the replica was "
                    + $"last changed for event {identity.Sequence}");
            }
        }

        return problems;
    }
}
