namespace ReplicationEngine.Simulation.Planner.Reports;

/// <summary>The scale of an axis: the round numbers that the axis marks, and how they are written.</summary>
internal sealed class PlotScale
{
    private const int MostMarks = 4;
    private readonly Func<double, string> _label;
    private readonly IReadOnlyList<double> _steps;

    private PlotScale(Func<double, string> label, IEnumerable<double> steps) =>
        (_label, _steps) = (label, [.. steps]);

    /// <summary>The scale of durations in seconds.</summary>
    public static PlotScale Seconds { get; } = new(Words.Duration,
    [
        .. Decimal(0.001, 4), 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600,
        .. Decimal(86400, 4),
    ]);

    /// <summary>The scale of sizes in bytes, in powers of 1,024.</summary>
    public static PlotScale Bytes { get; } = new(Words.Bytes, Enumerable.Range(0, 6).SelectMany(power =>
        new[] { 1.0, 2, 5, 10, 20, 50, 100, 200, 500 }.Select(digit => digit * Math.Pow(1024, power))));

    /// <summary>The scale of rates in bytes per second, which are written in bits per second.</summary>
    public static PlotScale BitRate { get; } = new(Words.BitRate, Decimal(1000, 9).Select(bits => bits / 8));

    /// <summary>The scale of whole numbers.</summary>
    public static PlotScale Count { get; } = new(value => Words.Number(value, 0), Decimal(1, 9));

    /// <summary>Returns a mark of the axis as people read it.</summary>
    public string Label(double value) => _label(value);

    /// <summary>Returns the distance between two marks on an axis from 0 to <paramref name="most"/>.</summary>
    public double Step(double most) => _steps.FirstOrDefault(step => most / step <= MostMarks, _steps[^1]);

    // 1, 2 and 5 times each power of ten.
    private static IEnumerable<double> Decimal(double first, int powers) => Enumerable.Range(0, powers)
        .SelectMany(power => new[] { 1.0, 2, 5 }.Select(digit => digit * first * Math.Pow(10, power)));
}
