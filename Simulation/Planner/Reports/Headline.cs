using ReplicationEngine.Simulation.Planner.Outages;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Reports;

/// <summary>A number that sums up a run, with its name for people and its name in JSON.</summary>
/// <param name="Key">The number's name in JSON.</param>
/// <param name="Name">The number's name for people.</param>
/// <param name="Value">The number; null when the run has none.</param>
/// <param name="Unit">The unit, which decides how the number is written.</param>
/// <param name="Meaning">The meaning of the number, in one sentence.</param>
internal sealed record Headline(string Key, string Name, double? Value, HeadlineUnit Unit, string Meaning)
{
    /// <summary>The number with its unit, as people read it.</summary>
    public string Text => Format(Value);

    /// <summary>Returns a number of the same unit as people read it; a dash for null.</summary>
    public string Format(double? value) => value is not { } known ? "–" : Unit switch
    {
        HeadlineUnit.Seconds => Words.Duration(known),
        HeadlineUnit.Bytes => Words.Bytes(known),
        HeadlineUnit.Share => Words.Percent(known),
        _ => Words.Number(known, 0),
    };

    /// <summary>Returns the numbers that sum up a run.</summary>
    public static IReadOnlyList<Headline> Of(RunResult run)
    {
        var real = run.Failovers.Where(f => f.Kind != FailoverPlanKind.Test && f.RpoSeconds is not null).ToList();
        return
        [
            new("riskMedianSeconds", "data loss at risk, median", run.Risk.Quantile(0.5), HeadlineUnit.Seconds,
                "Half of the time, a failover would have lost no more than this."),
            new("riskP95Seconds", "data loss at risk, 95 %", run.Risk.Quantile(0.95), HeadlineUnit.Seconds,
                "95 % of the time, a failover would have lost no more than this."),
            new("riskP99Seconds", "data loss at risk, 99 %", run.Risk.Quantile(0.99), HeadlineUnit.Seconds,
                "99 % of the time, a failover would have lost no more than this."),
            new("riskMaxSeconds", "data loss at risk, worst", run.Risk.Max, HeadlineUnit.Seconds,
                "The worst moment of any machine."),
            new("unprotectedShare", "time without a possible failover", run.Unprotected, HeadlineUnit.Share,
                "Machine time in which no failover from source to target was possible."),
            new("failovers", "failovers done", real.Count, HeadlineUnit.Count,
                "Machines that failed over to the target."),
            new("rpoMaxSeconds", "RPO of a failover, worst", Max(real.Select(f => f.RpoSeconds)), HeadlineUnit.Seconds,
                "The longest period whose writes a failover actually lost."),
            new("lostBytes", "data lost by failovers", real.Sum(f => f.LostBytes), HeadlineUnit.Bytes,
                "Bytes that machines had written and the target does not have."),
            new("rtoMaxSeconds", "RTO of a failover, worst", Max(real.Select(f => f.RtoSeconds)), HeadlineUnit.Seconds,
                "From the start of the failover to writable disks at the target."),
            new("downtimeMaxSeconds", "outage to service, worst", Max(real.Select(f => f.DowntimeSeconds)),
                HeadlineUnit.Seconds, "From the start of the outage to a machine that serves again."),
            new("downSeconds", "downtime of all machines", run.Vms.Sum(vm => vm.DownSeconds), HeadlineUnit.Seconds,
                "The sum of all machines' time without service."),
            new("resyncs", "resyncs", run.Resyncs.Count, HeadlineUnit.Count,
                "How often a replica had to be compared with its source."),
            new("resyncSentBytes", "sent by resyncs", run.Resyncs.Sum(r => r.SentBytes), HeadlineUnit.Bytes,
                "The blocks that differed, before compression."),
            new("pointsKept", "recovery points at the end", run.Vms.Sum(vm => vm.PointsKept), HeadlineUnit.Count,
                "All machines' usable points at the end."),
            new("pointsMade", "recovery points made", run.Vms.Sum(vm => (double)vm.PointsMade), HeadlineUnit.Count,
                "The number of points made."),
            new("sentBytes", "sent over the links", run.Links.Sum(link => link.Sent), HeadlineUnit.Bytes,
                "The replication traffic on the links."),
            new("storedMaxBytes", "stored at the target, maximum", run.Series.Stored.DefaultIfEmpty(0).Max(),
                HeadlineUnit.Bytes, "The maximum of replicas and recovery points together."),
            new("alerts", "alerts", run.Alerts.Sum(alert => alert.Count), HeadlineUnit.Count,
                "Warnings and critical conditions that health showed."),
        ];
    }

    private static double? Max(IEnumerable<double?> values) => values.Max();
}

/// <summary>The unit of a headline, which decides how its number is written.</summary>
internal enum HeadlineUnit
{
    /// <summary>A duration in seconds.</summary>
    Seconds,

    /// <summary>A size in bytes.</summary>
    Bytes,

    /// <summary>A share, from 0 to 1.</summary>
    Share,

    /// <summary>A number without a unit.</summary>
    Count,
}
