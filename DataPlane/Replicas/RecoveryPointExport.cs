using ReplicationEngine.DataPlane.Blocks;

namespace ReplicationEngine.DataPlane.Replicas;

/// <summary>
/// The disks of a recovery point, read-only. The point cannot be pruned until the export is disposed.
/// </summary>
public sealed class RecoveryPointExport : IDisposable
{
    private Action? _release;

    internal RecoveryPointExport(RecoveryPoint point, IReadOnlyList<IBlockDevice> disks, Action release) =>
        (Point, Disks, _release) = (point, disks, release);

    /// <summary>The exported point.</summary>
    public RecoveryPoint Point { get; }

    /// <summary>The read-only disks, one device per disk in the VM's order; writing is refused.</summary>
    public IReadOnlyList<IBlockDevice> Disks { get; }

    /// <summary>Releases the point.</summary>
    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
