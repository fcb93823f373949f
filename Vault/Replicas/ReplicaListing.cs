using ReplicationEngine.DataPlane.ReplicaStore;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Vault.Replicas;

/// <summary>What one replica holds.</summary>
/// <param name="Vm">The VM.</param>
/// <param name="Phase">The phase in which it was last worked on; null when that is not known.</param>
/// <param name="Agent">Its agent; null when that is not known.</param>
/// <param name="Disks">Its disks.</param>
/// <param name="Points">Its recovery points, oldest first.</param>
/// <param name="HasMachine">Whether the disks of a failed-over machine are there.</param>
/// <param name="StoredBytes">The space that its directory takes.</param>
/// <param name="Problem">Why it cannot be opened; null when it can.</param>
public sealed record ReplicaListing(
    string Vm, string? Phase, string? Agent, IReadOnlyList<DataPlane.Changes.DiskSpec> Disks,
    IReadOnlyList<RecoveryPoint> Points, bool HasMachine, long StoredBytes, string? Problem)
{
    /// <summary>Looks at a replica; a damaged one is listed with what is wrong.</summary>
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

/// <summary>A point that was read back.</summary>
/// <param name="Vm">The VM.</param>
/// <param name="Point">The point as it was listed before.</param>
/// <param name="Report">What was found.</param>
public sealed record VerifiedPoint(string Vm, RecoveryPoint Point, VerifyReport Report)
{
    /// <summary>Whether the point may be used.</summary>
    public bool IsSound => Report.IsSound && Point.Usable;

    /// <summary>What is wrong, in a few words.</summary>
    public string? Why => Report.Damaged is [var first, ..]
            ? $"disk {first.Disk} is damaged at byte {first.Offset} , one of {Report.Damaged.Count} damaged places"
        : Report.Differing.Count > 0 ? $"{Report.Differing.Count} blocks differ from those that were sealed"
        : Report.DigestMatches == false ? "the content does not match the sealed digest"
        : Point.UnusableBecause;
}
