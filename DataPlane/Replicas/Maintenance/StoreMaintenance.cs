using ReplicationEngine.DataPlane.Replicas.Overlays;
using ReplicationEngine.DataPlane.Replicas.Points;

namespace ReplicationEngine.DataPlane.Replicas.Maintenance;

/// <summary>
/// A store's background work, in steps short enough that replication continues between them: digests of new points
/// first, because points wait for them, then the work that frees space.
/// </summary>
/// <remarks>
/// The store's session lock guards the work, for one step at a time. Jobs are in memory only and can all start again.
/// </remarks>
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

    /// <summary>Runs one step; false if there is nothing to do.</summary>
    /// <exception cref="Changes.ReplicaRefusedException">The system refuses to write; no work is half-done.</exception>
    public bool Step()
    {
        _damage.Settle();
        var more = false;
        _guard.Write(() => more = _grading.Step() || _folding.Step() || _compaction.Step());
        return more || _overlays.Maintain();
    }

    /// <summary>Drops the unfinished work.</summary>
    public void EndJobs()
    {
        _compaction.End();
        _folding.End();
        _grading.End();
    }
}
