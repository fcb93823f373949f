using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Simulation.Planner.Outages;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Reports;

/// <summary>Writes the tables and lists of the HTML report.</summary>
internal sealed class HtmlTables(Markup page)
{
    private const int MostRows = 200;

    /// <summary>Writes the table of all headline numbers, side by side when there are two runs.</summary>
    public void Headlines(Comparison comparison)
    {
        var other = comparison.Variant is { } variant ? Headline.Of(variant) : null;
        string[] columns = other is null ? ["number", "result", "meaning"]
            : ["number", "as it is", "what if", "change", "meaning"];
        Table(columns, Headline.Of(comparison.Base).Select((line, i) => other is null
            ? new[] { line.Name, line.Text, line.Meaning }
            : [line.Name, line.Text, other[i].Text, TextReport.Change(line, other[i]), line.Meaning]));
    }

    /// <summary>
    /// Writes the table of the quantiles of the data loss at risk and of the age of the newest recovery point.
    /// </summary>
    public void Quantiles(Comparison comparison)
    {
        double[] parts = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999];
        var rows = comparison.Runs.SelectMany(run => new[]
        {
            Row("data loss at risk", run.Name, run.Run.Risk), Row("age of newest point", run.Name, run.Run.PointAge),
        });
        Table(["distribution", .. parts.Select(part => $"{part * 100:0.#} %"), "worst"], rows);
        string[] Row(string what, string name, Histogram values) =>
        [
            name.Length == 0 ? what : $"{what}, {name}", .. parts.Select(part => Words.Duration(values.Quantile(part))),
            Words.Duration(values.Max),
        ];
    }

    /// <summary>
    /// Writes the tables of outages, failovers, resyncs, alerts, machines, links and operations that waited.
    /// </summary>
    public void Details(RunResult run)
    {
        var scenario = run.Scenario;
        Part("Outages", ["outage", "what", "times", "lasted", "machines", "data loss at risk (worst machine)",
            "downtime (worst machine)", "normal after", "resyncs", "sent"],
            OutageGroup.Of(run).Select(group => new[]
            {
                group.Name, group.Kind, Words.Number(group.Times, 0), group.Lasted, group.Vms, group.Risk, group.Down,
                group.NormalAfter, Words.Number(group.All.Sum(o => o.Resyncs), 0),
                Words.Bytes(group.All.Sum(o => o.ResyncBytes)),
            }), "Two values are the median and the worst of the outages of that name.");
        Part("Failovers", ["machine", "failover", "ordered", "RPO", "RPO stated", "lost", "RTO", "down",
            "returned after"],
            run.Failovers.Select(f => new[]
            {
                f.Vm, $"{f.Name} ({f.Kind.ToString().ToLowerInvariant()})", Words.Moment(scenario, f.Ordered),
                Words.Duration(f.RpoSeconds), Words.Duration(f.RpoBoundSeconds),
                f.RpoSeconds is null ? "–" : Words.Bytes(f.LostBytes),
                f.RtoSeconds is null ? "not done" : Words.Duration(f.RtoSeconds),
                Words.Duration(f.DowntimeSeconds), Words.Duration(f.Returned - f.Ordered),
            }), "RPO is the period whose writes are lost; “stated” is the engine's own bound, which is never less.");
        Part("Resyncs", ["machine", "why", "began", "took", "read", "sent"], run.Resyncs.Select(r => new[]
        {
            r.Vm, r.Reason, Words.Moment(scenario, r.From), r.Completed ? Words.Duration(r.To - r.From)
                : "not completed", Words.Bytes(r.ReadBytes), Words.Bytes(r.SentBytes),
        }));
        Part("Alerts", ["alert", "level", "times", "machines", "lasted in total", "first message"],
            run.Alerts.Select(a => new[]
            {
                a.Kind, a.Level, Words.Number(a.Count, 0), Words.Number(a.Vms, 0), Words.Duration(a.Seconds), a.Example,
            }));
        Part("Machines", ["machine", "ended as", "risk 95 %", "worst", "down", "wrote", "sent", "stored", "points",
            "made", "resyncs"],
            run.Vms.Select(vm => new[]
            {
                vm.Name, vm.Lost ? $"{vm.Phase}, lost" : vm.Phase, Words.Duration(vm.RiskP95),
                Words.Duration(vm.RiskMax), Words.Duration(vm.DownSeconds), Words.Bytes(vm.Written),
                Words.Bytes(vm.Sent), Words.Bytes(vm.Stored), Words.Number(vm.PointsKept, 0),
                Words.Number(vm.PointsMade, 0), Words.Number(vm.Resyncs, 0),
            }));
        Part("Links", ["link", "bandwidth", "carried", "full"], run.Links.Select(link => new[]
        {
            link.Name, Words.BitRate(link.Bandwidth), Words.Bytes(link.Sent), Words.Percent(link.BusyShare),
        }));
        Part("Operations that waited", ["operation and reason", "times", "machines"], run.Refusals.Select(r => new[]
        {
            r.What, Words.Number(r.Count, 0), Words.Number(r.Vms, 0),
        }));
    }

    /// <summary>Writes the tables of the scenario's machines, policies and links.</summary>
    public void Inputs(Comparison comparison)
    {
        var scenario = comparison.Base.Scenario;
        Part("Machines", ["machine", "site", "disks", "used", "working set", "churn", "policy"],
            scenario.Vms.Select(vm => new[]
            {
                vm.Name, vm.Site, string.Join(" + ", vm.Disks.Select(size => Words.Bytes(size))), Words.Bytes(vm.Used),
                Words.Bytes(vm.WorkingSet), Describe(vm.Churn), vm.Policy.Policy.Name,
            }));
        Part("Policies", ["policy", "retention", "app-consistent every", "RPO threshold", "resync", "log limit"],
            PoliciesOf(scenario).Select(p => new[]
            {
                p.Policy.Name, Words.Duration(p.Policy.Retention),
                p.Policy.AppConsistentEvery == TimeSpan.Zero ? "never" : Words.Duration(p.Policy.AppConsistentEvery),
                Words.Duration(p.Policy.RpoThreshold), p.Policy.AutoResync.ToString(), Words.Bytes(p.CacheLimit),
            }));
        Part("Links", ["link", "between", "bandwidth", "latency", "loss"], scenario.Links.Select(link => new[]
        {
            link.Name, $"{link.SiteA} and {link.SiteB}", Words.BitRate(link.Quality.Bandwidth),
            Words.Duration(link.Quality.Latency), Words.Percent(link.Quality.Loss),
        }));
    }

    /// <summary>Writes the list of the model's assumptions and of the report's terms.</summary>
    public void Assumptions(RunResult run)
    {
        var given = run.Scenario.Assumptions;
        page.In("dl", () =>
        {
            Term("What is real", "Every decision about the machines (recovery points, retention, retries, resync "
                + "windows, failover, failback, alerts) was made by the engine's own code in virtual time.");
            Term("What is a model", "Bytes flow at constant rates between events; links are shared fairly; writes "
                + "are distributed evenly over a machine's working set; boot and export times are assumed.");
            Term("Data loss at risk", "What a failover at that moment would lose: the time of the last write "
                + "minus the time of the replica's state (or of its newest point, while it is being compared).");
            Term("RPO", "The same, for a failover that was done.");
            Term("RTO", "From the start of the failover to writable disks at the target, "
                + $"{Words.Duration(given.PrepareFailover)} being assumed for preparing them. Booting is added "
                + "and is part of “down”.");
            Term("Resync", "The log could not hold all changes, or the replica cannot be trusted; extents of 4 MiB "
                + "that may differ are read, and blocks of 64 KiB that do differ are sent.");
            Term("Log limit", "A machine's changes wait in its replication log; when that is full, or as large as "
                + "half of its disks, changes are only marked and a resync follows.");
            Term("Lost connection", $"An agent counts as gone after {Words.Duration(ControlLimits.SilentTooLong)} of "
                + $"silence, what was asked of it fails after {Words.Duration(given.AgentLostAfter)}, and it is back "
                + "five seconds after that becomes possible.");
            Term("Sampling", $"Lag, points and stored bytes were sampled every {Words.Duration(given.SampleEvery)}; "
                + "downtime, RPO and RTO are exact.");
        });
    }

    private static IEnumerable<PolicyPlan> PoliciesOf(Scenario scenario) =>
        scenario.Vms.Select(vm => vm.Policy).DistinctBy(plan => plan.Policy.Name, StringComparer.Ordinal);

    private static string Describe(Churn churn) => churn switch
    {
        Churn.Constant constant => $"{Words.Bytes(constant.Rate)}/s",
        Churn.Daily daily => $"{Words.Bytes(daily.Busy)}/s from {daily.From:HH\\:mm} to {daily.To:HH\\:mm}, otherwise "
            + $"{Words.Bytes(daily.Idle)}/s{(daily.WeekdaysOnly ? ", weekdays" : "")}",
        Churn.Bursts bursts => $"{Words.Bytes(bursts.Rate)}/s, bursts of "
            + string.Join(", ", bursts.All.Select(b => $"{Words.Bytes(b.Rate)}/s for {Words.Duration(b.For)}")),
        Churn.Steps steps => $"a trace of {steps.All.Count} steps",
        _ => throw new InvalidOperationException($"Churn {churn} has no description."),
    };

    private void Term(string term, string meaning) => page.Text("dt", term).Text("dd", meaning);

    private void Part(string title, string[] columns, IEnumerable<string[]> rows, string? note = null)
    {
        var all = rows.ToList();
        if (all.Count == 0)
        {
            return;
        }

        page.Text("h3", title);
        if (note is not null)
        {
            page.Text("p", note, ("class", "facts"));
        }

        Table(columns, all.Take(MostRows));
        if (all.Count > MostRows)
        {
            page.Text("p", $"The first {MostRows} of {all.Count}; all of them are in the JSON.", ("class", "facts"));
        }
    }

    private void Table(string[] columns, IEnumerable<string[]> rows) => page.In("div", () => page.In("table", () =>
    {
        page.In("thead", () => page.In("tr", () =>
        {
            foreach (var column in columns)
            {
                page.Text("th", column);
            }
        }));
        page.In("tbody", () =>
        {
            foreach (var row in rows)
            {
                page.In("tr", () =>
                {
                    foreach (var cell in row)
                    {
                        page.Text("td", cell, ("class", cell.Length <= 20 ? "short" : "long"));
                    }
                });
            }
        });
    }), ("class", "wide"));
}
