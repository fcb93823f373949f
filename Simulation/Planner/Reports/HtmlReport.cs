using ReplicationEngine.Simulation.Planner.Outages;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Reports;

/// <summary>
/// Writes a run as one page of well-formed XHTML that any browser opens without a network. Styles and images are inside
/// the page, and there is no script.
/// </summary>
internal sealed class HtmlReport
{
    private static readonly string[] Shown =
    [
        "riskMedianSeconds", "riskP95Seconds", "riskMaxSeconds", "rpoMaxSeconds", "lostBytes", "rtoMaxSeconds",
        "downtimeMaxSeconds", "resyncs", "sentBytes", "storedMaxBytes", "pointsKept", "alerts",
    ];

    private readonly Markup _page = new();
    private readonly Comparison _comparison;
    private readonly PlotSvg _plots;
    private readonly HtmlTables _tables;

    private HtmlReport(Comparison comparison)
    {
        _comparison = comparison;
        _plots = new PlotSvg(_page);
        _tables = new HtmlTables(_page);
    }

    private RunResult Base => _comparison.Base;

    /// <summary>Returns the page of a run, or of two runs.</summary>
    public static string Write(Comparison comparison) => new HtmlReport(comparison).Page();

    private string Page()
    {
        _page.Raw("<!DOCTYPE html>\n").In("html", () =>
        {
            _page.In("head", () =>
            {
                _page.Empty("meta", ("charset", "utf-8"));
                _page.Empty("meta", ("name", "viewport"), ("content", "width=device-width, initial-scale=1"));
                _page.Text("title", Base.Scenario.Title).In("style", () => _page.Raw(PageStyle.Css));
            });
            _page.In("body", () => _page.In("main", Body));
        }, ("xmlns", "http://www.w3.org/1999/xhtml"), ("lang", "en"));
        return _page.ToString();
    }

    private void Body()
    {
        Asked();
        Short();
        Section("timeline", "Timeline", () =>
        {
            _page.Text("p", "Above: the outages. Below: the state of each machine. Time runs to the right.");
            foreach (var (name, run) in _comparison.Runs)
            {
                Caption(name);
                new TimelineSvg(_page, _plots).Draw(run);
            }
        });
        Section("over-time", "Values over time", OverTime);
        Section("distributions", "Distributions", Distributions);
        foreach (var (name, run) in _comparison.Runs)
        {
            var suffix = name.Length == 0 ? "" : $" ({name})";
            var id = name.Replace(' ', '-');
            Section($"details{(id.Length == 0 ? "" : "-" + id)}", $"Details{suffix}", () => _tables.Details(run));
        }

        Section("inputs", "Input", () => _tables.Inputs(_comparison));
        Section("assumptions", "Assumptions and terms", () => _tables.Assumptions(Base));
        _page.Text("footer", $"Seed {Base.Scenario.Seed}; {Words.Number(Base.Events, 0)} events were decided by the "
            + $"engine's own rules; trace {Base.Trace}"
            + (_comparison.Variant is { } other ? $", what if {other.Trace}" : "")
            + ". The same scenario and seed give the same report.");
    }

    private void Asked()
    {
        var scenario = Base.Scenario;
        _page.Text("p", _comparison.Variant is null ? "Outage simulation" : "Outage simulation: what if",
            ("class", "kind"));
        _page.Text("h1", scenario.Title);
        _page.Text("p", $"{scenario.Vms.Count} machines at {Sites(scenario)}, protected at {scenario.ServiceSite}; "
            + $"{Words.Duration(scenario.Duration)} from {scenario.Start:yyyy-MM-dd HH:mm} UTC.", ("class", "facts"));
        foreach (var (name, run) in _comparison.Runs)
        {
            var before = name.Length == 0 ? "" : name == "what if" ? "What if: " : "As it is: ";
            _page.Text("p", before + Findings.InShort(run), ("class", "answer"));
        }

        foreach (var note in _comparison.Notes)
        {
            _page.Text("p", note, ("class", "note"));
        }

        Section("asked", "Question", () =>
        {
            _page.Text("p", scenario.Description.Length > 0 ? scenario.Description
                : "The scenario has no description.", ("class", "lead"));
            if (_comparison.Variant is not null)
            {
                _page.Text("p", "The scenario ran twice with the same seed: as it is (blue, solid), and with these "
                    + "changes (orange, dashed):");
                _page.In("ul", () =>
                {
                    foreach (var change in _comparison.Changes)
                    {
                        _page.Text("li", $"{change.Path} = {change.Value}");
                    }
                });
            }
        });
    }

