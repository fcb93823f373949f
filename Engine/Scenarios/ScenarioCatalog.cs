using System.Collections.Immutable;

namespace ReplicationEngine.Engine.Scenarios;

/// <summary>The scenarios that the engine supports.</summary>
public static class ScenarioCatalog
{
    /// <summary>The id of the default scenario of a VM.</summary>
    public const string DefaultId = "SCN-1";

    /// <summary>All scenarios, ordered by id.</summary>
    public static ImmutableArray<ScenarioProfile> All { get; } =
    [
        new()
        {
            Id = "SCN-1",
            Name = "Azure region to Azure region",
            CapturedBy = "Mobility agent in the VM",
            ChangesWaitIn = "cache storage account in the source region",
            TargetHolds = "replica managed disks, or a target storage account for unmanaged disks",
            PlannedFailover = PlannedFailoverRule.Allowed,
            Failback = true,
            ReverseReplication = ReverseReplicationRule.Manual,
            AppConsistentAtLeast = Policies.ReplicationPolicy.CrashConsistentEvery,
            AppConsistentAtMost = TimeSpan.FromDays(15),
        },
        new()
        {
            Id = "SCN-2",
            Name = "VMware to Azure, modernized",
            CapturedBy = "Mobility agent",
            ChangesWaitIn = "appliance (process server), then cache storage account in Azure",
            TargetHolds = "seed disk with recovery points on it",
            PlannedFailover = PlannedFailoverRule.Allowed,
            Failback = true,
            ReverseReplication = ReverseReplicationRule.Manual,
        },
        new()
        {
            Id = "SCN-3",
            Name = "physical server to Azure, modernized",
            CapturedBy = "Mobility agent",
            ChangesWaitIn = "appliance (process server), then cache storage account in Azure",
            TargetHolds = "seed disk with recovery points on it",
            PlannedFailover = PlannedFailoverRule.WhenAgentConfirmsShutdown,
            Failback = false,
            ReverseReplication = ReverseReplicationRule.None,
        },
        new()
        {
            Id = "SCN-5",
            Name = "Hyper-V host (no VMM) to Azure",
            CapturedBy = "the host's replication tracker, no agent in the VM",
            ChangesWaitIn = "change log file per disk, next to the disk",
            TargetHolds = "storage account, encrypted at rest",
            PlannedFailover = PlannedFailoverRule.Allowed,
            Failback = true,
            ReverseReplication = ReverseReplicationRule.Automatic,
            AppConsistentAtLeast = Policies.ReplicationPolicy.CrashConsistentEvery,
            AppConsistentAtMost = TimeSpan.FromDays(15),
        },
    ];

    /// <summary>Returns the scenario with an id, ignoring case; null when there is none.</summary>
    public static ScenarioProfile? Find(string id)
    {
        foreach (var profile in All)
        {
            if (string.Equals(profile.Id, id, StringComparison.OrdinalIgnoreCase))
            {
                return profile;
            }
        }

        return null;
    }
}
