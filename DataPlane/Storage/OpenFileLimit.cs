using System.Runtime.InteropServices;

namespace ReplicationEngine.DataPlane.Storage;

/// <summary>How many files this process may have open (B9): RLIMIT_NOFILE.</summary>
public static class OpenFileLimit
{
    /// <summary>What the process itself needs beside its volumes: listening, calling, logging, its journal.</summary>
    private const int Reserve = 16;

    private const int Files = 7;

    /// <summary>The limit in force; all that a process can be given when it is not known.</summary>
    public static unsafe long Limit
    {
        get
        {
            var limits = stackalloc ulong[2];
            return NativeMethods.GetLimit(Files, limits) == 0 ? (long)Math.Min(limits[0], int.MaxValue) : int.MaxValue;
        }
    }

    /// <summary>Raises the limit as far as this user may. Called once, at start.</summary>
    /// <exception cref="StorageException">The system refuses although it allows that much.</exception>
    public static unsafe void Raise()
    {
        var limits = stackalloc ulong[2];
        if (NativeMethods.GetLimit(Files, limits) != 0 || limits[0] >= limits[1])
        {
            return;
        }

        limits[0] = limits[1];
        if (NativeMethods.SetLimit(Files, limits) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            throw new StorageException(
                $"cannot raise the limit of open files to {limits[1]}: {Marshal.GetPInvokeErrorMessage(errno)}", errno);
        }
    }

    /// <summary>
    /// Why so many files more cannot be opened, as one sentence with the limit and the remedy; null when they can.
    /// </summary>
    /// <param name="needed">The files.</param>
    /// <param name="what">What needs them, as the sentence's beginning.</param>
    public static string? Problem(int needed, string what)
    {
        var limit = Limit;
        var open = Directory.EnumerateFileSystemEntries("/proc/self/fd").Count();
        return open + needed + Reserve <= limit ? null
            : $"{what} takes up to {needed} open files, but {open} of the {limit} that this process may have are open "
                + $"and {Reserve} are kept back; raise the limit (ulimit -n, or LimitNOFILE= of the service's unit) "
                + "and start the process again.";
    }
}
