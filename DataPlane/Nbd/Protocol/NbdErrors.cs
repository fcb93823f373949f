namespace ReplicationEngine.DataPlane.Nbd.Protocol;

/// <summary>Translates the system's error numbers to the protocol's.</summary>
internal static class NbdErrors
{
    /// <summary>Returns the protocol's error for a system error number; unknown numbers become EIO.</summary>
    public static NbdError FromErrno(int errno) => errno switch
    {
        1 or 13 or 30 => NbdError.NotPermitted, // EPERM, EACCES, EROFS
        12 => NbdError.NoMemory,
        22 => NbdError.InvalidArgument,
        27 or 28 or 122 => NbdError.NoSpace, // EFBIG, ENOSPC, EDQUOT
        75 => NbdError.Overflow,
        95 => NbdError.NotSupported,
        108 => NbdError.Shutdown,
        _ => NbdError.InputOutput,
    };
}

/// <summary>
/// The peer violated the protocol so that its further bytes cannot be interpreted; the connection ends.
/// </summary>
internal sealed class NbdProtocolException(string message) : IOException(message);
