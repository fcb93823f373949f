using ReplicationEngine.DataPlane.ReplicaStore.Overlays;
using ReplicationEngine.DataPlane.ReplicaStore.Points;

namespace ReplicationEngine.DataPlane.ReplicaStore.Maintenance;

/// <summary>
/// A store's work in the background, in steps short enough for replication to go on between them: digests of new points
/// first, since points wait for them, then what gives space back.
/// </summary>
/// <remarks>The store's session lock guards it, for one step at a time. Jobs are in memory only; all of them can begin
/// again.</remarks>
internal sealed class StoreMaintenance
{
    private readonly DamageLedger _damage;
    private readonly OverlaySet _overlays;
    private readonly WriteGuard _guard;
    private readonly Grading _grading;
    private readonly Folding _folding;
    private readonly Compaction _compaction;

    public StoreMaintenance(
        LayerStack content, DamageLedger damage, OverlaySet overlays, WriteGuard guard, int foldStepBytes)
    {
        (_damage, _overlays, _guard) = (damage, overlays, guard);
        _grading = new Grading(content, damage);
        _compaction = new Compaction(content);
        _folding = new Folding(content, _compaction, foldStepBytes);
    }

    /// <summary>One step; false when there is nothing to do.</summary>
    /// <exception cref="Changes.ReplicaRefusedException">The system refuses to write; nothing is half-done.</exception>
    public bool Step()
    {
        _damage.Settle();
        var more = false;
        _guard.Write(() => more = _grading.Step() || _folding.Step() || _compaction.Step());
        return more || _overlays.Maintain();
    }

    /// <summary>Drops what is half-done.</summary>
    public void EndJobs()
    {
        _compaction.End();
        _folding.End();
        _grading.End();
    }
}
