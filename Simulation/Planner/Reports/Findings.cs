using ReplicationEngine.Simulation.Planner.Outages;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Reports;

/// <summary>Describes a run in plain sentences, for a reader who knows neither the program nor its terms.</summary>
internal static class Findings
{
    /// <summary>Returns the main result of a run in one sentence.</summary>
    public static string InShort(RunResult run)
    {
        var done = run.Failovers.Where(f => f.Kind != FailoverPlanKind.Test && f.RtoSeconds is not null).ToList();
        if (done.Count > 0)
        {
            var lost = done.Sum(f => f.LostBytes);
            return $"{Words.Number(done.Count, 0)} failovers lost "
                + (lost > 0 ? $"at most {Words.Duration(done.Max(f => f.RpoSeconds))} of work each, "
                    + $"{Words.Bytes(lost)} in total" : "nothing")
                + (done.Max(f => f.DowntimeSeconds) is { } down
                    ? $"; service was down for at most {Words.Duration(down)}." : ".");
        }

        return $"At a typical moment a failover would have lost {Words.Duration(run.Risk.Quantile(0.5))} of work, at "
            + $"the worst moment {Words.Duration(run.Risk.Max)}.";
    }

    /// <summary>Returns sentences that say what happened in a run and what it means.</summary>
    public static IEnumerable<string> Of(RunResult run)
    {
        yield return $"At a typical moment a failover would have lost {Words.Duration(run.Risk.Quantile(0.5))} of "
            + $"work; in 95 % of the time no more than {Words.Duration(run.Risk.Quantile(0.95))}. The worst moment of "
            + $"any machine was {Words.Duration(run.Risk.Max)}.";
        if (run.Unprotected > 0)
        {
            yield return $"In {Words.Percent(run.Unprotected)} of the machines' time no failover from the source was "
                + "possible: during initial replication, in transit between the sites, or while the replicas were "
                + "lost.";
        }

        foreach (var group in OutageGroup.Of(run).Take(8))
        {
            yield return $"Outage “{group.Name}” ({group.Kind}) happened {Times(group.Times)} and lasted "
                + $"{group.Lasted}. Data loss at risk of the worst machine: {group.Risk}; downtime: {group.Down}; "
                + $"normal operation resumed after {group.NormalAfter}.";
        }

        foreach (var sentence in Failovers(run).Concat(Replication(run)))
        {
            yield return sentence;
        }
    }

    private static IEnumerable<string> Failovers(RunResult run)
    {
        foreach (var group in run.Failovers.GroupBy(f => (f.Name, f.Kind)))
        {
            var done = group.Where(f => f.RtoSeconds is not null).ToList();
            if (group.Key.Kind == FailoverPlanKind.Test)
            {
                yield return $"The test “{group.Key.Name}” made {done.Count} of {group.Count()} copies.";
            }
            else if (done.Count > 0)
            {
                yield return $"Failover “{group.Key.Name}” recovered {done.Count} of {group.Count()} machines: "
                    + $"{Words.Bytes(done.Sum(f => f.LostBytes))} lost, at most "
                    + $"{Words.Duration(done.Max(f => f.RpoSeconds))} of work; writable disks at most "
                    + $"{Words.Duration(done.Max(f => f.RtoSeconds))} after its start, and each machine that "
                    + $"returned served at most {Words.Duration(done.Max(f => f.DowntimeSeconds))} after the outage "
                    + $"began. {done.Count(f => f.Returned is not null)} had returned to the source and were "
                    + "protected by the end.";
            }
            else
            {
                yield return $"Failover “{group.Key.Name}” was requested for {group.Count()} machines and done "
                    + "for none.";
            }
        }

        foreach (var vm in run.Vms.Where(vm => vm.Lost))
        {
            yield return $"Machine {vm.Name} was running at the recovery site when that site's storage was lost: "
                + "it is lost.";
        }
    }

    private static IEnumerable<string> Replication(RunResult run)
    {
        if (run.Resyncs.Count > 0)
        {
            var open = run.Resyncs.Count(r => !r.Completed);
            yield return $"{run.Resyncs.Count} times a replica had to be compared with its source, which read "
                + $"{Words.Bytes(run.Resyncs.Sum(r => r.ReadBytes))} and sent "
                + $"{Words.Bytes(run.Resyncs.Sum(r => r.SentBytes))} that differed"
                + (open > 0 ? $"; {open} did not finish." : ".");
        }

        foreach (var link in run.Links.Where(link => link.BusyShare > 0.05))
        {
            yield return $"Link {link.Name} ({Words.BitRate(link.Bandwidth)}) was full in "
                + $"{Words.Percent(link.BusyShare)} of the time.";
        }

        var critical = run.Alerts.Where(alert => alert.Level == "Critical").ToList();
        yield return run.Alerts.Count == 0 ? "No alert was raised."
            : $"{run.Alerts.Sum(alert => alert.Count)} alerts were raised"
                + (critical.Count == 0 ? ", none critical."
                    : $", critical among them: {string.Join(", ", critical.Select(a => $"{a.Kind} ({a.Count})"))}.");
        yield return $"At the end {Words.Number(run.Vms.Sum(vm => vm.PointsKept), 0)} recovery points were kept; "
            + $"replicas and points took at most {Words.Bytes(run.Series.Stored.Max())}.";
    }

    private static string Times(int count) => count == 1 ? "once" : $"{Words.Number(count, 0)} times";
}
