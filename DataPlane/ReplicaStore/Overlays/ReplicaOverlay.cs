using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicaStore.Overlays;

/// <summary>
/// A recovery point made writable: thin (takes space for what is written only), durable over restarts, and without any
/// effect on the point. Disposing it closes its files; it stays in the store until it is deleted or adopted.
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

    /// <summary>Its name, unique in the store.</summary>
    public string Name => _overlay.Info.Name;

    /// <summary>The point it stands on.</summary>
    public RecoveryPointId Point => _overlay.Info.Point;

    /// <summary>One writable device per disk, in the VM's order.</summary>
    public IReadOnlyList<IBlockDevice> Disks { get; }

    /// <summary>Bytes written (or made zero) over the overlay's life.</summary>
    public long WrittenBytes => _overlay.WrittenBytes;

    /// <summary>Whether anything was ever written.</summary>
    public bool HasWrites => WrittenBytes > 0;

    /// <summary>Closes the overlay's files; every handle to the same overlay is closed with it.</summary>
    public void Dispose() => _close(_overlay);
}
