using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>
/// Which disks of this agent belong to which VM, by what the disks are and not by their paths (A1). Of two VMs that
/// claim one disk at the same moment, one gets it. Safe for several threads.
/// </summary>
public sealed class DiskClaims(IVolumeHost host)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, IReadOnlyList<DiskClaim>> _claims = new(StringComparer.Ordinal);

    /// <summary>Claims a VM's disks in the place of what it had claimed.</summary>
    /// <exception cref="VolumeException">One belongs to another VM; nothing is claimed then.</exception>
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

    /// <summary>Gives up what a VM had claimed.</summary>
    public void Release(string vm)
    {
        lock (_lock)
        {
            _claims.Remove(vm);
        }
    }

    /// <summary>Why a VM may not have a disk, as one sentence; null when it may.</summary>
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

    // A disk that nobody holds open may have been replaced since it was claimed, and its number given to another file.
    private DiskIdentity Now(DiskClaim claim)
    {
        try
        {
            return claim.IsOpen ? claim.Identity : host.IdentityOf(claim.Path);
        }
        catch (StorageException)
        {
            // It is away; when it comes back it is most likely the one it was.
            return claim.Identity;
        }
    }
}

/// <summary>A disk that belongs to a VM.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Identity">Which it is.</param>
/// <param name="IsOpen">Whether the VM has it open, so that it cannot become another.</param>
public sealed record DiskClaim(string Path, DiskIdentity Identity, bool IsOpen);
