namespace ReplicationEngine.DataPlane.Nbd.Protocol;

/// <summary>The boundary between the system's error numbers and the protocol's.</summary>
internal static class NbdErrors
{
    /// <summary>The protocol's number for a system's; those it has none for become EIO.</summary>
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

/// <summary>The peer broke the protocol in a way after which its bytes mean nothing; the connection ends.</summary>
internal sealed class NbdProtocolException(string message) : IOException(message);
