using ReplicationEngine.Engine.Policies;

namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>An outage scenario that was read and checked. Sizes are in bytes, rates in bytes per second.</summary>
/// <param name="Title">The title, in one line.</param>
/// <param name="Description">The question of the scenario, for the reader of the report.</param>
/// <param name="Seed">The seed of all randomness.</param>
/// <param name="Start">The first instant of the run (UTC).</param>
/// <param name="Duration">The duration of the run.</param>
/// <param name="ServiceSite">The name of the recovery site, which has the service and the replicas.</param>
/// <param name="Assumptions">The assumptions of the model.</param>
internal sealed record Scenario(
    string Title, string Description, ulong Seed, DateTimeOffset Start, TimeSpan Duration, string ServiceSite,
    Assumptions Assumptions)
{
    /// <summary>The names of the sites.</summary>
    public required IReadOnlyList<string> Sites { get; init; }

    /// <summary>The links between the sites.</summary>
    public required IReadOnlyList<LinkPlan> Links { get; init; }

    /// <summary>The protected machines; an entry of the file with a count gives as many machines.</summary>
    public required IReadOnlyList<VmPlan> Vms { get; init; }

    /// <summary>The outages of the run.</summary>
    public required IReadOnlyList<OutagePlan> Outages { get; init; }

    /// <summary>The failovers of the run.</summary>
    public required IReadOnlyList<FailoverPlan> Failovers { get; init; }
}

/// <summary>A link between two sites, as planned.</summary>
internal sealed record LinkPlan(string Name, string SiteA, string SiteB, LinkQuality Quality);

/// <summary>The bandwidth, latency and loss of a link.</summary>
/// <param name="Bandwidth">The bandwidth of each direction, in bytes per second.</param>
/// <param name="Latency">The latency of one way.</param>
/// <param name="Loss">The part of packets, from 0 to 1, that is lost.</param>
internal sealed record LinkQuality(double Bandwidth, TimeSpan Latency, double Loss);

/// <summary>A replication policy and the limits that belong to it.</summary>
/// <param name="Policy">The policy as the engine knows it.</param>
/// <param name="CacheLimit">The maximum size of one machine's replication log in bytes.</param>
/// <param name="SendLimit">The maximum rate at which one machine sends, in bytes per second; infinite for no
/// limit.</param>
internal sealed record PolicyPlan(ReplicationPolicy Policy, double CacheLimit, double SendLimit);

/// <summary>A protected machine, as planned.</summary>
internal sealed record VmPlan(string Name, string Site, string ScenarioId, PolicyPlan Policy, Churn Churn)
{
    /// <summary>The sizes of the disks in bytes.</summary>
    public required IReadOnlyList<long> Disks { get; init; }

    /// <summary>The size of the part of all disks that is not empty, in bytes.</summary>
    public required double Used { get; init; }

    /// <summary>The size of the part of all disks that is written to again and again, in bytes.</summary>
    public required double WorkingSet { get; init; }

    /// <summary>The size of a write in bytes.</summary>
    public required double WriteSize { get; init; }

    /// <summary>The part of the machine's bytes, from 0.01 to 1, that remains on the link after compression.</summary>
    public required double CompressTo { get; init; }

    /// <summary>The time from writable disks to a machine that serves.</summary>
    public required TimeSpan Boot { get; init; }

    /// <summary>Returns the path of a disk on the machine.</summary>
    public string PathOf(int disk) => $"/disks/{Name}/{disk}";

    /// <summary>The total size of the disks in bytes.</summary>
    public double DiskBytes => Disks.Sum(size => (double)size);
}

/// <summary>The kind of an outage.</summary>
internal enum OutageKind
{
    /// <summary>A site fails with everything at it.</summary>
    Site,

    /// <summary>A link fails, or is degraded.</summary>
    Link,

    /// <summary>The service fails.</summary>
    Service,

    /// <summary>The agents of machines fail.</summary>
    Agent,

    /// <summary>The hosts of machines fail.</summary>
    Host,

    /// <summary>The storage of the replicas is full.</summary>
    TargetFull,

    /// <summary>The file systems of machines' replication logs are full.</summary>
    CacheFull,
}

