using System.Globalization;
using System.Text;

namespace ReplicationEngine.DataPlane.Storage;

/// <summary>How many files this process may have open (B9): RLIMIT_NOFILE.</summary>
public static class OpenFileLimit
{
    /// <summary>What the process itself needs next to its volumes: listening, calling, logging, its journal.</summary>
    private const int Reserve = 24;

    private const int Files = 7;
    private const int StandardError = 2;

    /// <summary>The limit in force; all that a process can be given when it is not known.</summary>
    public static unsafe long Limit
    {
        get
        {
            var limits = stackalloc ulong[2];
            return NativeMethods.GetLimit(Files, limits) == 0 ? (long)Math.Min(limits[0], int.MaxValue) : int.MaxValue;
        }
    }

    /// <summary>
    /// Raises the limit as far as this user may; false, with one sentence on standard error, when that is less than a
    /// process needs to start. To be called first of all: the sentence is written without the framework's console,
    /// because that loads files of its own and would fail.
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
            // Refused only to a process that may not change its limits at all; then the soft one counts.
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
    /// How many files more may be opened next to those that are kept back; negative when some of those are in use. The
    /// count takes time in proportion to the number of open files.
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
                // Not even one is left for looking.
                return Limit;
            }
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
        var open = Open;
        return open + needed + Reserve <= limit ? null
            : $"{what} needs up to {needed} open files, but {open} of this process's {limit} are open "
                + $"and {Reserve} are reserved; raise the limit (ulimit -n, or LimitNOFILE= of the service's unit) "
                + "and start the process again.";
    }
}
