using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Nbd.Protocol;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>Translates a device's exception to the error that the client receives.</summary>
internal static class NbdFailure
{
    /// <summary>
    /// Returns the protocol's error for an I/O failure of the device. Any other exception (a range that the rules
    /// should have refused, a null) is a bug: it is not translated and ends the connection.
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
