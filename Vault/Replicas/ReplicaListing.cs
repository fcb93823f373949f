using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Vault.Replicas;

/// <summary>The contents of a replica.</summary>
/// <param name="Vm">The VM.</param>
/// <param name="Phase">The phase in which the VM was when the replica was last changed; null when it is not
/// known.</param>
/// <param name="Agent">The VM's agent; null when it is not known.</param>
/// <param name="Disks">The VM's disks.</param>
/// <param name="Points">The VM's recovery points, oldest first.</param>
/// <param name="HasMachine">Whether the disks of a recovered machine exist.</param>
/// <param name="StoredBytes">The space that the directory takes.</param>
/// <param name="Problem">The reason why the replica cannot be opened; null when it can.</param>
public sealed record ReplicaListing(
    string Vm, string? Phase, string? Agent, IReadOnlyList<DataPlane.Changes.DiskSpec> Disks,
    IReadOnlyList<RecoveryPoint> Points, bool HasMachine, long StoredBytes, string? Problem)
{
    /// <summary>Lists a replica; a damaged one is listed with the damage.</summary>
    public static ReplicaListing Of(ReplicaDirectory replica)
    {
        var stored = new DirectoryInfo(replica.Path).EnumerateFiles("*", SearchOption.AllDirectories)
            .Sum(file => file.Length);
        var (phase, agent) = (replica.Identity?.Phase, replica.Identity?.Agent);
        try
        {
            using var store = replica.Open();
            return new ReplicaListing(
                replica.Vm, phase, agent, store.Disks, store.Points,
                store.Overlays.Contains(TargetVolume.LiveName, StringComparer.Ordinal), stored, null);
        }
        catch (IOException e)
        {
            return new ReplicaListing(
                replica.Vm, phase, agent, [], [], false, stored, $"The replica of '{replica.Vm}': {e.Message}");
        }
    }
}

/// <summary>A recovery point that was read back.</summary>
/// <param name="Vm">The VM.</param>
/// <param name="Point">The point as it was listed before.</param>
/// <param name="Report">The result of the verification.</param>
public sealed record VerifiedPoint(string Vm, RecoveryPoint Point, VerifyReport Report)
{
    /// <summary>Whether the point may be used.</summary>
    public bool IsSound => Report.IsSound && Point.Usable;

    /// <summary>A short description of the damage; null when there is none.</summary>
    public string? Why => Report.Damaged is [var first, ..]
            ? $"disk {first.Disk} is damaged at byte {first.Offset} , one of {Report.Damaged.Count} damaged places"
        : Report.Differing.Count > 0 ? $"{Report.Differing.Count} blocks differ from those that were sealed"
        : Report.DigestMatches == false ? "the content does not match the sealed digest"
        : Point.UnusableBecause;
}
