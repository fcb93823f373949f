using System.Globalization;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// Checks whether a directory's disk has room for more events. The check runs periodically: less than the reserve is
/// written between two checks.
/// </summary>
internal sealed class FreeSpace(string path, TimeProvider time)
{
    /// <summary>The space kept free so that a batch of events has room, in bytes.</summary>
    public const long Reserve = 4 << 20;

    private static readonly TimeSpan s_lookEvery = TimeSpan.FromMilliseconds(200);

    private readonly DriveInfo _drive = new(Path.GetDirectoryName(Path.GetFullPath(path))!);
    private long _lookedAt = long.MinValue;
    private string? _full;

    /// <summary>Returns why nothing more should be written; null while there is room.</summary>
    public string? WhyFull()
    {
        var now = time.GetTimestamp();
        var last = Volatile.Read(ref _lookedAt);
        if (last == long.MinValue || time.GetElapsedTime(last, now) >= s_lookEvery)
        {
            Volatile.Write(ref _full, Look());
            Volatile.Write(ref _lookedAt, now);
        }

        return Volatile.Read(ref _full);
    }

    private string? Look()
    {
        long free;
        try
        {
            free = _drive.AvailableFreeSpace;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return $"The directory of the journal {path} cannot be reached: {exception.Message.TrimEnd('.')}; nothing "
                + "was stored. Restore it (is its file system mounted?) and restart the service.";
        }

        return free >= Reserve ? null
            : $"The disk of the journal {path} is full ({(free >> 10).ToString(CultureInfo.InvariantCulture)} KiB are "
                + "free); nothing was stored. Free space and retry.";
    }
}
