using System.Globalization;
using System.Text;

namespace ReplicationEngine.DataPlane.Storage;

/// <summary>The limit of this process's open files (B9): RLIMIT_NOFILE.</summary>
public static class OpenFileLimit
{
    /// <summary>
    /// The number of files that the process itself needs in addition to its volumes: listening, connecting, logging,
    /// its journal.
    /// </summary>
    private const int Reserve = 24;

    private const int Files = 7;
    private const int StandardError = 2;

    /// <summary>The current limit; the maximum that a process can have if it is unknown.</summary>
    public static unsafe long Limit
    {
        get
        {
            var limits = stackalloc ulong[2];
            return NativeMethods.GetLimit(Files, limits) == 0 ? (long)Math.Min(limits[0], int.MaxValue) : int.MaxValue;
        }
    }

    /// <summary>
    /// Raises the limit as far as the user may. Returns false, and writes one sentence to standard error, if the limit
    /// is below the number that a process needs to start. Call it before anything else: the sentence is written without
    /// the framework's console, because that loads files of its own and would fail.
    /// </summary>
    public static unsafe bool TryRaise(int least)
    {
        var limits = stackalloc ulong[2];
        if (NativeMethods.GetLimit(Files, limits) != 0)
        {
            return true;
        }

        var soft = limits[0];
        limits[0] = limits[1];
        if (soft < limits[1] && NativeMethods.SetLimit(Files, limits) != 0)
        {
            // Refused only to a process that may not change its limits at all; then the soft limit applies.
            limits[0] = soft;
        }

        if (limits[0] >= (ulong)least)
        {
            return true;
        }

        var sentence = string.Create(
            CultureInfo.InvariantCulture,
            $"This process may open {limits[0]} files and needs {least} to start; raise the limit (ulimit -n, or "
            + $"LimitNOFILE= of the service's unit).\n");
        fixed (byte* bytes = Encoding.UTF8.GetBytes(sentence))
        {
            _ = NativeMethods.WriteTo(StandardError, bytes, Encoding.UTF8.GetByteCount(sentence));
        }

        return false;
    }

    /// <summary>
    /// The number of files that may still be opened without using the reserve; negative if part of the reserve is in
    /// use. The count takes time in proportion to the number of open files.
    /// </summary>
    public static long Free => Limit - Open - Reserve;

    private static long Open
    {
        get
        {
            try
            {
                return Directory.EnumerateFileSystemEntries("/proc/self/fd").LongCount();
            }
            catch (IOException)
            {
                // Not even one descriptor is left for counting.
                return Limit;
            }
        }
    }

    /// <summary>
    /// Returns the reason why so many more files cannot be opened, as one sentence with the limit and the remedy; null
    /// if they can.
    /// </summary>
    /// <param name="needed">The number of files.</param>
    /// <param name="what">The user of the files, as the start of the sentence.</param>
    public static string? Problem(int needed, string what)
    {
        var limit = Limit;
        var open = Open;
        return open + needed + Reserve <= limit ? null
            : $"{what} needs up to {needed} open files, but {open} of this process's {limit} are open "
                + $"and {Reserve} are reserved; raise the limit (ulimit -n, or LimitNOFILE= of the service's unit) "
                + "and start the process again.";
    }
}
