using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>
/// The disks that an agent may serve: those whose real path, with every symbolic link and <c>..</c> resolved, is one of
/// the allowed paths or below one. Allowed paths are resolved too, at each check, so an allowed link to a device allows
/// that device. A path is checked before it is opened, because opening a device may have side effects, and again
/// afterwards, because a link may have been replaced in between.
/// </summary>
/// <param name="allowed">The allowed paths, absolute; with none, no disk is allowed.</param>
public sealed partial class AllowedPaths(IReadOnlyList<string> allowed)
{
    /// <summary>The environment variable with allowed paths, separated by colons.</summary>
    public const string Variable = "DRCTL_ALLOW";

    private const string NotAllowed = "disk-not-allowed";
    private const string Remedy = "Restart the agent with --allow PATH for the disk or its directory.";

    /// <summary>Returns the reason why a disk may not be served, as one sentence; null if it may be served.</summary>
    /// <remarks>
    /// A path that does not exist is judged by its existing part, so that a caller cannot find out which files exist
    /// outside the allowed paths.
    /// </remarks>
    public string? ProblemOf(string path) => Path.IsPathFullyQualified(path) ? Judge(path, RealOrNearest(path)) : null;

    /// <summary>Checks a disk before it is opened.</summary>
    /// <exception cref="VolumeException">The disk is not allowed.</exception>
    public void Check(string path) => Demand(ProblemOf(path));

    /// <summary>Checks the file that was opened under a path.</summary>
    /// <exception cref="VolumeException">The disk is not allowed.</exception>
    public void CheckOpened(string path, SafeFileHandle handle)
    {
        var descriptor = handle.DangerousGetHandle();
        var real = new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget
            ?? throw new VolumeException(
                NotAllowed, $"The real path of '{path}' is unknown, because /proc cannot be read.",
                "Mount /proc on the agent's machine.", true);
        Demand(Judge(path, real));
    }

    private static void Demand(string? problem)
    {
        if (problem is not null)
        {
            throw new VolumeException(NotAllowed, problem, Remedy, true);
        }
    }

    private string? Judge(string path, string real)
    {
        if (allowed.Count == 0)
        {
            return $"Disk '{path}' is not served, because this agent may not serve any disk; start it with "
                + $"--allow PATH (or {Variable}), where PATH is a disk or a directory of disks, such as "
                + $"--allow {Path.GetDirectoryName(path) ?? path}.";
        }

        if (allowed.Any(root => Holds(RealOrNearest(root), real)))
        {
            return null;
        }

        var leads = real == path ? "" : $" (which resolves to '{real}')";
        return $"Disk '{path}'{leads} is not under a path that this agent may serve ({string.Join(", ", allowed)}); "
            + $"start the agent with --allow {path} in addition.";
    }

    private static bool Holds(string root, string path) =>
        path == root || path.StartsWith(root.EndsWith('/') ? root : root + "/", StringComparison.Ordinal);

    // Returns the real path. For a path that does not exist, returns the real path of the nearest existing parent,
    // followed by the rest as written.
    private static string RealOrNearest(string path)
    {
        var full = path.TrimEnd('/');
        for (var end = full.Length; end > 0; end = full.LastIndexOf('/', end - 1))
        {
            if (Resolve(full[..end]) is { } real)
            {
                return end == full.Length ? real : Path.GetFullPath(real.TrimEnd('/') + full[end..]);
            }
        }

        return full.Length == 0 ? "/" : Path.GetFullPath(full);
    }

    private static string? Resolve(string path)
    {
        var real = RealPath(path, 0);
        if (real == 0)
        {
            return null;
        }

        try
        {
            return Marshal.PtrToStringUTF8(real);
        }
        finally
        {
            Free(real);
        }
    }

    [LibraryImport("libc", EntryPoint = "realpath", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint RealPath(string path, nint resolved);

    [LibraryImport("libc", EntryPoint = "free")]
    private static partial void Free(nint memory);
}
