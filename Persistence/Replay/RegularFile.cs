namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// Distinguishes regular files from named pipes, because opening a named pipe blocks until another process writes to
/// it.
/// </summary>
internal static class RegularFile
{
    /// <summary>The message for a path for which <see cref="IsMissing"/> is true.</summary>
    public const string Missing = "it is empty or not a regular file";

    /// <summary>Whether the path, or the target of a link there, exists but is empty or not a regular file.</summary>
    public static bool IsMissing(string path)
    {
        var target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        return new FileInfo(target) is { Exists: true, Length: 0 };
    }
}
