using ReplicationEngine.DataPlane.Blocks;

namespace ReplicationEngine.DataPlane.ReplicaStore;

/// <summary>The disks of a recovery point, read-only. The point cannot be pruned until this is disposed.</summary>
public sealed class RecoveryPointExport : IDisposable
{
    private Action? _release;

    internal RecoveryPointExport(RecoveryPoint point, IReadOnlyList<IBlockDevice> disks, Action release) =>
        (Point, Disks, _release) = (point, disks, release);

    /// <summary>The point.</summary>
    public RecoveryPoint Point { get; }

    /// <summary>One device per disk, in the VM's order; writing is refused.</summary>
    public IReadOnlyList<IBlockDevice> Disks { get; }

    /// <summary>Lets the point go.</summary>
    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
