using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicaStore.Manifests;
using ReplicationEngine.DataPlane.ReplicaStore.Overlays;
using ReplicationEngine.DataPlane.ReplicaStore.Views;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicaStore;

/// <summary>Overlays.</summary>
public sealed partial class ReplicaStore
{
    /// <summary>The names of the overlays that exist, in ordinal order.</summary>
    public IReadOnlyList<string> Overlays
    {
        get
        {
            lock (_session)
            {
                return [.. State.Overlays.Keys];
            }
        }
    }

    /// <summary>Makes an empty overlay over a point, durably.</summary>
    /// <exception cref="ReplicaRefusedException">The point does not exist or is unusable, or the name is
    /// taken.</exception>
    public ReplicaOverlay CreateOverlay(string name, RecoveryPointId point)
    {
        lock (_session)
        {
            EnsureWritable();
            var (found, layer) = Usable(point);
            if (State.Overlays.ContainsKey(name))
            {
                throw new ReplicaRefusedException(
                    ReplicaRefusal.PointInUse,
                        $"An overlay named '{name}' exists already: open it, or delete it first.");
            }

            var info = new OverlayInfo(name, _numbers.Next(), point);
            var disks = found.DiskSizes.Select((size, i) => new DiskSpec(State.Disks[i].Path, size)).ToList();
            var created = new StoreRecord.Created(State.Tag, State.VmId, State.Term, disks);
            Durably(() =>
            {
                var overlay = Overlay.Create(_directory, info, created, Around(point, layer), _options);
                try
                {
                    _log.Record(new StoreRecord.OverlayCreated(info));
                }
                catch
                {
                    overlay.Dispose();
                    throw;
                }

                _overlays.Add(name, overlay);
            });
            return new ReplicaOverlay(_overlays[name], Close);
        }
    }

    /// <summary>Opens an overlay that exists, with every write that was acknowledged.</summary>
    /// <exception cref="ReplicaRefusedException">It does not exist.</exception>
    /// <exception cref="ReplicaCorruptException">Its log is damaged; delete it and choose a point anew.</exception>
    public ReplicaOverlay OpenOverlay(string name)
    {
        lock (_session)
        {
            return new ReplicaOverlay(OpenedOverlay(name), Close);
        }
    }

    /// <summary>The point that an overlay stands on.</summary>
    /// <exception cref="ReplicaRefusedException">It does not exist.</exception>
    public RecoveryPointId PointOfOverlay(string name)
    {
        lock (_session)
        {
            return State.Overlays.TryGetValue(name, out var info) ? info.Point : throw UnknownOverlay(name);
        }
    }

    /// <summary>Deletes an overlay and what was written to it, durably; nothing happens when it does not
    /// exist.</summary>
    public void DeleteOverlay(string name)
    {
        lock (_session)
        {
            EnsureWritable();
            if (!State.Overlays.TryGetValue(name, out var info))
            {
                return;
            }

            if (_overlays.Remove(name, out var overlay))
            {
                overlay.Dispose();
            }

            Durably(() =>
            {
                _log.Record(new StoreRecord.OverlayDeleted(name));
                RemoveOverlayFiles(info.Owner, andData: true);
            });
        }
    }

    /// <summary>
    /// Makes a point plus what was written to its overlay the store's newest content, in a new generation, without
    /// copying: the overlay's layers become the store's. Newer points are dropped; the overlay is no more (failback).
    /// </summary>
    /// <param name="name">The overlay.</param>
    /// <param name="at">The position of the source's log at which its disks equal this content; changes after it can
    /// be applied. Null when there is none: the store then stands at the start of the next generation and awaits a
    /// resync.</param>
    /// <exception cref="ReplicaRefusedException">A newer point is held or in use, or the position is not
    /// newer.</exception>
    public void AdoptOverlay(string name, ChangePosition? at = null)
    {
        lock (_session)
        {
            EnsureWritable();
            var overlay = OpenedOverlay(name);
            var (_, layer) = Usable(overlay.Info.Point);
            var applied = _log.Stream.Applied;
            if (at is { } wanted && wanted.Generation.CompareTo(applied.Generation) <= 0)
            {
                throw new ReplicaRefusedException(
                    ReplicaRefusal.Gap, $"The adopted content needs a generation above {applied.Generation}, not "
                        + $"{wanted.Generation}.");
            }

            RefuseIfNewerInUse(overlay.Info.Point);
            EndJobs();
            Durably(() => Adopt(overlay, layer, at, applied));
        }
    }

