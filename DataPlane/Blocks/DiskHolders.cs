using System.Globalization;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Blocks;

/// <summary>
/// Finds the users of a disk, for messages to operators: mounts, device-mapper and RAID, swap, processes that have the
/// disk open. Users that the current user has no permission to see are not found.
/// </summary>
internal static class DiskHolders
{
    /// <summary>
    /// Returns the users of the disk as the end of "it is in use"; for example <c>by process 4711 (qemu-nbd)</c>.
    /// </summary>
    public static string Describe(FileStatus disk) =>
        (disk.IsBlockDevice ? MountOf(disk) ?? DeviceAbove(disk) : null)
        ?? ProcessOf(disk)
        ?? (disk.IsBlockDevice ? "by another process, a mount, swap or device-mapper" : "by another process");

    private static string? MountOf(FileStatus disk)
    {
        const int number = 2;
        const int place = 4;
        var wanted = string.Create(CultureInfo.InvariantCulture, $"{disk.NodeMajor}:{disk.NodeMinor}");
        foreach (var line in File.ReadLines("/proc/self/mountinfo"))
        {
            var fields = line.Split(' ');
            if (fields.Length > place && fields[number] == wanted)
            {
                return $"by the file system mounted at {fields[place]}";
            }
        }

        return null;
    }

    private static string? DeviceAbove(FileStatus disk)
    {
        var holders = Path.Combine(DiskStack.SystemDirectory(disk.NodeMajor, disk.NodeMinor), "holders");
        return Directory.Exists(holders)
            && Directory.EnumerateFileSystemEntries(holders).FirstOrDefault() is { } holder
            ? $"by the device {Path.GetFileName(holder)} above it" : null;
    }

    // A process that holds a lock is named before one that only has the disk open.
    private static string? ProcessOf(FileStatus disk)
    {
        string? opened = null;
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(d => char.IsAsciiDigit(d[^1])))
        {
            if (OpenedBy(process, disk) is not { } locked)
            {
                continue;
            }

            var who = Name(process);
            if (locked)
            {
                return who;
            }

            opened ??= who;
        }

        return opened;
    }

    /// <summary>Returns whether a process has locks on the disk; null if the process does not have it open.</summary>
    private static bool? OpenedBy(string process, FileStatus disk)
    {
        bool? found = null;
        try
        {
            foreach (var descriptor in Directory.EnumerateFileSystemEntries(Path.Combine(process, "fd")))
            {
                if (IsOf(descriptor, disk))
                {
                    var information = Path.Combine(process, "fdinfo", Path.GetFileName(descriptor));
                    found = found == true
                        || File.ReadLines(information).Any(l => l.StartsWith("lock:", StringComparison.Ordinal));
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The process has ended or belongs to another user, so only the findings so far are available.
            return found;
        }

        return found;
    }

    private static bool IsOf(string descriptor, FileStatus disk)
    {
        try
        {
            var status = FileStatus.Of(descriptor);
            return disk.IsBlockDevice
                ? status.IsBlockDevice && (status.NodeMajor, status.NodeMinor) == (disk.NodeMajor, disk.NodeMinor)
                : (status.DeviceMajor, status.DeviceMinor, status.Inode)
                    == (disk.DeviceMajor, disk.DeviceMinor, disk.Inode);
        }
        catch (StorageException)
        {
            // The descriptor was closed meanwhile, or has no status.
            return false;
        }
    }

    private static string Name(string process)
    {
        var id = Path.GetFileName(process);
        try
        {
            return $"by process {id} ({File.ReadAllText(Path.Combine(process, "comm")).Trim()})";
        }
        catch (IOException)
        {
            // The process ended meanwhile.
            return $"by process {id}";
        }
    }
}
