using ReplicationEngine.Engine.Policies;

namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>An outage scenario, read and checked. Sizes are bytes, rates bytes each second.</summary>
/// <param name="Title">One line.</param>
/// <param name="Description">What is asked.</param>
/// <param name="Seed">Where all randomness starts.</param>
/// <param name="Start">The first instant (UTC).</param>
/// <param name="Duration">How long the run is.</param>
/// <param name="ServiceSite">The recovery site.</param>
/// <param name="Assumptions">What the model takes for given.</param>
internal sealed record Scenario(
    string Title, string Description, ulong Seed, DateTimeOffset Start, TimeSpan Duration, string ServiceSite,
    Assumptions Assumptions)
{
    /// <summary>The sites.</summary>
    public required IReadOnlyList<string> Sites { get; init; }

    /// <summary>The links.</summary>
    public required IReadOnlyList<LinkPlan> Links { get; init; }

    /// <summary>The machines; those with a count are several here.</summary>
    public required IReadOnlyList<VmPlan> Vms { get; init; }

    /// <summary>What goes wrong.</summary>
    public required IReadOnlyList<OutagePlan> Outages { get; init; }

    /// <summary>Who fails over when.</summary>
    public required IReadOnlyList<FailoverPlan> Failovers { get; init; }
}

/// <summary>A link.</summary>
internal sealed record LinkPlan(string Name, string SiteA, string SiteB, LinkQuality Quality);

/// <summary>What a link can do.</summary>
/// <param name="Bandwidth">Bytes each second in each direction.</param>
/// <param name="Latency">One way.</param>
/// <param name="Loss">The part of packets that is lost.</param>
internal sealed record LinkQuality(double Bandwidth, TimeSpan Latency, double Loss);

/// <summary>A policy and the limits that go with it.</summary>
/// <param name="Policy">The engine's own policy.</param>
/// <param name="CacheLimit">The most that one machine's replication log may take.</param>
/// <param name="SendLimit">The most that one machine sends each second.</param>
internal sealed record PolicyPlan(ReplicationPolicy Policy, double CacheLimit, double SendLimit);

/// <summary>A protected machine.</summary>
internal sealed record VmPlan(string Name, string Site, string ScenarioId, PolicyPlan Policy, Churn Churn)
{
    /// <summary>Sizes of the disks.</summary>
    public required IReadOnlyList<long> Disks { get; init; }

    /// <summary>The part of all disks that is not empty.</summary>
    public required double Used { get; init; }

    /// <summary>The part that is written to again and again.</summary>
    public required double WorkingSet { get; init; }

    /// <summary>The size of one write.</summary>
    public required double WriteSize { get; init; }

    /// <summary>What is left of its bytes on the wire.</summary>
    public required double CompressTo { get; init; }

    /// <summary>From writable disks to a machine that serves.</summary>
    public required TimeSpan Boot { get; init; }

    /// <summary>The path of a disk on the machine.</summary>
    public string PathOf(int disk) => $"/disks/{Name}/{disk}";

    /// <summary>The size of all disks.</summary>
    public double DiskBytes => Disks.Sum(size => (double)size);
}

/// <summary>What goes wrong.</summary>
internal enum OutageKind
{
    /// <summary>A whole site with all that stands there.</summary>
    Site,

    /// <summary>A link.</summary>
    Link,

    /// <summary>The service.</summary>
    Service,

    /// <summary>Machines' agents.</summary>
    Agent,

    /// <summary>The hosts under machines.</summary>
    Host,

    /// <summary>No room for the replicas.</summary>
    TargetFull,

    /// <summary>No room for machines' replication logs.</summary>
    CacheFull,
}

/// <summary>An outage and when it comes.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">What.</param>
/// <param name="Target">Which site or link, or which machines.</param>
/// <param name="Times">When, in order: the beginning and how long.</param>
/// <param name="Degraded">What a link is left with; null when it is down.</param>
/// <param name="LosesReplicas">What the service stored is gone afterwards.</param>
internal sealed record OutagePlan(
    string Name, OutageKind Kind, string Target, OutageTimes Times, LinkChange? Degraded, bool LosesReplicas);

/// <summary>When an outage comes: at times, or at random when <paramref name="MeanBetween"/> is given.</summary>
internal sealed record OutageTimes(
    TimeSpan At, TimeSpan For, long Times, TimeSpan Every, TimeSpan? MeanBetween, TimeSpan MeanDuration);

/// <summary>What changes of a link; null: as it was.</summary>
internal sealed record LinkChange(double? Bandwidth, TimeSpan? Latency, double? Loss);

/// <summary>The kinds of failover.</summary>
internal enum FailoverPlanKind
{
    /// <summary>The source may be gone.</summary>
    Unplanned,

    /// <summary>The source stops first.</summary>
    Planned,

    /// <summary>A copy next to the running machine.</summary>
    Test,
}

/// <summary>To which point.</summary>
internal enum PointWish
{
    /// <summary>All that was received.</summary>
    Latest,

    /// <summary>The newest that exists.</summary>
    LatestProcessed,

    /// <summary>The newest application-consistent one.</summary>
    LatestApp,
}

/// <summary>A decision to fail over; delays that are null mean never.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Vms">Which machines.</param>
/// <param name="Kind">Which.</param>
internal sealed record FailoverPlan(string Name, IReadOnlyList<string> Vms, FailoverPlanKind Kind)
{
    /// <summary>When, unless an outage is named.</summary>
    public TimeSpan At { get; init; }

    /// <summary>The outage whose beginning it follows.</summary>
    public string? On { get; init; }

    /// <summary>How long after that beginning.</summary>
    public TimeSpan After { get; init; }

    /// <summary>To which point.</summary>
    public PointWish Point { get; init; }

    /// <summary>To the newest point older than this instead.</summary>
    public TimeSpan? OlderThan { get; init; }

    /// <summary>The source is asked to stop first.</summary>
    public bool TryShutdown { get; init; }

    /// <summary>From ready to commit.</summary>
    public TimeSpan? Commit { get; init; }

    /// <summary>From commit to reprotect.</summary>
    public TimeSpan? Reprotect { get; init; }

    /// <summary>From reprotected to failback.</summary>
    public TimeSpan? Failback { get; init; }

    /// <summary>From failed back to its commit.</summary>
    public TimeSpan? FailbackCommit { get; init; }

    /// <summary>From that to reprotect.</summary>
    public TimeSpan? ReprotectAgain { get; init; }

    /// <summary>How long a test copy stays.</summary>
    public TimeSpan? CleanUp { get; init; }
}

/// <summary>What the model takes for given.</summary>
internal sealed record Assumptions(
    TimeSpan AgentLostAfter, TimeSpan PrepareFailover, double CompareRate, TimeSpan SampleEvery,
    TimeSpan AskAgainEvery, bool InitialCopyDone);
