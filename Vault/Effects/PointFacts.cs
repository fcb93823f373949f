using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Vault.Target;

namespace ReplicationEngine.Vault.Effects;

/// <summary>What the replica's recovery points tell that the VM's state does not know yet.</summary>
internal static class PointFacts
{
    /// <summary>Points sealed, skipped or found unusable.</summary>
    public static IEnumerable<ProtectedVmCommand> Of(ProtectedVmState state, TargetVolume volume)
    {
        if (volume.Store is not { } store)
        {
            yield break;
        }

        var stored = store.Points.ToDictionary(p => p.Id);
        foreach (var point in store.Points)
        {
            var kept = state.Points.FirstOrDefault(p => p.Id == point.Id);
            var dropped = state.Prune?.Points.Contains(point.Id) == true;
            if (kept is null && !dropped && state.Phase is Phase.Protected or Phase.Finalizing
                or Phase.InitialReplication)
            {
                yield return new ProtectedVmCommand.RecordRecoveryPointSealed(TargetPoints.Describe(point));
            }
            else if (kept is { Usable: true } && !point.Usable)
            {
                yield return new ProtectedVmCommand.RecordRecoveryPointUnusable(point.Id, point.UnusableBecause!);
            }
        }

        if (state.Phase is Phase.Protected)
        {
            foreach (var kept in state.Points.Where(p => p.Usable && !stored.ContainsKey(p.Id)))
            {
                yield return new ProtectedVmCommand.RecordRecoveryPointUnusable(kept.Id,
                    "the replica does not hold it");
            }
        }

        if (state.PointSchedule.Pending is { } pending
            && store.SkippedMarkers.FirstOrDefault(s => s.Id == pending.Id) is { } skipped)
        {
            yield return new ProtectedVmCommand.RecordRecoveryPointSkipped(pending.Id, skipped.Why);
        }
    }
}
