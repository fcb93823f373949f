using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>
/// The assignment of this agent's disks to VMs, by disk identity and not by path (A1). If two VMs claim one disk at the
/// same moment, one of them gets it. Safe for several threads.
/// </summary>
internal sealed class DiskClaims(IVolumeHost host)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, IReadOnlyList<DiskClaim>> _claims = new(StringComparer.Ordinal);

    /// <summary>Claims a VM's disks, replacing its earlier claims.</summary>
    /// <exception cref="VolumeException">A disk belongs to another VM. Nothing is claimed then.</exception>
    public void Take(string vm, IReadOnlyList<DiskClaim> disks)
    {
        lock (_lock)
        {
            if (disks.Select(disk => ConflictOf(vm, disk)).OfType<string>().FirstOrDefault() is { } found)
            {
                throw new VolumeException(
                    "disk-in-use", found, "Disable the protection of one of the two; a disk belongs to one VM.", false);
            }

            _claims[vm] = disks;
        }
    }

    /// <summary>Releases all claims of a VM.</summary>
    public void Release(string vm)
    {
        lock (_lock)
        {
            _claims.Remove(vm);
        }
    }

    /// <summary>Returns the reason why a VM may not use a disk, as one sentence; null if it may.</summary>
    public string? Problem(string vm, DiskClaim disk)
    {
        lock (_lock)
        {
            return ConflictOf(vm, disk);
        }
    }

    private string? ConflictOf(string vm, DiskClaim disk)
    {
        foreach (var (other, claims) in _claims.Where(c => c.Key != vm))
        {
            if (claims.FirstOrDefault(c => Now(c).ConflictsWith(disk.Identity)) is { } held)
            {
                return (held.Path == disk.Path
                    ? $"Disk '{disk.Path}' is already protected as part of '{other}'"
                    : $"Disk '{disk.Path}' and '{held.Path}', which is already protected as part of '{other}', are the "
                        + "same disk or share bytes")
                    + "; disable that protection first.";
            }
        }

        return null;
    }

    // A disk that is not open may have been replaced since it was claimed, and its number given to another file.
    private DiskIdentity Now(DiskClaim claim)
    {
        try
        {
            return claim.IsOpen ? claim.Identity : host.IdentityOf(claim.Path);
        }
        catch (StorageException)
        {
            // The disk is absent. When it returns it is most likely the same disk.
            return claim.Identity;
        }
    }
}

/// <summary>A disk that belongs to a VM.</summary>
/// <param name="Path">The path of the disk.</param>
/// <param name="Identity">The identity of the disk.</param>
/// <param name="IsOpen">Whether the VM has the disk open, so that the path cannot change its disk.</param>
internal sealed record DiskClaim(string Path, DiskIdentity Identity, bool IsOpen);
