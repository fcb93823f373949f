using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Replicas.Overlays;

/// <summary>
/// A recovery point made writable: thin (uses space only for written data), durable over restarts, and without any
/// effect on the point. Disposing the object closes its files; the overlay remains in the store until it is deleted or
/// adopted.
/// </summary>
public sealed class ReplicaOverlay : IDisposable
{
    private readonly Overlay _overlay;
    private readonly Action<Overlay> _close;

    internal ReplicaOverlay(Overlay overlay, Action<Overlay> close)
    {
        (_overlay, _close) = (overlay, close);
        Disks = [.. overlay.Disks.Select((_, disk) => (IBlockDevice)new OverlayDevice(overlay, disk))];
    }

    /// <summary>The name of the overlay, unique in the store.</summary>
    public string Name => _overlay.Info.Name;

    /// <summary>The point on which the overlay is based.</summary>
    public RecoveryPointId Point => _overlay.Info.Point;

    /// <summary>The writable disks, one per disk in the VM's order.</summary>
    public IReadOnlyList<IBlockDevice> Disks { get; }

    /// <summary>The bytes written (or made zero) over the overlay's life.</summary>
    public long WrittenBytes => _overlay.WrittenBytes;

    /// <summary>Whether the overlay was ever written to.</summary>
    public bool HasWrites => WrittenBytes > 0;

    /// <summary>Closes the overlay's files; every handle to the same overlay is closed with it.</summary>
    public void Dispose() => _close(_overlay);
}
