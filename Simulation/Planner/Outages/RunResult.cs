using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>What a run showed. Times are from the start of the run, sizes bytes.</summary>
/// <param name="Scenario">What was run.</param>
internal sealed record RunResult(Scenario Scenario)
{
    /// <summary>Data loss at risk, in seconds: every machine, every sample while it was protected.</summary>
    public required Histogram Risk { get; init; }

    /// <summary>The age of the newest recovery point, in seconds, likewise.</summary>
    public required Histogram PointAge { get; init; }

    /// <summary>The part of all samples in which no failover was possible.</summary>
    public required double Unprotected { get; init; }

    /// <summary>The outages, in order.</summary>
    public required IReadOnlyList<OutageSummary> Outages { get; init; }

    /// <summary>The failovers and tests, in order.</summary>
    public required IReadOnlyList<FailoverSummary> Failovers { get; init; }

    /// <summary>The resyncs, in order.</summary>
    public required IReadOnlyList<ResyncSummary> Resyncs { get; init; }

    /// <summary>Alerts by kind.</summary>
    public required IReadOnlyList<AlertSummary> Alerts { get; init; }

    /// <summary>Orders that could not be carried out when they were given.</summary>
    public required IReadOnlyList<RefusalSummary> Refusals { get; init; }

    /// <summary>The machines.</summary>
    public required IReadOnlyList<VmSummary> Vms { get; init; }

    /// <summary>The links.</summary>
    public required IReadOnlyList<LinkSummary> Links { get; init; }

    /// <summary>Numbers over time.</summary>
    public required RunSeries Series { get; init; }

    /// <summary>Events that the machines' entities stored.</summary>
    public required long Events { get; init; }

    /// <summary>Commands that they took.</summary>
    public required long Commands { get; init; }

    /// <summary>A hash over all of their events: equal runs have the same.</summary>
    public required string Trace { get; init; }
}

/// <summary>An outage.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">What.</param>
/// <param name="Target">Of what.</param>
/// <param name="From">When it began.</param>
/// <param name="To">When it ended; the end of the run when it did not.</param>
/// <param name="NormalAt">When all was as before; null when it was not by the end of the run.</param>
/// <param name="Vms">How many machines it befell.</param>
/// <param name="RiskMedian">The worst data loss at risk of a machine, the median over the machines, in seconds.</param>
/// <param name="RiskMax">The worst of all.</param>
/// <param name="Backlog">The most that waited to be sent.</param>
/// <param name="DownMedian">How long a machine was down, the median over the machines, in seconds.</param>
/// <param name="DownMax">The longest.</param>
/// <param name="Resyncs">Resyncs that began in its course.</param>
/// <param name="ResyncBytes">What they sent.</param>
/// <param name="Failovers">Failovers that followed it.</param>
internal sealed record OutageSummary(
    string Name, OutageKind Kind, string Target, TimeSpan From, TimeSpan To, TimeSpan? NormalAt, int Vms,
    double RiskMedian, double RiskMax, double Backlog, double DownMedian, double DownMax, int Resyncs,
    double ResyncBytes, int Failovers);

/// <summary>A failover or a test of one.</summary>
/// <param name="Vm">Whose.</param>
/// <param name="Name">Its name in the scenario.</param>
/// <param name="Kind">Which.</param>
/// <param name="Outage">The outage it followed.</param>
/// <param name="Ordered">When it was ordered.</param>
/// <param name="RpoSeconds">The time whose writes are lost; null when it was not carried out.</param>
/// <param name="RpoBoundSeconds">What the engine states: no lost write is older than this.</param>
/// <param name="LostBytes">What is lost.</param>
/// <param name="RtoSeconds">From the order to writable disks.</param>
/// <param name="DowntimeSeconds">From the beginning of the outage (or the order) to a machine that serves.</param>
/// <param name="Returned">When it was back at its source and protected; null when it was not.</param>
internal sealed record FailoverSummary(
    string Vm, string Name, FailoverPlanKind Kind, string? Outage, TimeSpan Ordered, double? RpoSeconds,
    double? RpoBoundSeconds, double LostBytes, double? RtoSeconds, double? DowntimeSeconds, TimeSpan? Returned);

/// <summary>A resync.</summary>
internal sealed record ResyncSummary(
    string Vm, string Reason, TimeSpan From, TimeSpan? To, double ReadBytes, double SentBytes, bool Completed);

/// <summary>All alerts of a kind.</summary>
/// <param name="Kind">What was wrong.</param>
/// <param name="Level">The worst level.</param>
/// <param name="Count">How often.</param>
/// <param name="Vms">For how many machines.</param>
/// <param name="Seconds">How long in all.</param>
/// <param name="Example">The first one's message.</param>
internal sealed record AlertSummary(string Kind, string Level, int Count, int Vms, double Seconds, string Example);

/// <summary>An order that was refused or had to wait.</summary>
internal sealed record RefusalSummary(string What, int Count, int Vms);

/// <summary>A machine.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Phase">Where it ended.</param>
/// <param name="Written">What it wrote.</param>
/// <param name="Sent">What went over the wire for it.</param>
/// <param name="Stored">What its replica took at the end.</param>
/// <param name="PointsMade">Points made.</param>
/// <param name="PointsKept">Points kept at the end.</param>
/// <param name="RiskP95">Data loss at risk, not exceeded in 95 % of the samples, in seconds.</param>
/// <param name="RiskMax">The worst.</param>
/// <param name="DownSeconds">How long it did not serve.</param>
/// <param name="Resyncs">How many.</param>
/// <param name="Lost">It ran at the target when the target's storage was lost.</param>
internal sealed record VmSummary(
    string Name, string Phase, double Written, double Sent, double Stored, long PointsMade, int PointsKept,
    double RiskP95, double RiskMax, double DownSeconds, int Resyncs, bool Lost)
{
    /// <summary>How it was, over time.</summary>
    public required IReadOnlyList<LanePart> Lane { get; init; }
}

/// <summary>A link.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bandwidth">What it carries each second.</param>
/// <param name="Sent">What it carried, in both directions.</param>
/// <param name="BusyShare">The part of the time in which it was full.</param>
internal sealed record LinkSummary(string Name, double Bandwidth, double Sent, double BusyShare);

/// <summary>How a machine is.</summary>
internal enum LaneState
{
    /// <summary>Protected, nothing wrong.</summary>
    Protected,

    /// <summary>Changes wait for longer than the policy's threshold.</summary>
    Behind,

    /// <summary>The VM's agent is not connected.</summary>
    Disconnected,

    /// <summary>Changes are only marked, or a resync is needed or runs.</summary>
    Resync,

    /// <summary>Being copied or on its way between sites: no failover is possible.</summary>
    Unprotected,

    /// <summary>The VM runs at the target.</summary>
    AtTarget,

    /// <summary>The VM serves at neither side.</summary>
    Down,
}

/// <summary>A time in which a machine was in one way.</summary>
internal sealed record LanePart(TimeSpan From, TimeSpan To, LaneState State);