    private void Adopt(Overlay overlay, long layer, ChangePosition? at, ChangePosition applied)
    {
        overlay.SealAll();
        var first = Math.Max(State.LastLayer, _log.Active.From) + 1;
        var layers = overlay.Layers.Select((l, i) => l with { From = first + i, To = first + i }).ToList();
        var position = at ?? new ChangePosition(applied.Generation.Next(), Lsn.None);
        var stream = new StreamState(position, Resyncing: at is null, null, Empty: false, _log.Stream.Bytes
            + overlay.WrittenBytes, EverConsistent: true);
        _log.Record(
            new StoreRecord.Rewound(overlay.Info.Point, _log.NewSegment(stream)),
            new StoreRecord.Adopted(overlay.Info.Name, layers));
        _overlays.Remove(overlay.Info.Name);
        overlay.Dispose();
        AfterDrop(layer);
        _segments.Refresh();
        _log.OpenListed();
        RemoveOverlayFiles(overlay.Info.Owner, andData: false);
    }

    private Overlay OpenedOverlay(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_overlays.TryGetValue(name, out var open))
        {
            return open;
        }

        if (!State.Overlays.TryGetValue(name, out var info))
        {
            throw UnknownOverlay(name);
        }

        var overlay = Overlay.Open(_directory, info, Around(info.Point, Find(info.Point).Layer), _options);
        _overlays.Add(name, overlay);
        return overlay;
    }

    private ReplicaRefusedException UnknownOverlay(string name) => new(
        ReplicaRefusal.UnknownOverlay, $"Overlay '{name}' does not exist: '{Vm}' has {State.Overlays.Count} overlays.");

    private void Close(Overlay overlay)
    {
        lock (_session)
        {
            if (_overlays.TryGetValue(overlay.Info.Name, out var open) && open == overlay)
            {
                _overlays.Remove(overlay.Info.Name);
            }
        }

        overlay.Dispose();
    }

    private OverlaySurroundings Around(RecoveryPointId point, long layer) =>
        new(_numbers, _pages, new ReportingLower(ReaderOf(layer), e => _damage.Enqueue((point, e))));

    private void RemoveOverlayFiles(uint owner, bool andData)
    {
        _directory.Delete(FileNames.Manifest(owner));
        _directory.Delete(FileNames.Head(owner));
        if (andData)
        {
            foreach (var name in _directory.List())
            {
                if (FileNames.TryParse(name, out _, out var of, out _) && of == owner)
                {
                    _directory.Delete(name);
                }
            }
        }

        _directory.Sync();
    }

    /// <summary>Deletes what a crash has left: files of overlays that are no more, index files that no layer
    /// has.</summary>
    private void RemoveOrphans()
    {
        var overlays = State.Overlays.Values.Select(o => o.Owner).ToHashSet();
        var kept = overlays.SelectMany(o =>
            new[] { FileNames.Manifest(o), FileNames.Head(o) }).ToHashSet(StringComparer.Ordinal);
        foreach (var name in _directory.List())
        {
            var isLayer = FileNames.TryParse(name, out var prefix, out var owner, out var number)
                && prefix == FileNames.LayerPrefix;
            if ((name.StartsWith("overlay-", StringComparison.Ordinal) && !kept.Contains(name))
                || (isLayer && !overlays.Contains(owner) && State.Layers.TrueForAll(l => l.File != number)))
            {
                _directory.Delete(name);
            }
        }

        FreeSegments();
    }

    private int FreeSegments()
    {
        var overlays = State.Overlays.Values.Select(o => o.Owner).ToHashSet();
        return _log.FreeSegments(owner => !overlays.Contains(owner), _records);
    }
}
