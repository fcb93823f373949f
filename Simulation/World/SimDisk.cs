using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// A disk of a simulated machine, open: whoever cuts or grows its file, or lets its path lead elsewhere, is seen as on
/// a real one.
/// </summary>
/// <param name="path">Its path.</param>
/// <param name="identity">Which disk it is.</param>
/// <param name="file">Its open file, which is this disk's from now on.</param>
/// <param name="look">What the open file is now: which, and when it changed.</param>
/// <param name="atPath">What the path leads to now; throws when to nothing.</param>
/// <param name="device">Makes the device over the file, with the size that the file has then.</param>
internal sealed class SimDisk(
    string path, DiskIdentity identity, IStorageFile file, Func<DiskObservation> look, Func<DiskObservation> atPath,
    Func<IStorageFile, IBlockDevice> device) : IHostDisk
{
    /// <inheritdoc/>
    public string Path => path;

    /// <inheritdoc/>
    public DiskIdentity Identity => identity;

    /// <inheritdoc/>
    public IBlockDevice Device { get; } = device(file);

    /// <inheritdoc/>
    public DiskObservation Look()
    {
        // The file is asked first, as one that was closed is not looked at.
        var length = file.Length;
        return look() with { SizeBytes = length };
    }

    /// <inheritdoc/>
    public string OwnAtPath() => atPath().Identity;

    /// <inheritdoc/>
    public IBlockDevice Remeasured() => device(file);

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