    private void Short() => Section("summary", "Findings", () =>
    {
        _page.In("div", () =>
        {
            var other = _comparison.Variant is { } variant ? Headline.Of(variant) : null;
            foreach (var (line, i) in Headline.Of(Base).Select((line, i) => (line, i)))
            {
                if (Shown.Contains(line.Key) && (line.Value is not null || other?[i].Value is not null))
                {
                    _page.In("div", () =>
                    {
                        _page.Text("div", line.Text, ("class", "value"));
                        if (other is not null)
                        {
                            _page.Text("div", $"what if: {other[i].Text}", ("class", "other"));
                        }

                        _page.Text("div", line.Name, ("class", "name"));
                    }, ("class", "tile"), ("title", line.Meaning));
                }
            }
        }, ("class", "tiles"));
        foreach (var (name, run) in _comparison.Runs)
        {
            Caption(name);
            _page.In("ul", () =>
            {
                foreach (var finding in Findings.Of(run))
                {
                    _page.Text("li", finding);
                }
            }, ("class", "findings"));
        }

        _tables.Headlines(_comparison);
    });

    private void OverTime()
    {
        _page.Text("p", "Grey stripes are outages. Each point is the worst, or for links the mean, of its slice of "
            + "the run. Data at risk is counted only for machines that are replicated at that moment, whichever way: "
            + "it is 0 before the initial replication, and after a failover until reverse replication runs.");
        var thresholds = Base.Scenario.Vms.Min(vm => vm.Policy.Policy.RpoThreshold.TotalSeconds);
        var highest = _comparison.Runs.Max(run => run.Run.Series.Risk.Max());
        Plot("Data loss at risk, the worst machine (dotted: the policy's threshold)", run => run.Series.Risk,
            PlotScale.Seconds, highest > thresholds / 4 ? thresholds : null);
        Plot("Changes waiting to be sent, all machines", run => run.Series.Backlog, PlotScale.Bytes);
        for (var i = 0; i < Base.Links.Count; i++)
        {
            var index = i;
            var which = _comparison.Variant is null ? "" : " as it is";
            Plot($"Link {Base.Links[i].Name} (dotted: its bandwidth{which})", run => run.Series.Links[index],
                PlotScale.BitRate, Base.Links[i].Bandwidth);
        }

        Plot("Stored at the target: replicas and recovery points", run => run.Series.Stored, PlotScale.Bytes);
        Plot("Recovery points kept, all machines", run => run.Series.Points, PlotScale.Count);
        if (_comparison.Runs.Any(run => run.Run.Series.Down.Max() > 0))
        {
            Plot("Machines that did not serve", run => run.Series.Down, PlotScale.Count);
        }
    }

    private void Plot(
        string title, Func<RunResult, double[]> values, PlotScale scale, double? limit = null)
    {
        _page.Text("h3", title);
        List<PlotLine> lines = [new("base", values(Base))];
        if (_comparison.Variant is { } variant)
        {
            lines.Add(new PlotLine("variant", values(variant)));
        }

        _plots.OverTime(Base, lines, scale, limit);
    }

    private void Distributions()
    {
        _page.Text("h3", "Share of the time in which the data loss at risk was at most a value");
        _page.Text("p", "At each duration, the curve shows the share of the protected time in which a failover "
            + "would have lost no more than that.");
        Curve(run => run.Risk);
        _page.Text("h3", "Share of the time in which the newest recovery point was at most a value old");
        Curve(run => run.PointAge);
        _tables.Quantiles(_comparison);
    }

    private void Curve(Func<RunResult, Histogram> values)
    {
        List<(string, Histogram)> all = [("base", values(Base))];
        if (_comparison.Variant is { } variant)
        {
            all.Add(("variant", values(variant)));
        }

        _plots.Distribution(all);
    }

    private void Section(string id, string title, Action body) => _page.In("section", () =>
    {
        _page.Text("h2", title);
        body();
    }, ("id", id));

    private void Caption(string name)
    {
        if (name.Length > 0)
        {
            _page.Text("h3", name == "what if" ? "What if" : "As it is");
        }
    }

    private static string Sites(Scenario scenario) =>
        string.Join(" and ", scenario.Vms.Select(vm => vm.Site).Distinct(StringComparer.Ordinal));
}
