using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>
/// Watches open disks for changes from outside (A5): a disk is truncated or grows, or its path leads to another file.
/// One thread runs the checks; all threads may read the latest findings.
/// </summary>
internal sealed class DiskWatch(IReadOnlyList<IHostDisk> disks)
{
    private readonly bool[] _cut = new bool[disks.Count];
    private volatile DiskFindings _last = new([], [], false);

    /// <summary>The findings of the latest check.</summary>
    public DiskFindings Last => _last;

    /// <summary>Checks all disks; <paramref name="knownBytes"/> are the sizes under which they are used.</summary>
    public DiskFindings Look(IReadOnlyList<long> knownBytes)
    {
        var problems = new List<VolumeProblem>();
        var sizes = new long[disks.Count];
        var restored = false;
        for (var i = 0; i < disks.Count; i++)
        {
            sizes[i] = Size(disks[i], knownBytes[i], problems);
            var cut = sizes[i] < knownBytes[i];
            restored |= _cut[i] && !cut;
            _cut[i] = cut;
            if (cut)
            {
                problems.Add(Shrunk(disks[i].Path, sizes[i], knownBytes[i]));
            }

            if (PathProblem(disks[i]) is { } problem)
            {
                problems.Add(problem);
            }
        }

        return _last = new DiskFindings(problems, sizes, restored);
    }

    /// <summary>Returns the problem of a disk that is smaller than before.</summary>
    public static VolumeProblem Shrunk(string path, long bytes, long knownBytes) => new(
        "disk-shrunk",
        $"Disk '{path}' has {bytes} bytes and had {knownBytes}: it was truncated, and nothing past its end can be "
            + "read or written.",
        $"Grow it back to {knownBytes} bytes; the lost data is in the recovery points made before.", false);

    private static long Size(IHostDisk disk, long known, List<VolumeProblem> problems)
    {
        try
        {
            return disk.Look().SizeBytes;
        }
        catch (StorageException e)
        {
            problems.Add(new VolumeProblem(
                "disk-failed", $"Disk '{disk.Path}' cannot be measured: {e.Message}", "Check the disk.", false));
            return known;
        }
    }

    private static VolumeProblem? PathProblem(IHostDisk disk)
    {
        const string until = "the guest's writes still go to the disk that was opened, and that disk is lost when the "
            + "agent ends";
        try
        {
            return disk.OwnAtPath() == disk.Identity.Own ? null : new VolumeProblem(
                "disk-replaced", $"'{disk.Path}' no longer leads to the protected disk: {until}.",
                "Put the protected disk back under its path; or stop the guest and restart the agent to protect "
                    + "the new one instead.",
                false);
        }
        catch (StorageException e)
        {
            return new VolumeProblem(
                "disk-missing", $"Disk '{disk.Path}' was moved or deleted ({e.Message}): {until}.",
                "Put the protected disk back under its path.", false);
        }
    }
}

/// <summary>The findings of a check of disks.</summary>
/// <param name="Problems">The problems of the disks.</param>
/// <param name="SizeBytes">The current sizes in bytes; empty before the first check.</param>
/// <param name="Restored">
/// Whether a truncated disk has its size again. The content of the truncated part is lost.
/// </param>
internal sealed record DiskFindings(
    IReadOnlyList<VolumeProblem> Problems, IReadOnlyList<long> SizeBytes, bool Restored);
