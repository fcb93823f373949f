using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Blocks;

/// <summary>
/// A disk of a machine that is held open and locked against other users as far as the system can. The machine's owner
/// may still truncate it, grow it or replace it, so it is checked again (A5). Safe for several threads.
/// </summary>
public interface IHostDisk : IDisposable
{
    /// <summary>The path under which the disk was opened.</summary>
    string Path { get; }

    /// <summary>The identity of the disk, including the devices below it.</summary>
    DiskIdentity Identity { get; }

    /// <summary>
    /// The disk with the size it had when it was opened. The device is valid until this object is disposed.
    /// </summary>
    IBlockDevice Device { get; }

    /// <summary>
    /// Whether only writes of this machine move the disk's times, and immediately. False for a block device, which has
    /// no such times, and on a remote file system.
    /// </summary>
    bool TimesAreItsOwn => true;

    /// <summary>Returns an observation of the open disk.</summary>
    /// <exception cref="StorageException">The system reports an error.</exception>
    DiskObservation Look();

    /// <summary>Returns the identity text of the disk that the path leads to now, which may be another disk.</summary>
    /// <exception cref="StorageException">The path no longer leads to a disk.</exception>
    string OwnAtPath();

    /// <summary>
    /// Returns the same open disk with its current size, for a disk that has grown. The device is valid until this
    /// object is disposed.
    /// </summary>
    IBlockDevice Remeasured();
}

/// <summary>
/// A disk is used by another process that does not share it. The message names the disk, its user and the remedy.
/// </summary>
public sealed class DiskInUseException(string message) : IOException(message);
