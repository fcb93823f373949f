using System.Text;
using ReplicationEngine.Simulation.Planner.Outages;

namespace ReplicationEngine.Simulation.Planner.Reports;

/// <summary>A line of a plot: its style class and its values.</summary>
internal sealed record PlotLine(string Style, double[] Values);

/// <summary>Draws plots as SVG: values over time, and distributions.</summary>
internal sealed class PlotSvg(Markup page)
{
    public const double Width = 1032;
    public const double Left = 86;
    private const double Right = 12;
    private const double Top = 8;
    private const double PlotHeight = 120;
    private const double Inner = Width - Left - Right;

    /// <summary>Returns the horizontal coordinate of a part of the run, from 0 to 1.</summary>
    public static double X(double part) => Left + (Inner * Math.Clamp(part, 0, 1));

    /// <summary>Draws the time axis under a plot, in days, hours or minutes.</summary>
    public void TimeAxis(RunResult run, double top, double bottom)
    {
        var seconds = run.Scenario.Duration.TotalSeconds;
        double[] steps = [60, 300, 900, 3600, 3 * 3600, 6 * 3600, 86400, 2 * 86400, 7 * 86400, 30 * 86400, 91 * 86400,
            365 * 86400];
        var step = Array.Find(steps, s => seconds / s <= 15);
        step = step == 0 ? 365 * 86400 : step;
        for (var at = 0.0; at <= seconds + 1; at += step)
        {
            var x = X(at / seconds);
            page.Empty("line", ("class", "grid"), ("x1", x), ("x2", x), ("y1", top), ("y2", bottom));
            var label = step >= 86400 ? $"day {Words.Number((at / 86400) + 1, 0)}"
                : step >= 3600 ? $"{Words.Number(at / 3600, 0)} h" : $"{Words.Number(at / 60, 0)} min";
            if (x < Width - 30)
            {
                page.Text("text", label, ("x", x + 3), ("y", bottom + 13));
            }
        }
    }

    /// <summary>Draws lines over time, with the outages shaded behind them.</summary>
    public void OverTime(RunResult run, IReadOnlyList<PlotLine> lines, PlotScale scale, double? limit = null)
    {
        var bottom = Top + PlotHeight;
        var most = Math.Max(limit ?? 0, lines.Max(line => line.Values.DefaultIfEmpty(0).Max()));
        most = most <= 0 ? 1 : most * 1.06;
        Frame(bottom + 20, () =>
        {
            Shade(run, bottom);
            TimeAxis(run, Top, bottom);
            var step = scale.Step(most);
            for (var at = 0.0; at <= most; at += step)
            {
                var y = bottom - (at / most * PlotHeight);
                page.Empty("line", ("class", "grid"), ("x1", Left), ("x2", Width - Right), ("y1", y), ("y2", y));
                page.Text("text", scale.Label(at), ("x", Left - 8), ("y", y + 4), ("text-anchor", "end"));
            }

            if (limit is { } line)
            {
                var y = bottom - (line / most * PlotHeight);
                page.Empty("line", ("class", "limit"), ("x1", Left), ("x2", Width - Right), ("y1", y), ("y2", y));
            }

            foreach (var one in lines)
            {
                Draw(one, most, bottom);
            }
        });
    }

    /// <summary>
    /// Draws the part of the time in which a value, such as the data loss at risk, was at most so many seconds.
    /// </summary>
    public void Distribution(IReadOnlyList<(string Style, Histogram Values)> all)
    {
        double[] ticks = [0.1, 1, 10, 60, 300, 900, 3600, 4 * 3600, 86400, 7 * 86400];
        var most = Math.Max(60, all.Max(one => one.Values.Max) * 1.2);
        var bottom = Top + PlotHeight;
        double Place(double seconds) =>
            X(Math.Log(Math.Max(seconds, 0.1) / 0.1) / Math.Log(most / 0.1));
        Frame(bottom + 20, () =>
        {
            foreach (var part in new[] { 0, 0.25, 0.5, 0.75, 1 })
            {
                var y = bottom - (PlotHeight * part);
                page.Empty("line", ("class", "grid"), ("x1", Left), ("x2", Width - Right), ("y1", y), ("y2", y));
                page.Text("text", $"{part * 100:0} %", ("x", Left - 8), ("y", y + 4), ("text-anchor", "end"));
            }

            foreach (var tick in ticks.Where(tick => tick <= most))
            {
                page.Empty("line", ("class", "grid"), ("x1", Place(tick)), ("x2", Place(tick)), ("y1", Top),
                    ("y2", bottom));
                if (Place(tick) < Width - 40)
                {
                    page.Text("text", Words.Duration(tick), ("x", Place(tick) + 3), ("y", bottom + 13));
                }
            }

            foreach (var (style, values) in all)
            {
                var path = new StringBuilder();
                for (var i = 0; i <= 240; i++)
                {
                    var seconds = 0.1 * Math.Pow(most / 0.1, i / 240.0);
                    path.Append(i == 0 ? 'M' : 'L').Append(Markup.At(Place(seconds))).Append(' ')
                        .Append(Markup.At(bottom - (PlotHeight * values.ShareUpTo(seconds))));
                }

                page.Empty("path", ("class", style), ("d", path));
            }
        });
    }

    /// <summary>
    /// Writes an SVG image as wide as the plots. In a narrow window the image is scrolled, so that it stays readable.
    /// </summary>
    public void Frame(double height, Action body) => page.In(
        "div",
        () => page.In("svg", body, ("xmlns", "http://www.w3.org/2000/svg"),
            ("viewBox", $"0 0 {Markup.At(Width)} {Markup.At(height)}"), ("role", "img")),
        ("class", "plot"));

    private void Shade(RunResult run, double bottom)
    {
        var seconds = run.Scenario.Duration.TotalSeconds;
        foreach (var outage in run.Outages.Take(2000))
        {
            var (from, to) = (X(outage.From.TotalSeconds / seconds), X(outage.To.TotalSeconds / seconds));
            page.Empty("rect", ("class", "shade"), ("x", from), ("y", Top), ("width", Math.Max(0.6, to - from)),
                ("height", bottom - Top));
        }
    }

    private void Draw(PlotLine line, double most, double bottom)
    {
        var path = new StringBuilder();
        var count = line.Values.Length;
        for (var i = 0; i < count; i++)
        {
            path.Append(i == 0 ? 'M' : 'L').Append(Markup.At(X((i + 0.5) / count))).Append(' ')
                .Append(Markup.At(bottom - (line.Values[i] / most * PlotHeight)));
        }

        if (line.Style == "base" && count > 0)
        {
            var area = $"{path}L{Markup.At(X((count - 0.5) / count))} {Markup.At(bottom)}"
                + $"L{Markup.At(X(0.5 / count))} {Markup.At(bottom)}Z";
            page.Empty("path", ("class", "area"), ("d", area));
        }

        page.Empty("path", ("class", line.Style), ("d", path));
    }
}
