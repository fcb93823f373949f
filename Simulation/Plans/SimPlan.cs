namespace ReplicationEngine.Simulation.Plans;

/// <summary>
/// The plan of a run, which alone determines it: the same plan gives the same run. A shrunk failure is a plan from
/// which most events were removed.
/// </summary>
internal sealed record SimPlan
{
    /// <summary>The seed of the components' own draws (latencies, losses in a power cut).</summary>
    public required ulong Seed { get; init; }

    /// <summary>The length of the safety phase in ms.</summary>
    public required long SafetyMs { get; init; }

    /// <summary>The number of VMs.</summary>
    public required int Vms { get; init; }

    /// <summary>The events of the plan, in order of time.</summary>
    public required IReadOnlyList<PlannedEvent> Events { get; init; }

    /// <summary>The features of the run that not every run has.</summary>
    public SimFeatures Features { get; init; }

    /// <summary>The names of the faults and operations that are enabled in this plan, for display.</summary>
    public string Swarm { get; init; } = "";

    /// <summary>The time in minutes for which recovery points are kept.</summary>
    public int RetentionMinutes { get; init; } = 24 * 60;

    /// <summary>The limit of a replication log in bytes.</summary>
    public long CacheLimitBytes { get; init; } = 8 << 20;
}
