using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// Runs a scenario from its start to its end in virtual time, on one thread. Equal scenarios give equal runs.
/// </summary>
internal static class OutageRun
{
    private const int Steps = 200;

    /// <summary>Runs a scenario and returns its result.</summary>
    /// <param name="scenario">The scenario.</param>
    /// <param name="progress">Called with the part of the run that is done, from 0 to 1.</param>
    /// <param name="stored">Called with the name of a machine and an event, for every event that the machine's entity
    /// stores.</param>
    /// <param name="cancellationToken">Cancels the run.</param>
    public static RunResult Run(
        Scenario scenario, Action<double>? progress = null, Action<string, StoredEvent>? stored = null,
        CancellationToken cancellationToken = default)
    {
        var world = new OutageWorld(scenario, stored);
        return new QueueContext(world.Queue).Within(() => Run(world, progress, cancellationToken));
    }

    private static RunResult Run(OutageWorld world, Action<double>? progress, CancellationToken cancellationToken)
    {
        var recorder = new Recorder(world);
        world.Begin();
        for (var i = 1; i <= Steps; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            world.Queue.RunUntil(world.Scenario.Duration * ((double)i / Steps));
            progress?.Invoke((double)i / Steps);
        }

        foreach (var vm in world.Vms)
        {
            vm.Advance(world.Queue.Now);
        }

        return Summarize(world, recorder);
    }

    private static RunResult Summarize(OutageWorld world, Recorder recorder)
    {
        var (scenario, end) = (world.Scenario, world.Scenario.Duration);
        var resyncs = world.Vms.SelectMany(vm => vm.Log.Resyncs).OrderBy(r => r.From)
            .ThenBy(r => r.Vm, StringComparer.Ordinal).ToList();
        return new RunResult(scenario)
        {
            Risk = recorder.Risk,
            PointAge = recorder.PointAge,
            Unprotected = recorder.Unprotected,
            Outages = [.. world.Outages.Select(outage => Of(outage, resyncs, world))],
            Failovers =
            [
                .. world.Vms.SelectMany(vm => vm.Log.Failovers).OrderBy(f => f.Ordered)
                    .ThenBy(f => f.Vm, StringComparer.Ordinal).Select(Of),
            ],
            Resyncs =
            [
                .. resyncs.Select(r => new ResyncSummary(r.Vm, r.Reason, r.From, r.To, r.Read, r.Sent, r.Completed)),
            ],
            Alerts = AlertsOf(world, end),
            Refusals =
            [
                .. world.Vms.SelectMany(vm => vm.Log.Refusals).GroupBy(r => r.Key, StringComparer.Ordinal)
                    .OrderBy(g => g.Key, StringComparer.Ordinal)
                    .Select(g => new RefusalSummary(g.Key, g.Sum(r => r.Value), g.Count())),
            ],
            Vms = [.. world.Vms.Select(vm => Of(vm, recorder, end))],
            Links =
            [
                .. world.Links.Select((link, i) => new LinkSummary(
                    link.Plan.Name, link.Plan.Quality.Bandwidth, recorder.SentOver(i), recorder.BusyShareOf(i))),
            ],
            Series = recorder.Series,
            Events = world.Vms.Sum(vm => vm.Core.Events),
            Commands = world.Vms.Sum(vm => vm.Core.Commands),
            Trace = TraceOf(world),
        };
    }

    private static OutageSummary Of(OutageRecord outage, List<ResyncRecord> resyncs, OutageWorld world)
    {
        var until = outage.NormalAt ?? world.Scenario.Duration;
        var names = outage.Vms.Select(vm => vm.Plan.Name).ToHashSet(StringComparer.Ordinal);
        var own = resyncs.Where(r => names.Contains(r.Vm) && r.From >= outage.From && r.From <= until).ToList();
        var down = outage.DownAfter.Select((after, i) => Math.Max(0, (after - outage.DownBefore[i]).TotalSeconds));
        var (downMedian, downMax) = MedianAndMax(down);
        var (riskMedian, riskMax) = MedianAndMax(outage.WorstLag);
        return new OutageSummary(
            outage.Name, outage.Kind, outage.Target, outage.From,
            outage.To < world.Scenario.Duration ? outage.To : world.Scenario.Duration, outage.NormalAt,
            outage.Vms.Length, riskMedian, riskMax, outage.WorstBacklog, downMedian, downMax, own.Count,
            own.Sum(r => r.Sent), world.Vms.Sum(vm => vm.Log.Failovers.Count(f => ReferenceEquals(f.Outage, outage))));
    }

    private static (double Median, double Max) MedianAndMax(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted.Count == 0 ? (0, 0) : (sorted[sorted.Count / 2], sorted[^1]);
    }

    private static FailoverSummary Of(FailoverRecord record)
    {
        var began = record.Outage?.From ?? record.Ordered;
        var test = record.Plan.Kind == FailoverPlanKind.Test;
        var took = !test && record.Ready is not null;
        return new FailoverSummary(
            record.Vm, record.Plan.Name, record.Plan.Kind, record.Outage?.Name, record.Ordered,
            took ? record.Rpo.TotalSeconds : null, took ? record.RpoBound.TotalSeconds : null,
            record.LostBytes, (record.Ready - (record.Started ?? record.Ordered))?.TotalSeconds,
            test ? null : (record.Served - began)?.TotalSeconds, record.Returned);
    }

    private static List<AlertSummary> AlertsOf(OutageWorld world, TimeSpan end) =>
    [
        .. world.Vms.SelectMany(vm => vm.Log.Alerts).GroupBy(alert => alert.Kind).OrderBy(group => group.Key)
            .Select(group => new AlertSummary(
                group.Key.ToString(), group.Max(alert => alert.Level).ToString(), group.Count(),
                group.Select(alert => alert.Vm).Distinct(StringComparer.Ordinal).Count(),
                group.Sum(alert => ((alert.To ?? end) - alert.From).TotalSeconds),
                group.MinBy(alert => alert.From)!.Message)),
    ];

    private static VmSummary Of(VmModel vm, Recorder recorder, TimeSpan end) => new(
        vm.Plan.Name, PhaseName.Of(vm.Core.State.Phase), vm.Forward.Written + vm.Reverse.Written,
        (vm.Forward.Sent + vm.Reverse.Sent) * vm.Plan.CompressTo, recorder.StoredOf(vm), vm.Log.PointsMade,
        vm.Core.State.Points.Count, recorder.RiskOf(vm).Quantile(0.95), recorder.RiskOf(vm).Max,
        vm.Log.DownUntil(end).TotalSeconds, vm.Log.Resyncs.Count, vm.Log.MachineLost)
    {
        Lane = recorder.LaneOf(vm),
    };

    private static string TraceOf(OutageWorld world)
    {
        var text = string.Join('\n', world.Vms.Select(vm =>
            $"{vm.Plan.Name} {vm.Core.Events} {vm.Core.Hash} {vm.Forward.Sent:R} {vm.Reverse.Sent:R}"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8));
    }
}
