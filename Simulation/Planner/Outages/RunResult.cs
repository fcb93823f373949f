using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>The result of a run. Times count from the start of the run; sizes are in bytes.</summary>
/// <param name="Scenario">The scenario that was run.</param>
internal sealed record RunResult(Scenario Scenario)
{
    /// <summary>
    /// The distribution of the data loss at risk, in seconds, over every machine and every sample in which a failover
    /// was possible.
    /// </summary>
    public required Histogram Risk { get; init; }

    /// <summary>
    /// The distribution of the age of the newest recovery point, in seconds, over the samples of <see cref="Risk"/>
    /// that have a point.
    /// </summary>
    public required Histogram PointAge { get; init; }

    /// <summary>The part of all samples, from 0 to 1, in which no failover was possible.</summary>
    public required double Unprotected { get; init; }

    /// <summary>The outages, in the order of their beginnings.</summary>
    public required IReadOnlyList<OutageSummary> Outages { get; init; }

    /// <summary>The failovers and test failovers, in the order of their orders.</summary>
    public required IReadOnlyList<FailoverSummary> Failovers { get; init; }

    /// <summary>The resyncs, in the order of their beginnings.</summary>
    public required IReadOnlyList<ResyncSummary> Resyncs { get; init; }

    /// <summary>The alerts, one entry for each kind.</summary>
    public required IReadOnlyList<AlertSummary> Alerts { get; init; }

    /// <summary>The orders that were refused, or could not be given, when they were due.</summary>
    public required IReadOnlyList<RefusalSummary> Refusals { get; init; }

    /// <summary>The results of the machines.</summary>
    public required IReadOnlyList<VmSummary> Vms { get; init; }

    /// <summary>The results of the links.</summary>
    public required IReadOnlyList<LinkSummary> Links { get; init; }

    /// <summary>The values over time.</summary>
    public required RunSeries Series { get; init; }

    /// <summary>The number of events that the machines' entities stored.</summary>
    public required long Events { get; init; }

    /// <summary>The number of commands that the machines' entities received.</summary>
    public required long Commands { get; init; }

    /// <summary>A hash over the events of all entities and the bytes sent. Equal runs have the same hash.</summary>
    public required string Trace { get; init; }
}

/// <summary>The effects of one outage.</summary>
/// <param name="Name">The name of the outage in the scenario.</param>
/// <param name="Kind">The kind of the outage.</param>
/// <param name="Target">The site, link or machine that failed; empty for an outage of the service or of its
/// storage.</param>
/// <param name="From">The beginning of the outage.</param>
/// <param name="To">The end of the outage; the end of the run when that comes first.</param>
/// <param name="NormalAt">The time at which everything was as before; null when it was not by the end of the
/// run.</param>
/// <param name="Vms">The number of machines that the outage affected.</param>
/// <param name="RiskMedian">The worst data loss at risk of a machine: the median over the machines, in seconds.</param>
/// <param name="RiskMax">The worst data loss at risk of any machine, in seconds.</param>
/// <param name="Backlog">The largest number of bytes that waited to be sent.</param>
/// <param name="DownMedian">The downtime of a machine: the median over the machines, in seconds.</param>
/// <param name="DownMax">The longest downtime of any machine, in seconds.</param>
/// <param name="Resyncs">The number of resyncs that began from the beginning of the outage until everything was as
/// before.</param>
/// <param name="ResyncBytes">The number of bytes that these resyncs sent.</param>
/// <param name="Failovers">The number of failovers that followed the outage.</param>
internal sealed record OutageSummary(
    string Name, OutageKind Kind, string Target, TimeSpan From, TimeSpan To, TimeSpan? NormalAt, int Vms,
    double RiskMedian, double RiskMax, double Backlog, double DownMedian, double DownMax, int Resyncs,
    double ResyncBytes, int Failovers);

