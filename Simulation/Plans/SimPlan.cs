namespace ReplicationEngine.Simulation.Plans;

/// <summary>
/// Everything that decides a run: the same plan gives the same run. A shrunk failure is a plan with most of its events
/// taken away.
/// </summary>
internal sealed record SimPlan
{
    /// <summary>The seed of what components draw (latencies, what a power cut takes).</summary>
    public required ulong Seed { get; init; }

    /// <summary>The length of the safety phase in ms.</summary>
    public required long SafetyMs { get; init; }

    /// <summary>The number of VMs.</summary>
    public required int Vms { get; init; }

    /// <summary>What happens, in order of time.</summary>
    public required IReadOnlyList<PlannedEvent> Events { get; init; }

    /// <summary>What it tries and demands beyond what every run does.</summary>
    public SimFeatures Features { get; init; }

    /// <summary>The faults and features that the swarm left on, for people.</summary>
    public string Swarm { get; init; } = "";

    /// <summary>How long recovery points are kept, in minutes.</summary>
    public int RetentionMinutes { get; init; } = 24 * 60;

    /// <summary>The replication log's limit in bytes.</summary>
    public long CacheLimitBytes { get; init; } = 8 << 20;
}
