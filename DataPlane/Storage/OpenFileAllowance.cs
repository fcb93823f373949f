namespace ReplicationEngine.DataPlane.Storage;

/// <summary>
/// Decides whether one more client may be accepted without exhausting the process's open files. Counting the open files
/// takes time in proportion to their number, so one count is valid for an eighth of the files it found free. Safe for
/// use by several threads.
/// </summary>
/// <param name="free">
/// Returns the number of files that may still be opened, negative if the reserve is in use; by default
/// <see cref="OpenFileLimit.Free"/>.
/// </param>
public sealed class OpenFileAllowance(Func<long>? free = null)
{
    private const int MostUncounted = 64;

    private readonly Func<long> _free = free ?? (() => OpenFileLimit.Free);
    private readonly Lock _gate = new();
    private long _uncounted;

    /// <summary>
    /// Takes one file from the allowance. Returns false if only the reserve is left: the client must be refused,
    /// because the framework ends a process that cannot open another file.
    /// </summary>
    public bool TryTake()
    {
        lock (_gate)
        {
            if (--_uncounted >= 0)
            {
                return true;
            }

            var left = _free();
            _uncounted = Math.Clamp(left / 8, 0, MostUncounted);
            return left >= 0;
        }
    }
}
