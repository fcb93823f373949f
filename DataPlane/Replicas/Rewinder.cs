using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Applying;
using ReplicationEngine.DataPlane.Replicas.Maintenance;
using ReplicationEngine.DataPlane.Replicas.Manifests;
using ReplicationEngine.DataPlane.Replicas.Overlays;
using ReplicationEngine.DataPlane.Replicas.Points;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Replicas;

/// <summary>
/// Replaces the newest content by that of a recovery point, or of an overlay over one. The layers above the point are
/// dropped; an overlay's layers replace them.
/// </summary>
/// <remarks>
/// Stateless. The store's session lock guards the calls; an overlay's own lock and the log's gate are taken after that.
/// </remarks>
internal sealed class Rewinder(
    LayerStack content, PointLedger points, OverlaySet overlays, StoreMaintenance maintenance, ChangeApplier applier,
    WriteGuard guard)
{
    /// <summary>Makes a point the newest content, durably.</summary>
    /// <exception cref="ReplicaRefusedException">The point is unusable, or a newer one is held or in use.</exception>
    public void Rewind(RecoveryPointId id)
    {
        var (point, layer) = points.Usable(id);
        points.RefuseIfNewerInUse(id);
        maintenance.EndJobs();
        guard.Write(() =>
        {
            var stream = new StreamState(
                point.Cut, Resyncing: false, null, Empty: false, content.Log.Stream.Bytes, EverConsistent: true);
            content.Log.Record(new StoreRecord.Rewound(id, content.Log.NewSegment(stream)));
            DropAbove(layer);
        });
    }

    /// <summary>
    /// Makes an overlay's content the newest, durably, in a new generation; the overlay no longer exists afterwards.
    /// </summary>
    /// <param name="name">The name of the overlay.</param>
    /// <param name="at">
    /// The position at which the source's disks equal this content; null if a resync must make them equal.
    /// </param>
    /// <exception cref="ReplicaRefusedException">A newer point is held or in use, or the position is not
    /// newer.</exception>
    public void Adopt(string name, ChangePosition? at)
    {
        var overlay = overlays.Opened(name);
        var (_, layer) = points.Usable(overlay.Info.Point);
        var applied = content.Log.Stream.Applied;
        if (at is { } wanted && wanted.Generation.CompareTo(applied.Generation) <= 0)
        {
            throw new ReplicaRefusedException(
                ReplicaRefusal.Gap,
                $"The adopted content needs a generation above {applied.Generation}, not {wanted.Generation}.");
        }

        points.RefuseIfNewerInUse(overlay.Info.Point);
        maintenance.EndJobs();
        guard.Write(() => Adopt(overlay, layer, at));
    }

    private void Adopt(Overlay overlay, long layer, ChangePosition? at)
    {
        overlay.SealAll();
        var log = content.Log;
        var first = Math.Max(content.State.LastLayer, log.Active.From) + 1;
        var layers = overlay.Layers.Select((l, i) => l with { From = first + i, To = first + i }).ToList();
        var position = at ?? new ChangePosition(log.Stream.Applied.Generation.Next(), Lsn.None);
        var stream = new StreamState(
            position, Resyncing: at is null, null, Empty: false, log.Stream.Bytes + overlay.WrittenBytes,
            EverConsistent: true);
        log.Record(
            new StoreRecord.Rewound(overlay.Info.Point, log.NewSegment(stream)),
            new StoreRecord.Adopted(overlay.Info.Name, layers));
        overlays.Forget(overlay);
        overlay.Dispose();
        DropAbove(layer);
        content.OpenAdopted();
        overlays.DeleteFiles(overlay.Info.Owner, andData: false);
    }

    /// <summary>Updates the content and the applier's state after the manifest dropped the layers above one.</summary>
    private void DropAbove(long layer)
    {
        content.DropAbove(layer);
        applier.ContentReplaced();
    }
}
