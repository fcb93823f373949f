using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ReplicationEngine.Simulation.Planner.Outages;

namespace ReplicationEngine.Simulation.Planner.Reports;

/// <summary>
/// Writes a run as JSON: durations in seconds (names end in <c>Seconds</c> or <c>At</c>), sizes in bytes.
/// </summary>
internal static class JsonReport
{
    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Returns the report as text that ends with a line feed.</summary>
    public static string Write(Comparison comparison)
    {
        var root = new JsonObject
        {
            ["format"] = "drctl-simulate.outage.v1",
            ["scenario"] = comparison.Name,
            ["notes"] = Array(comparison.Notes, note => note),
            ["run"] = Of(comparison.Base),
        };
        if (comparison.Variant is { } variant)
        {
            root["changes"] = Array(comparison.Changes, change => $"{change.Path}={change.Value}");
            root["whatIf"] = Of(variant);
            var after = Headline.Of(variant);
            var differences = new JsonObject();
            foreach (var (line, i) in Headline.Of(comparison.Base).Select((line, i) => (line, i)))
            {
                differences[line.Key] = line.Value is { } before && after[i].Value is { } value ? value - before : null;
            }

            root["difference"] = differences;
        }

        return root.ToJsonString(Options) + "\n";
    }

    private static JsonObject Of(RunResult run)
    {
        var summary = new JsonObject();
        foreach (var line in Headline.Of(run))
        {
            summary[line.Key] = line.Value;
        }

        return new JsonObject
        {
            ["title"] = run.Scenario.Title,
            ["seed"] = run.Scenario.Seed,
            ["start"] = run.Scenario.Start.UtcDateTime,
            ["durationSeconds"] = run.Scenario.Duration.TotalSeconds,
            ["trace"] = run.Trace,
            ["events"] = run.Events,
            ["summary"] = summary,
            ["riskSeconds"] = Of(run.Risk),
            ["pointAgeSeconds"] = Of(run.PointAge),
            ["outages"] = Array(run.Outages, Of),
            ["failovers"] = Array(run.Failovers, Of),
            ["resyncs"] = Array(run.Resyncs, resync => new JsonObject
            {
                ["vm"] = resync.Vm, ["reason"] = resync.Reason, ["beganAt"] = resync.From.TotalSeconds,
                ["endedAt"] = resync.To?.TotalSeconds, ["completed"] = resync.Completed,
                ["readBytes"] = resync.ReadBytes, ["sentBytes"] = resync.SentBytes,
            }),
            ["alerts"] = Array(run.Alerts, alert => new JsonObject
            {
                ["kind"] = alert.Kind, ["level"] = alert.Level, ["count"] = alert.Count, ["vms"] = alert.Vms,
                ["seconds"] = alert.Seconds, ["example"] = alert.Example,
            }),
            ["waits"] = Array(run.Refusals, refusal => new JsonObject
            {
                ["what"] = refusal.What, ["count"] = refusal.Count, ["vms"] = refusal.Vms,
            }),
            ["vms"] = Array(run.Vms, Of),
            ["links"] = Array(run.Links, link => new JsonObject
            {
                ["name"] = link.Name, ["bandwidthBytesPerSecond"] = link.Bandwidth, ["sentBytes"] = link.Sent,
                ["fullShare"] = link.BusyShare,
            }),
            ["series"] = Of(run.Series, run),
        };
    }

    private static JsonObject Of(Histogram histogram) => new()
    {
        ["samples"] = histogram.Count, ["mean"] = histogram.Mean, ["p50"] = histogram.Quantile(0.5),
        ["p90"] = histogram.Quantile(0.9), ["p95"] = histogram.Quantile(0.95), ["p99"] = histogram.Quantile(0.99),
        ["max"] = histogram.Max,
    };

    private static JsonObject Of(OutageSummary outage) => new()
    {
        ["name"] = outage.Name, ["kind"] = outage.Kind.ToString(), ["target"] = outage.Target,
        ["beganAt"] = outage.From.TotalSeconds, ["endedAt"] = outage.To.TotalSeconds,
        ["normalAt"] = outage.NormalAt?.TotalSeconds, ["vms"] = outage.Vms,
        ["riskMedianSeconds"] = outage.RiskMedian, ["riskMaxSeconds"] = outage.RiskMax,
        ["backlogMaxBytes"] = outage.Backlog, ["downMedianSeconds"] = outage.DownMedian,
        ["downMaxSeconds"] = outage.DownMax, ["resyncs"] = outage.Resyncs, ["resyncSentBytes"] = outage.ResyncBytes,
        ["failovers"] = outage.Failovers,
    };

    private static JsonObject Of(FailoverSummary failover) => new()
    {
        ["vm"] = failover.Vm, ["name"] = failover.Name, ["kind"] = failover.Kind.ToString(),
        ["outage"] = failover.Outage, ["orderedAt"] = failover.Ordered.TotalSeconds,
        ["rpoSeconds"] = failover.RpoSeconds, ["rpoBoundSeconds"] = failover.RpoBoundSeconds,
        ["lostBytes"] = failover.LostBytes, ["rtoSeconds"] = failover.RtoSeconds,
        ["downSeconds"] = failover.DowntimeSeconds, ["returnedAt"] = failover.Returned?.TotalSeconds,
    };

    private static JsonObject Of(VmSummary vm) => new()
    {
        ["name"] = vm.Name, ["phase"] = vm.Phase, ["lost"] = vm.Lost, ["writtenBytes"] = vm.Written,
        ["sentBytes"] = vm.Sent, ["storedBytes"] = vm.Stored, ["pointsMade"] = vm.PointsMade,
        ["pointsKept"] = vm.PointsKept, ["riskP95Seconds"] = vm.RiskP95, ["riskMaxSeconds"] = vm.RiskMax,
        ["downSeconds"] = vm.DownSeconds, ["resyncs"] = vm.Resyncs,
    };

    private static JsonObject Of(RunSeries series, RunResult run)
    {
        var links = new JsonObject();
        for (var i = 0; i < run.Links.Count; i++)
        {
            links[run.Links[i].Name] = Array(series.Links[i], value => (JsonNode)value);
        }

        return new JsonObject
        {
            ["sliceSeconds"] = run.Scenario.Duration.TotalSeconds / series.Slices,
            ["riskMaxSeconds"] = Array(series.Risk, value => (JsonNode)value),
            ["backlogMaxBytes"] = Array(series.Backlog, value => (JsonNode)value),
            ["storedBytes"] = Array(series.Stored, value => (JsonNode)value),
            ["points"] = Array(series.Points, value => (JsonNode)value),
            ["down"] = Array(series.Down, value => (JsonNode)value),
            ["linkBytesPerSecond"] = links,
        };
    }

    private static JsonArray Array<T>(IEnumerable<T> items, Func<T, JsonNode?> item) => new([.. items.Select(item)]);
}
