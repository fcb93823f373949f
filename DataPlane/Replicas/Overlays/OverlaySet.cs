using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Manifests;
using ReplicationEngine.DataPlane.Replicas.Points;
using ReplicationEngine.DataPlane.Replicas.Views;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Replicas.Overlays;

/// <summary>The overlays of a store: creates, opens and deletes them, and owns the open ones.</summary>
/// <remarks>The store's session lock guards the set; an overlay's own lock is taken after that.</remarks>
internal sealed class OverlaySet(
    LayerStack content, PointLedger points, DamageLedger damage, WriteGuard guard, ReplicaStoreOptions options)
    : IDisposable
{
    private readonly Dictionary<string, Overlay> _open = new(StringComparer.Ordinal);

    /// <summary>The names of the existing overlays, in ordinal order.</summary>
    public IReadOnlyList<string> Names => [.. content.State.Overlays.Keys];

    /// <summary>Creates an empty overlay over a usable point, durably.</summary>
    /// <exception cref="ReplicaRefusedException">The point cannot be used, or the name is taken.</exception>
    public Overlay Create(string name, RecoveryPointId point)
    {
        var (found, layer) = points.Usable(point);
        var state = content.State;
        if (state.Overlays.ContainsKey(name))
        {
            throw new ReplicaRefusedException(
                ReplicaRefusal.PointInUse,
                $"An overlay named '{name}' already exists; open it, or delete it first.");
        }

        var info = new OverlayInfo(name, content.NextOwner(), point);
        var disks = found.DiskSizes.Select((size, i) => new DiskSpec(state.Disks[i].Path, size)).ToList();
        var created = new StoreRecord.Created(state.Tag, state.VmId, state.Term, disks);
        guard.Write(() =>
        {
            var overlay = Overlay.Create(content.Directory, info, created, Around(point, layer), options);
            try
            {
                content.Log.Record(new StoreRecord.OverlayCreated(info));
            }
            catch
            {
                overlay.Dispose();
                throw;
            }

            _open.Add(name, overlay);
        });
        return _open[name];
    }

    /// <summary>Returns an existing overlay and opens it if necessary.</summary>
    /// <exception cref="ReplicaRefusedException">The overlay does not exist.</exception>
    /// <exception cref="ReplicaCorruptException">The overlay's log is damaged.</exception>
    public Overlay Opened(string name)
    {
        if (_open.TryGetValue(name, out var open))
        {
            return open;
        }

        var info = Find(name);
        var overlay = Overlay.Open(content.Directory, info, Around(info.Point, points.Find(info.Point).Layer), options);
        _open.Add(name, overlay);
        return overlay;
    }

    /// <summary>Returns the point on which an overlay is based.</summary>
    /// <exception cref="ReplicaRefusedException">The overlay does not exist.</exception>
    public RecoveryPointId PointOf(string name) => Find(name).Point;

    /// <summary>Deletes an existing overlay, durably.</summary>
    public void Delete(string name)
    {
        if (!content.State.Overlays.TryGetValue(name, out var info))
        {
            return;
        }

        if (_open.Remove(name, out var overlay))
        {
            overlay.Dispose();
        }

        guard.Write(() =>
        {
            content.Log.Record(new StoreRecord.OverlayDeleted(name));
            DeleteFiles(info.Owner, andData: true);
        });
    }

    /// <summary>Deletes an overlay's files, durably; keeps its data if that was adopted.</summary>
    public void DeleteFiles(uint owner, bool andData)
    {
        content.Directory.Delete(FileNames.Manifest(owner));
        content.Directory.Delete(FileNames.Head(owner));
        if (andData)
        {
            foreach (var name in content.Directory.List())
            {
                if (FileNames.TryParse(name, out _, out var of, out _) && of == owner)
                {
                    content.Directory.Delete(name);
                }
            }
        }

        content.Directory.Sync();
    }

    /// <summary>Removes an overlay that is about to be closed; the caller disposes it.</summary>
    public void Forget(Overlay overlay)
    {
        if (_open.TryGetValue(overlay.Info.Name, out var open) && open == overlay)
        {
            _open.Remove(overlay.Info.Name);
        }
    }

    /// <summary>Runs one step of merging and cleaning in an open overlay; false if there is nothing to do.</summary>
    public bool Maintain()
    {
        foreach (var overlay in _open.Values)
        {
            var more = false;
            guard.Write(() => more = overlay.Maintain());
            if (more)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Closes the open overlays.</summary>
    public void Dispose()
    {
        foreach (var overlay in _open.Values)
        {
            overlay.Dispose();
        }
    }

    private OverlayInfo Find(string name) => content.State.Overlays.TryGetValue(name, out var info)
        ? info
        : throw new ReplicaRefusedException(
            ReplicaRefusal.UnknownOverlay,
            $"Overlay '{name}' does not exist: '{content.State.VmId}' has {content.State.Overlays.Count} overlays.");

    private OverlaySurroundings Around(RecoveryPointId point, long layer) =>
        content.Around(new ReportingLower(content.ViewAt(layer), e => damage.Report(point, e)));
}
