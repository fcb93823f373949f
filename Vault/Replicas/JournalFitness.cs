using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Vault.Replicas;

/// <summary>
/// Decides whether a journal belongs to the replicas next to it. Pure. The start of the service and a recovery that
/// replaces a journal apply the same rule.
/// </summary>
internal static class JournalFitness
{
    /// <summary>Returns the reasons why the journal does not fit, at most one per VM; empty when it fits.</summary>
    /// <param name="replicas">Each replica's VM, and the history that its directory records (null: none).</param>
    /// <param name="ends">The number of the last event of each VM in the journal; null when there is no
    /// journal.</param>
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
