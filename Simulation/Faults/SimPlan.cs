namespace ReplicationEngine.Simulation.Faults;

/// <summary>One thing that happens in a world.</summary>
/// <param name="Ms">When, in ms of virtual time.</param>
/// <param name="Vm">To which VM.</param>
/// <param name="Action">What.</param>
/// <param name="A">See <see cref="SimAction"/>.</param>
/// <param name="B">See <see cref="SimAction"/>.</param>
public sealed record PlannedEvent(long Ms, int Vm, SimAction Action, long A = 0, long B = 0);

/// <summary>
/// Everything that decides a run: the same plan gives the same run. A shrunk failure is a plan with most of its events
/// taken away.
/// </summary>
public sealed record SimPlan
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
