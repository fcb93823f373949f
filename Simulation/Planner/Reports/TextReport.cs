using ReplicationEngine.Simulation.Planner.Outages;
using ReplicationEngine.Simulation.Planner.Scenarios;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ReplicationEngine.Simulation.Planner.Reports;

/// <summary>Writes a run as tables for a terminal.</summary>
internal static class TextReport
{
    private const int MostRows = 20;
    private const int UnboundedWidth = 400;

    /// <summary>Writes the report.</summary>
    /// <param name="comparison">The run, or the two runs, to report.</param>
    /// <param name="writer">The writer of the report.</param>
    /// <param name="width">The terminal's width in columns; null when the report does not go to a terminal.</param>
    public static void Write(Comparison comparison, TextWriter writer, int? width)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = width is null ? AnsiSupport.No : AnsiSupport.Yes,
            ColorSystem = width is null ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
            Interactive = InteractionSupport.No,
        });
        console.Profile.Width = width ?? UnboundedWidth;
        console.Profile.Capabilities.Unicode = true;
        foreach (var part in Parts(comparison))
        {
            console.Write(part);
            console.WriteLine();
        }
    }

    private static IEnumerable<IRenderable> Parts(Comparison comparison)
    {
        var scenario = comparison.Base.Scenario;
        yield return Line(scenario.Title, bold: true);
        yield return Line($"{scenario.Vms.Count} machines, {Words.Duration(scenario.Duration)}, seed {scenario.Seed}");
        foreach (var note in comparison.Notes)
        {
            yield return Line($"note: {note}");
        }

        yield return Line("");
        yield return Headlines(comparison);
        foreach (var (name, run) in comparison.Runs)
        {
            foreach (var part in Of(run, name))
            {
                yield return part;
            }
        }
    }

    private static Table Headlines(Comparison comparison)
    {
        var table = comparison.Variant is null ? NewTable("", "RESULT") : NewTable("", "AS IT IS", "WHAT IF", "CHANGE");
        var variant = comparison.Variant is { } run ? Headline.Of(run) : null;
        foreach (var (line, i) in Headline.Of(comparison.Base).Select((line, i) => (line, i)))
        {
            if (variant is null)
            {
                Row(table, line.Name, line.Text);
            }
            else
            {
                Row(table, line.Name, line.Text, variant[i].Text, Change(line, variant[i]));
            }
        }

        return table;
    }

    /// <summary>Returns the difference of two numbers with its sign; <c>=</c> when there is none.</summary>
    internal static string Change(Headline from, Headline to)
    {
        if (from.Value is not { } before || to.Value is not { } after || Math.Abs(before - after) < 1e-9)
        {
            return "=";
        }

        var sign = after > before ? "+" : "−";
        return from.Unit == HeadlineUnit.Share
            ? $"{sign}{Words.Number(Math.Abs(after - before) * 100, 1)} points"
            : sign + from.Format(Math.Abs(after - before));
    }

    private static IEnumerable<IRenderable> Of(RunResult run, string name)
    {
        var suffix = name.Length == 0 ? "" : $" ({name})";
        var scenario = run.Scenario;
        if (run.Outages.Count > 0)
        {
            yield return Line($"\nOutages{suffix}", bold: true);
            yield return Outages(run);
            yield return Line("two values: the median and the worst of the outages of that name");
        }

        if (run.Failovers.Count > 0)
        {
            yield return Line($"\nFailovers{suffix}", bold: true);
            yield return Failovers(run);
        }

        if (run.Resyncs.Count > 0)
        {
            yield return Line($"\nResyncs{suffix}", bold: true);
            var table = NewTable("VM", "WHY", "BEGAN", "TOOK", "READ", "SENT");
            foreach (var r in run.Resyncs.Take(MostRows))
            {
                Row(table, r.Vm, r.Reason, Words.Moment(scenario, r.From),
                    r.Completed ? Words.Duration(r.To - r.From) : "not completed", Words.Bytes(r.ReadBytes),
                    Words.Bytes(r.SentBytes));
            }

            yield return Rest(table, run.Resyncs.Count);
        }

        yield return Line($"\nAlerts{suffix}", bold: true);
        var alerts = NewTable("ALERT", "LEVEL", "TIMES", "VMS", "TOTAL DURATION");
        foreach (var alert in run.Alerts)
        {
            Row(alerts, alert.Kind, alert.Level, Words.Number(alert.Count, 0), Words.Number(alert.Vms, 0),
                Words.Duration(alert.Seconds));
        }

        yield return run.Alerts.Count == 0 ? Line("none") : alerts;
        yield return Line($"\nMachines{suffix}", bold: true);
        yield return Machines(run);
        yield return Line($"\nLinks{suffix}", bold: true);
        var links = NewTable("LINK", "BANDWIDTH", "CARRIED", "FULL");
        foreach (var link in run.Links)
        {
            Row(links, link.Name, Words.BitRate(link.Bandwidth), Words.Bytes(link.Sent), Words.Percent(link.BusyShare));
        }

        yield return links;
        foreach (var refusal in run.Refusals)
        {
            yield return Line($"had to wait, {refusal.Count} times, {refusal.Vms} machines: {refusal.What}");
        }
    }

    private static Table Outages(RunResult run)
    {
        var table = NewTable(
            "OUTAGE", "KIND", "TIMES", "LASTED", "VMS", "DATA LOSS AT RISK", "DOWN", "NORMAL AFTER", "RESYNCS");
        foreach (var group in OutageGroup.Of(run))
        {
            Row(table, group.Name, group.Kind, Words.Number(group.Times, 0), group.Lasted, group.Vms, group.Risk,
                group.Down, group.NormalAfter, Words.Number(group.All.Sum(outage => outage.Resyncs), 0));
        }

        return table;
    }

    private static IRenderable Failovers(RunResult run)
    {
        var table = NewTable("VM", "FAILOVER", "ORDERED", "RPO", "LOST", "RTO", "DOWN", "RETURNED AFTER");
        foreach (var f in run.Failovers.Take(MostRows))
        {
            Row(table, f.Vm, $"{f.Name} ({f.Kind.ToString().ToLowerInvariant()})",
                Words.Moment(run.Scenario, f.Ordered), f.Kind == FailoverPlanKind.Test ? "–"
                    : Words.Duration(f.RpoSeconds), f.RpoSeconds is null ? "–" : Words.Bytes(f.LostBytes),
                f.RtoSeconds is null ? "not done" : Words.Duration(f.RtoSeconds),
                Words.Duration(f.DowntimeSeconds), Words.Duration(f.Returned - f.Ordered));
        }

        return Rest(table, run.Failovers.Count);
    }

    private static IRenderable Machines(RunResult run)
    {
        var table = NewTable(
            "VM", "ENDED AS", "RISK P95", "WORST", "DOWN", "WROTE", "SENT", "STORED", "POINTS", "RESYNCS");
        foreach (var vm in run.Vms.Take(MostRows))
        {
            Row(table, vm.Name, vm.Lost ? $"{vm.Phase}, LOST" : vm.Phase, Words.Duration(vm.RiskP95),
                Words.Duration(vm.RiskMax), Words.Duration(vm.DownSeconds), Words.Bytes(vm.Written),
                Words.Bytes(vm.Sent), Words.Bytes(vm.Stored), Words.Number(vm.PointsKept, 0),
                Words.Number(vm.Resyncs, 0));
        }

        return Rest(table, run.Vms.Count);
    }

    private static IRenderable Rest(Table table, int count) =>
        count <= MostRows ? table : new Rows(table, Line($"and {count - MostRows} more; see --json or --html"));

    private static Table NewTable(params string[] columns)
    {
        var table = new Table { Border = TableBorder.None, ShowHeaders = true };
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(new Text(column, new Style(decoration: Decoration.Bold)))
            {
                NoWrap = true, Padding = new Padding(0, 0, 2, 0),
            });
        }

        return table;
    }

    private static void Row(Table table, params string[] cells) =>
        table.AddRow(cells.Select(cell => (IRenderable)new Text(Words.Plain(cell))));

    private static Text Line(string text, bool bold = false)
    {
        var plain = string.Join('\n', text.Split('\n').Select(Words.Plain));
        return new Text(plain, bold ? new Style(decoration: Decoration.Bold) : Style.Plain);
    }
}