/// <summary>An outage, and the times at which it occurs.</summary>
/// <param name="Name">The name of the outage.</param>
/// <param name="Kind">The kind of the outage.</param>
/// <param name="Target">The site, the link or the machines that fail, with * as wild card; empty for other
/// kinds.</param>
/// <param name="Times">The times at which the outage occurs, and its duration.</param>
/// <param name="Degraded">The values that a degraded link is left with; null when the link is down.</param>
/// <param name="LosesReplicas">Whether the replicas that the service stores are lost in the outage.</param>
internal sealed record OutagePlan(
    string Name, OutageKind Kind, string Target, OutageTimes Times, LinkChange? Degraded, bool LosesReplicas);

/// <summary>
/// The times at which an outage occurs: planned times, or random ones when <paramref name="MeanBetween"/> is given.
/// </summary>
internal sealed record OutageTimes(
    TimeSpan At, TimeSpan For, long Times, TimeSpan Every, TimeSpan? MeanBetween, TimeSpan MeanDuration);

/// <summary>The values of a degraded link; a null value leaves the link's own value.</summary>
internal sealed record LinkChange(double? Bandwidth, TimeSpan? Latency, double? Loss);

/// <summary>The kind of a failover.</summary>
internal enum FailoverPlanKind
{
    /// <summary>An unplanned failover: the source may be gone.</summary>
    Unplanned,

    /// <summary>A planned failover: the source stops first.</summary>
    Planned,

    /// <summary>A test failover: a copy is started next to the running machine.</summary>
    Test,
}

/// <summary>The choice of the recovery point of a failover.</summary>
internal enum PointWish
{
    /// <summary>Everything that the target received, sealed as a new recovery point.</summary>
    Latest,

    /// <summary>The newest recovery point that exists.</summary>
    LatestProcessed,

    /// <summary>The newest application-consistent recovery point.</summary>
    LatestApp,
}

/// <summary>A decision to fail over, and the orders that follow it. A delay that is null means never.</summary>
/// <param name="Name">The name of the failover.</param>
/// <param name="Vms">The names of the machines, with * as wild card.</param>
/// <param name="Kind">The kind of the failover.</param>
internal sealed record FailoverPlan(string Name, IReadOnlyList<string> Vms, FailoverPlanKind Kind)
{
    /// <summary>The time of the failover since the start of the run, unless <see cref="On"/> names an outage.</summary>
    public TimeSpan At { get; init; }

    /// <summary>The name of the outage whose beginning the failover follows; null when it follows none.</summary>
    public string? On { get; init; }

    /// <summary>
    /// The time from the beginning of the outage to the failover, which is not ordered if the outage is over by then.
    /// </summary>
    public TimeSpan After { get; init; }

    /// <summary>The choice of the recovery point, unless <see cref="OlderThan"/> is given.</summary>
    public PointWish Point { get; init; }

    /// <summary>
    /// The minimum age of the recovery point: the newest point that is so old is chosen; null for <see cref="Point"/>.
    /// </summary>
    public TimeSpan? OlderThan { get; init; }

    /// <summary>Whether the source is asked to stop first.</summary>
    public bool TryShutdown { get; init; }

    /// <summary>The delay from a target that is ready to the commit.</summary>
    public TimeSpan? Commit { get; init; }

    /// <summary>The delay from the commit to the order to reprotect.</summary>
    public TimeSpan? Reprotect { get; init; }

    /// <summary>The delay from the completed reprotect to the order to fail back.</summary>
    public TimeSpan? Failback { get; init; }

    /// <summary>The delay from a failback that is ready to its commit.</summary>
    public TimeSpan? FailbackCommit { get; init; }

    /// <summary>The delay from the commit of the failback to the order to reprotect.</summary>
    public TimeSpan? ReprotectAgain { get; init; }

    /// <summary>The time for which the copy of a test failover stays.</summary>
    public TimeSpan? CleanUp { get; init; }
}

/// <summary>The assumptions of the model.</summary>
internal sealed record Assumptions(
    TimeSpan AgentLostAfter, TimeSpan PrepareFailover, double CompareRate, TimeSpan SampleEvery,
    TimeSpan AskAgainEvery, bool InitialCopyDone);
