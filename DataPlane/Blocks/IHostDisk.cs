using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Blocks;

/// <summary>
/// A disk of a machine that is held open, against other users as far as the system can. The machine's owner may still
/// cut it, grow it, or put another in its place, so it is looked at again (A5). Safe for several threads.
/// </summary>
public interface IHostDisk : IDisposable
{
    /// <summary>The path under which it was opened.</summary>
    string Path { get; }

    /// <summary>Which disk it is, with all that lies below it.</summary>
    DiskIdentity Identity { get; }

    /// <summary>The disk with the size it had when it was opened. It lives as long as this.</summary>
    IBlockDevice Device { get; }

    /// <summary>Whether its times move with writes of this machine alone, at once: not so for a block device, which has
    /// none, and on a remote file system.</summary>
    bool TimesAreItsOwn => true;

    /// <summary>The open disk as it is now.</summary>
    /// <exception cref="StorageException">The system refuses.</exception>
    DiskObservation Look();

    /// <summary>The identity text of what the path leads to now, which may be another disk.</summary>
    /// <exception cref="StorageException">It leads to nothing any more.</exception>
    string OwnAtPath();

    /// <summary>The same open disk with the size it has now, for one that has grown. It lives as long as
    /// this.</summary>
    IBlockDevice Remeasured();
}

/// <summary>A disk is used by somebody else who does not share it; the message names both, and the remedy.</summary>
public sealed class DiskInUseException(string message) : IOException(message);
