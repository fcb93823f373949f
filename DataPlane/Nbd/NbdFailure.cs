using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Nbd.Protocol;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>What a client is told when a device throws.</summary>
internal static class NbdFailure
{
    /// <summary>
    /// The protocol's error for trouble of the device. Anything else (a range the rules should have refused, a null) is
    /// a bug: it is not translated and ends the connection.
    /// </summary>
    public static bool IsTrouble(Exception exception, out NbdError error)
    {
        error = exception switch
        {
            BlockDeviceException e => NbdErrors.FromErrno(e.Errno),
            Storage.StorageException e => NbdErrors.FromErrno(e.Errno),
            IOException => NbdError.InputOutput,
            ObjectDisposedException => NbdError.Shutdown,
            _ => NbdError.None,
        };
        return error != NbdError.None;
    }
}
