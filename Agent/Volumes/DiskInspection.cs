using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>
/// Checks whether disks can be protected and collects every reason against it, before anything is created (ENA-2, A1).
/// </summary>
/// <param name="host">The machine that has the disks.</param>
/// <param name="claims">The assignment of disks to VMs.</param>
/// <param name="own">
/// The volume of the inspected VM, if there is one; the disks it has open are not counted as in use.
/// </param>
internal sealed class DiskInspection(IVolumeHost host, DiskClaims claims, ProtectedVolume? own)
{
    private readonly List<string> _problems = [];
    private readonly List<(string Path, DiskIdentity Identity)> _seen = [];

    /// <summary>Inspects all disks of a request.</summary>
    public AgentReply.Inspected Inspect(AgentRequest.Inspect request)
    {
        var disks = request.Disks.Select(path => Guarded(request, path)).OfType<InspectedDisk>().ToList();
        if (own is null && host.NoRoomFor(request.Disks.Count) is { } full)
        {
            _problems.Add(full);
        }

        return new AgentReply.Inspected(disks, _problems);
    }

    /// <summary>Returns the reason why a path cannot be that of a disk, as one sentence; null if it can.</summary>
    public static string? Problem(string path)
    {
        if (!Path.IsPathFullyQualified(path))
        {
            return $"Disk '{path}' is not an absolute path on the agent's machine; give the full path.";
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
            return DiskProbe.Look(path).SizeBytes == 0
                ? $"Disk '{path}' is empty; name a disk image or a block device." : null;
        }
        catch (StorageException e)
        {
            return $"Disk '{path}' cannot be used: {e.Message}";
        }
    }

    private InspectedDisk? Guarded(AgentRequest.Inspect request, string path)
    {
        if (host.ProblemOf(path) is { } problem)
        {
            _problems.Add(problem);
            return null;
        }

        try
        {
            return Look(request, path);
        }
        catch (DiskInUseException e)
        {
            _problems.Add(e.Message);
        }
        catch (IOException e)
        {
            _problems.Add($"Disk '{path}' cannot be opened for writing: {e.Message}");
        }

        return null;
    }

    private InspectedDisk? Look(AgentRequest.Inspect request, string path)
    {
        var identity = host.IdentityOf(path);
        var twice = _seen.FirstOrDefault(other => other.Identity.ConflictsWith(identity)).Path;
        _seen.Add((path, identity));
        if (twice is not null)
        {
            _problems.Add(twice == path ? $"Disk '{path}' is named twice; name each disk once."
                : $"Disks '{twice}' and '{path}' are the same disk or share bytes; name each disk once.");
            return null;
        }

        if (claims.Problem(request.Vm, new DiskClaim(path, identity, false)) is { } claimed)
        {
            _problems.Add(claimed);
            return null;
        }

        if (own?.HasOpen(path) == true)
        {
            return new InspectedDisk(path, host.Look(path).SizeBytes, identity.ToString());
        }

        using var disk = host.OpenDisk(path);
        if (!request.Raw && DiskImageFormat.Of(disk.Device) is { } format)
        {
            _problems.Add(
                $"Disk '{path}' is an image in {format} format, and a guest would see its headers instead of a disk; "
                + $"convert it with `qemu-img convert -O raw`, or give --raw when its {disk.Device.Length} bytes "
                + "themselves are the disk.");
            return null;
        }

        return new InspectedDisk(path, disk.Device.Length, disk.Identity.ToString());
    }
}
