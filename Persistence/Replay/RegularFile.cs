namespace ReplicationEngine.Persistence.Replay;

/// <summary>To open a named pipe is to wait for somebody who writes to it: it is told from a file before.</summary>
internal static class RegularFile
{
    /// <summary>Says of a path that <see cref="IsMissing"/> is true of it.</summary>
    public const string Missing = "it is empty or not a regular file";

    /// <summary>Whether there is something at a path, or where a link there leads, that has not one byte.</summary>
    public static bool IsMissing(string path)
    {
        var target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        return new FileInfo(target) is { Exists: true, Length: 0 };
    }
}
