using ReplicationEngine.Simulation.Planner.Outages;

namespace ReplicationEngine.Simulation.Planner.Reports;

/// <summary>Draws the timeline of a run: the outages, and below them the states of each machine.</summary>
internal sealed class TimelineSvg(Markup page, PlotSvg plots)
{
    private const double Row = 18;
    private const double Bar = 12;
    private const int MostLanes = 40;

    /// <summary>Draws the timeline of a run.</summary>
    public void Draw(RunResult run)
    {
        var groups = OutageGroup.Of(run);
        var vms = run.Vms.OrderByDescending(vm => vm.Lane.Count).Take(MostLanes)
            .OrderBy(vm => Index(run, vm)).ToList();
        var rows = groups.Count + vms.Count;
        var bottom = 4 + (Row * rows) + 6;
        plots.Frame(bottom + 18, () =>
        {
            Hatch();
            plots.TimeAxis(run, 2, bottom);
            var y = 4.0;
            foreach (var group in groups)
            {
                Name(group.Name, y);
                foreach (var outage in group.All.Take(2000))
                {
                    Rect(run, outage.From, outage.To, y, "outage",
                        $"{outage.Name} ({Words.Kind(outage.Kind)} {outage.Target}): "
                        + $"{Words.Moment(run.Scenario, outage.From)}, {Words.Duration(outage.To - outage.From)}");
                }

                y += Row;
            }

            foreach (var vm in vms)
            {
                Name(vm.Name, y);
                foreach (var part in Simplified(vm.Lane, run))
                {
                    Rect(run, part.From, part.To, y, $"s-{part.State}",
                        $"{vm.Name}: {Words.Lane(part.State)}, {Words.Moment(run.Scenario, part.From)}, "
                        + Words.Duration(part.To - part.From));
                }

                y += Row;
            }
        });
        if (vms.Count < run.Vms.Count)
        {
            page.Text("p", $"The {vms.Count} of {run.Vms.Count} machines with the most changes are shown.",
                ("class", "facts"));
        }

        Legend();
    }

    private static int Index(RunResult run, VmSummary vm)
    {
        for (var i = 0; i < run.Vms.Count; i++)
        {
            if (ReferenceEquals(run.Vms[i], vm))
            {
                return i;
            }
        }

        return -1;
    }

    // A part narrower than a third of a pixel is drawn only if it matters more than the part before it: protected parts
    // are left out.
    private static IEnumerable<LanePart> Simplified(IReadOnlyList<LanePart> lane, RunResult run)
    {
        var narrow = run.Scenario.Duration * 0.0003;
        var merged = new List<LanePart>();
        foreach (var part in lane)
        {
            if (merged.Count > 0 && (merged[^1].State == part.State
                || (part.To - part.From < narrow && part.State == LaneState.Protected)))
            {
                merged[^1] = merged[^1] with { To = part.To };
            }
            else
            {
                merged.Add(part);
            }
        }

        return merged;
    }

    private void Name(string name, double y) =>
        page.Text("text", name.Length > 13 ? name[..12] + "…" : name, ("class", "name"), ("x", PlotSvg.Left - 8),
            ("y", y + 10), ("text-anchor", "end"));

    private void Rect(RunResult run, TimeSpan from, TimeSpan to, double y, string style, string title)
    {
        var (left, right) = (PlotSvg.X(from / run.Scenario.Duration), PlotSvg.X(to / run.Scenario.Duration));
        var width = Math.Max(0.7, right - left);
        page.In("rect", () => page.Text("title", title), ("class", style), ("x", left), ("y", y), ("width", width),
            ("height", Bar));
        if (style is "s-Down" or "s-Unprotected")
        {
            page.Empty("rect", ("fill", "url(#hatch)"), ("x", left), ("y", y), ("width", width), ("height", Bar));
        }
    }

    private void Hatch() => page.In("defs", () => page.In(
        "pattern", () => page.Empty("path", ("d", "M0 4L4 0"), ("stroke", "#000"), ("stroke-opacity", "0.55")),
        ("id", "hatch"), ("width", "4"), ("height", "4"), ("patternUnits", "userSpaceOnUse")));

    private void Legend() => page.In("div", () =>
    {
        Key("outage", "outage");
        foreach (var state in Enum.GetValues<LaneState>())
        {
            Key($"s-{state}", Words.Lane(state));
        }
    }, ("class", "legend"));

    private void Key(string style, string text) => page.In("span", () =>
    {
        page.In("svg", () =>
        {
            page.Empty("rect", ("class", style), ("width", "16"), ("height", "12"));
            if (style is "s-Down" or "s-Unprotected")
            {
                page.Empty("rect", ("fill", "url(#hatch)"), ("width", "16"), ("height", "12"));
            }
        }, ("xmlns", "http://www.w3.org/2000/svg"), ("viewBox", "0 0 16 12"));
        page.Raw(Markup.Escape(text));
    });
}
