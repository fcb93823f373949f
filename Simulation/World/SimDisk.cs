using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// An open disk of a simulated machine. As on a real machine, the volume can observe that its file was cut or has
/// grown, or that its path leads to another file.
/// </summary>
/// <param name="path">The disk's path.</param>
/// <param name="identity">The disk's identity.</param>
/// <param name="file">The disk's open file, which this object owns from now on.</param>
/// <param name="look">Returns an observation of the open file: its identity and its last change.</param>
/// <param name="atPath">Returns an observation of the file that the path leads to now; throws when there is
/// none.</param>
/// <param name="device">Creates the device over the file, with the file's size at that time.</param>
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
        // Reads the length first, because it fails on a closed file, which must not be observed.
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
