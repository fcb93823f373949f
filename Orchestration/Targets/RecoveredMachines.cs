using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Replicas.Overlays;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Identifiers;
using StoredPoint = ReplicationEngine.DataPlane.Replicas.RecoveryPoint;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>
/// The machines served from one VM's replica: a test machine, and the live machine after a failover. The live machine's
/// disks are behind a splitter of their own, so that its writes can be shipped back.
/// </summary>
/// <remarks>
/// A single lock guards the references to the machines. It is held only to read or replace one, never across I/O.
/// Machines are opened and closed by one task at a time, and read by any.
/// </remarks>
internal sealed class RecoveredMachines(TargetSurroundings surroundings, ReplicaFreshness freshness)
{
    /// <summary>The name of the recovered machine that takes over, and of its overlay.</summary>
    public const string LiveName = "live";

    /// <summary>The name of the test machine, and of its overlay.</summary>
    public const string TestName = "test";

    private readonly Lock _guard = new();
    private ServedMachine? _test;
    private ServedMachine? _live;

    /// <summary>The test machine; null when there is none.</summary>
    public ServedMachine? Test => Peek(TestName);

    /// <summary>The failed-over machine; null when there is none.</summary>
    public ServedMachine? Live => Peek(LiveName);

    /// <summary>Serves a machine's writable disks of a point. Does nothing if the machine is already served.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="name">The name of the machine.</param>
    /// <param name="id">The id of the point.</param>
    /// <param name="term">The term of its writes; null for a test machine.</param>
    /// <param name="ct">Cancels the operation.</param>
    /// <exception cref="ReplicaCorruptException">The replica does not hold the point.</exception>
    public async Task<ServedMachine> OpenAsync(
        ReplicaStore store, string name, RecoveryPointId id, Term? term, CancellationToken ct)
    {
        if (Peek(name) is { } open)
        {
            return open;
        }

        var began = surroundings.Time.GetTimestamp();
        var point = PointObservations.Describe(Stored(store, id));
        var overlay = OverlayOf(store, name, id);
        SourceVolume? source = null;
        try
        {
            source = term is { } live ? OpenSource(store, overlay, live) : null;
            var disks = await surroundings.Server.ServeAsync(
                name, [.. overlay.Disks.Select((d, i) => (store.Disks[i].Path, source?.Disk(i) ?? d))], ct);
            var machine = new ServedMachine(
                point, freshness.AgeOf(point.Id, point.Time), surroundings.Time.GetElapsedTime(began), disks, overlay,
                source);
            Put(name, machine);
            return machine;
        }
        catch
        {
            // A retry finds it as it was.
            source?.Dispose();
            overlay.Dispose();
            throw;
        }
    }

    /// <summary>Stops a machine, if it is served.</summary>
    /// <param name="store">The replica; null when it is not open.</param>
    /// <param name="name">The name of the machine.</param>
    /// <param name="delete">Whether to delete its writes too, also those left of a machine that is not served.</param>
    public async Task CloseAsync(ReplicaStore? store, string name, bool delete)
    {
        if (Peek(name) is { } machine)
        {
            await surroundings.Server.StopAsync(machine);
            if (delete)
            {
                // None of its data is needed any more: a disk that does not sync must not block the removal.
                machine.Source?.Dispose();
            }
            else
            {
                machine.Source?.Close();
            }

            Put(name, null);
            machine.Overlay.Dispose();
        }

        if (delete)
        {
            if (store is not null && store.Overlays.Contains(name, StringComparer.Ordinal))
            {
                store.DeleteOverlay(name);
            }

            surroundings.Directory.DeleteSubdirectory(name);
        }
    }

    /// <summary>Returns a point of the replica.</summary>
    /// <exception cref="ReplicaCorruptException">The replica does not hold the point.</exception>
    public StoredPoint Stored(ReplicaStore store, RecoveryPointId id) =>
        store.Points.FirstOrDefault(p => p.Id == id) ?? throw new ReplicaCorruptException(
            $"The replica of '{surroundings.Vm}' does not have recovery point {id}.");

    /// <summary>
    /// Returns the machine's disks. Remains of an interrupted removal belong to another machine: they are deleted
    /// first, with the log of its writes, which must never be applied to the new disks.
    /// </summary>
    private ReplicaOverlay OverlayOf(ReplicaStore store, string name, RecoveryPointId id)
    {
        if (store.Overlays.Contains(name, StringComparer.Ordinal))
        {
            if (store.PointOfOverlay(name) == id)
            {
                return store.OpenOverlay(name);
            }

            store.DeleteOverlay(name);
        }

        surroundings.Directory.DeleteSubdirectory(name);
        return store.CreateOverlay(name, id);
    }

    private SourceVolume OpenSource(ReplicaStore store, ReplicaOverlay overlay, Term term)
    {
        var source = SourceVolume.Open(new SourceVolumeOptions
        {
            Vm = new ProtectedVmId(surroundings.Vm),
            Directory = surroundings.Directory.Subdirectory(LiveName),
            Disks = [.. overlay.Disks.Select((device, i) => new SourceDisk(store.Disks[i].Path, device))],
            BootId = surroundings.BootId,
            NewIncarnation = surroundings.NewIncarnation,
            Time = surroundings.Time,
            FirstTerm = term,
            CacheLimitBytes = surroundings.LiveCacheBytes,
            SegmentBytes = surroundings.LiveSegmentBytes,
        });
        source.Unfence(term, disksUnchanged: true);
        return source;
    }

    private ServedMachine? Peek(string name)
    {
        lock (_guard)
        {
            return name == TestName ? _test : _live;
        }
    }

    private void Put(string name, ServedMachine? machine)
    {
        lock (_guard)
        {
            if (name == TestName)
            {
                _test = machine;
            }
            else
            {
                _live = machine;
            }
        }
    }
}
