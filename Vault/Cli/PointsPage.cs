using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Vault.Contracts;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ReplicationEngine.Vault.Cli;

/// <summary><c>drctl points</c>: a strip with the times of the points, and a table of the points.</summary>
internal static class PointsPage
{
    private const int Cells = 72;

    /// <summary>Returns the strip and the table; <paramref name="points"/> are newest first.</summary>
    public static IRenderable Page(IReadOnlyList<PointView> points, DateTimeOffset now)
    {
        if (points.Count == 0)
        {
            return Pages.Line("No recovery points; the first is made when the initial replication ends.");
        }

        var rows = Strip(points).Select(IRenderable (line) => Pages.Line(line)).ToList();
        rows.Add(Pages.Line(string.Empty));
        var table = Pages.Table("POINT", "TIME", "AGE", "KIND", "GRADE", "GENERATION", "LSN", "USABLE", "HELD");
        foreach (var point in points)
        {
            table.With(
                point.Id, Readable.Time(point.Time), StatusPages.Ago(point.Time, now), ApiText.Of(point.Kind),
                ApiText.Of(point.Grade),
                $"{point.Generation}", $"{point.Lsn}", point.Usable ? "yes"
                    : $"no: {point.Reason ?? "no reason given"}",
                point.Held is { } held ? $"by {held.By} since {Readable.Time(held.Since)}" : "–");
        }

        rows.Add(table);
        return new Rows(rows);
    }

    /// <summary>
    /// Returns a line of cells from the oldest point to the newest, and a line with the two ends. A cell is <c>│</c>
    /// for a crash-consistent point, <c>┃</c> for several, <c>A</c> for an application-consistent one, <c>x</c> when
    /// all its points are unusable.
    /// </summary>
    public static IReadOnlyList<string> Strip(IReadOnlyList<PointView> points)
    {
        var (from, to) = (points.Min(p => p.Time), points.Max(p => p.Time));
        var span = (to - from).TotalSeconds;
        var cells = Enumerable.Repeat('─', Cells).ToArray();
        foreach (var group in points.GroupBy(p => span > 0 ? (int)((p.Time - from).TotalSeconds / span * (Cells - 1))
            : Cells - 1))
        {
            var usable = group.Where(p => p.Usable).ToList();
            cells[group.Key] = usable.Count == 0 ? 'x'
                : usable.Exists(p => p.Kind is PointKind.App) ? 'A' : usable.Count > 1
                ? '┃' : '│';
        }

        var (left, right) = (Readable.Time(from), Readable.Time(to));
        return [new string(cells), span > 0 ? left + right.PadLeft(Cells - left.Length) : right.PadLeft(Cells)];
    }
}