/// <summary>The result of a failover or a test failover.</summary>
/// <param name="Vm">The name of the machine.</param>
/// <param name="Name">The name of the failover in the scenario.</param>
/// <param name="Kind">The kind of the failover.</param>
/// <param name="Outage">The name of the outage that the failover followed; null when it followed none.</param>
/// <param name="Ordered">The time at which the failover was ordered.</param>
/// <param name="RpoSeconds">The period whose writes are lost, in seconds; null for a test, and when the failover was
/// not done.</param>
/// <param name="RpoBoundSeconds">The bound that the engine states, in seconds: no lost write is older. Null for a test,
/// and when the failover was not done.</param>
/// <param name="LostBytes">The number of bytes that are lost.</param>
/// <param name="RtoSeconds">The time from the order, once the engine accepted it, to writable disks, in seconds; null
/// when it was not done.</param>
/// <param name="DowntimeSeconds">The time from the beginning of the outage (or from the order) to a machine that
/// serves, in seconds; null for a test, and when the machine did not serve again.</param>
/// <param name="Returned">The time at which the machine was back at its source and protected; null when it was
/// not.</param>
internal sealed record FailoverSummary(
    string Vm, string Name, FailoverPlanKind Kind, string? Outage, TimeSpan Ordered, double? RpoSeconds,
    double? RpoBoundSeconds, double LostBytes, double? RtoSeconds, double? DowntimeSeconds, TimeSpan? Returned);

/// <summary>The result of a resync.</summary>
internal sealed record ResyncSummary(
    string Vm, string Reason, TimeSpan From, TimeSpan? To, double ReadBytes, double SentBytes, bool Completed);

/// <summary>All alerts of one kind.</summary>
/// <param name="Kind">The kind of the health problem.</param>
/// <param name="Level">The worst level of the alerts.</param>
/// <param name="Count">The number of alerts.</param>
/// <param name="Vms">The number of machines that had such an alert.</param>
/// <param name="Seconds">The total duration of the alerts in seconds.</param>
/// <param name="Example">The message of the first alert.</param>
internal sealed record AlertSummary(string Kind, string Level, int Count, int Vms, double Seconds, string Example);

/// <summary>An order that was refused or had to wait, with its reason and the numbers of times and machines.</summary>
internal sealed record RefusalSummary(string What, int Count, int Vms);

/// <summary>The result of one machine.</summary>
/// <param name="Name">The machine's name.</param>
/// <param name="Phase">The machine's phase at the end of the run.</param>
/// <param name="Written">The number of bytes that the machine wrote.</param>
/// <param name="Sent">The number of bytes that were sent over the link for the machine.</param>
/// <param name="Stored">The number of bytes that the machine's replica and recovery points took at the end of the
/// run.</param>
/// <param name="PointsMade">The number of recovery points that were made.</param>
/// <param name="PointsKept">The number of recovery points that were kept at the end of the run.</param>
/// <param name="RiskP95">The data loss at risk that 95 % of the samples do not exceed, in seconds.</param>
/// <param name="RiskMax">The worst data loss at risk, in seconds.</param>
/// <param name="DownSeconds">The time in which the machine did not serve, in seconds.</param>
/// <param name="Resyncs">The number of resyncs.</param>
/// <param name="Lost">Whether the machine ran at the target when the target's storage was lost.</param>
internal sealed record VmSummary(
    string Name, string Phase, double Written, double Sent, double Stored, long PointsMade, int PointsKept,
    double RiskP95, double RiskMax, double DownSeconds, int Resyncs, bool Lost)
{
    /// <summary>The periods of the run, each with the machine's state in it.</summary>
    public required IReadOnlyList<LanePart> Lane { get; init; }
}

/// <summary>The result of one link.</summary>
/// <param name="Name">The link's name.</param>
/// <param name="Bandwidth">The bandwidth of each direction, in bytes per second.</param>
/// <param name="Sent">The number of bytes that were sent, in both directions together.</param>
/// <param name="BusyShare">The part of the time, from 0 to 1, in which the link was full.</param>
internal sealed record LinkSummary(string Name, double Bandwidth, double Sent, double BusyShare);

/// <summary>The state of a machine, as the timeline shows it.</summary>
internal enum LaneState
{
    /// <summary>The machine is protected, and nothing is wrong.</summary>
    Protected,

    /// <summary>The data loss at risk is above the policy's RPO threshold.</summary>
    Behind,

    /// <summary>The machine's agent is not connected.</summary>
    Disconnected,

    /// <summary>Changes are only marked, or a resync is needed or runs.</summary>
    Resync,

    /// <summary>No failover is possible: the machine is being copied, or is on its way between the sites.</summary>
    Unprotected,

    /// <summary>The machine runs at the target.</summary>
    AtTarget,

    /// <summary>The machine serves at neither side.</summary>
    Down,
}

/// <summary>A period in which a machine was in one state.</summary>
internal sealed record LanePart(TimeSpan From, TimeSpan To, LaneState State);
