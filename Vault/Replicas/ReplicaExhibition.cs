using ReplicationEngine.DataPlane.Nbd;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Vault.Replicas;

/// <summary>A disk that is served.</summary>
/// <param name="Vm">The VM.</param>
/// <param name="Point">The recovery point that the disk shows, or <c>live</c>.</param>
/// <param name="Time">The point's time (UTC); null for a recovered machine.</param>
/// <param name="Path">The path of the source's disk.</param>
/// <param name="SizeBytes">The size.</param>
/// <param name="Uri">The NBD URI of the disk.</param>
public sealed record ShownDisk(
    string Vm, string Point, DateTimeOffset? Time, string Path, long SizeBytes, string Uri);

/// <summary>
/// Serves the disks of recovery points read-only; the replicas are not changed. Disks stay served until the exhibition
/// is disposed.
/// </summary>
public sealed class ReplicaExhibition : IDisposable
{
    private readonly List<IDisposable> _open = [];
    private readonly List<ShownDisk> _disks = [];
    private readonly DiskServer _server;
    private readonly string? _made;

    /// <summary>Starts listening.</summary>
    /// <param name="socket">The unix socket; null for one in a new directory that only its owner may enter.</param>
    /// <param name="time">The clock.</param>
    public ReplicaExhibition(string? socket, TimeProvider time)
    {
        _made = socket is null ? Directory.CreateTempSubdirectory("drctl-replica-").FullName : null;
        try
        {
            _server = new DiskServer(_made ?? Path.GetDirectoryName(socket)!, socket, time);
        }
        catch
        {
            RemoveMade();
            throw;
        }
    }

    /// <summary>The disks that are served.</summary>
    public IReadOnlyList<ShownDisk> Disks => _disks;

    /// <summary>
    /// Returns whether a store holds the requested point, or disks of a recovered machine for <c>live</c>.
    /// </summary>
    public static bool Holds(ReplicaStore store, string point) => point == TargetVolume.LiveName
        ? store.Overlays.Contains(point, StringComparer.Ordinal) : store.Points.Any(p => IsNamed(p, point));

    /// <summary>Returns whether <paramref name="id"/>, as typed, is the point's id.</summary>
    public static bool IsNamed(RecoveryPoint point, string id) =>
        string.Equals(point.Id.ToString(), id, StringComparison.OrdinalIgnoreCase);

    /// <summary>Serves a replica's disks.</summary>
    /// <param name="replica">The replica.</param>
    /// <param name="point">A point's id, <c>latest</c> or <c>live</c>.</param>
    /// <param name="cancellationToken">Cancels the opening.</param>
    /// <exception cref="IOException">The point does not exist or must not be used, or the replica is
    /// damaged.</exception>
    public void Show(ReplicaDirectory replica, string point, CancellationToken cancellationToken)
    {
        var store = replica.Open();
        _open.Add(store);
        if (point == TargetVolume.LiveName)
        {
            var machine = store.OpenOverlay(TargetVolume.LiveName);
            _open.Add(machine);
            Serve(replica, store, machine.Disks, point, null, cancellationToken);
            return;
        }

        var chosen = point == "latest" ? store.Points.LastOrDefault(p => p.Usable)
            : store.Points.FirstOrDefault(p => IsNamed(p, point));
        if (chosen is null)
        {
            var missing = point == "latest" ? "usable recovery point" : $"recovery point '{point}'";
            throw new ReplicaRefusedException(
                ReplicaRefusal.UnknownPoint,
                $"The replica of '{replica.Vm}' has no {missing}; `drctl replica list` shows its points.");
        }

        var export = store.OpenPoint(chosen.Id);
        _open.Add(export);
        Serve(replica, store, export.Disks, chosen.Id.ToString(), chosen.Time, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _open.Reverse();
        _open.ForEach(o => o.Dispose());
        RemoveMade();
    }

    private void Serve(
        ReplicaDirectory replica, ReplicaStore store, IReadOnlyList<IBlockDevice> disks, string point,
        DateTimeOffset? time, CancellationToken cancellationToken)
    {
        for (var i = 0; i < disks.Count; i++)
        {
            var uri = _server.ServeAsync(
                $"{replica.Vm}-{i}", disks[i], readOnly: true, $"disk {i} of {replica.Vm} at {point}",
                cancellationToken).GetAwaiter().GetResult();
            _disks.Add(new ShownDisk(replica.Vm, point, time, store.Disks[i].Path, disks[i].Length, uri));
        }
    }

    private void RemoveMade()
    {
        if (_made is not null)
        {
            Directory.Delete(_made, recursive: true);
        }
    }
}
