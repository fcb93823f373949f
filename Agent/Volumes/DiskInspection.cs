using ReplicationEngine.DataPlane.Blocks;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>Whether a path can be a protected disk.</summary>
internal static class DiskInspection
{
    /// <summary>Why the path cannot be protected, as one sentence; null when it can.</summary>
    public static string? Problem(string path)
    {
        if (!Path.IsPathFullyQualified(path))
        {
            return $"Disk '{path}' is not an absolute path on the agent's machine; give the whole path.";
        }

        if (Directory.Exists(path))
        {
            return $"Disk '{path}' is a directory; name a disk image or a block device.";
        }

        if (!File.Exists(path))
        {
            return $"Disk '{path}' does not exist on the agent's machine; check the path.";
        }

        try
        {
            return Size(path) == 0 ? $"Disk '{path}' has no bytes; name a disk image or a block device." : null;
        }
        catch (IOException e)
        {
            return $"Disk '{path}' cannot be opened for writing: {e.Message}";
        }
    }

    /// <summary>The size in bytes.</summary>
    public static long Size(string path)
    {
        using var device = FileBlockDevice.Open(path);
        return device.Length;
    }
}
