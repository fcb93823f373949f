using System.Globalization;
using System.Text.RegularExpressions;

namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>A kind of quantity and its units. A value is always written with its unit.</summary>
/// <param name="Name">The name of the quantity, with its article.</param>
/// <param name="Example">An example of a value.</param>
/// <param name="Units">The units and the value of each in the base unit, the larger units first.</param>
/// <param name="Largest">The largest value that a run can work with.</param>
/// <param name="Sums">Whether a value may have several parts, such as <c>1 h 30 min</c>.</param>
internal sealed record Quantity(
    string Name, string Example, (string Unit, double Factor)[] Units, string Largest, bool Sums = false)
{
    private const double Ki = 1024;

    /// <summary>A size; the base unit is the byte.</summary>
    public static readonly Quantity Size = new("a size", "64 GiB",
    [
        ("TiB", Ki * Ki * Ki * Ki), ("GiB", Ki * Ki * Ki), ("MiB", Ki * Ki), ("KiB", Ki),
        ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1),
    ], "1000000 TiB");

    /// <summary>A rate; the base unit is one byte per second.</summary>
    public static readonly Quantity Rate = new("a rate", "20 Mbit/s",
    [
        ("Gbit/s", 1e9 / 8), ("Mbit/s", 1e6 / 8), ("kbit/s", 1e3 / 8), ("bit/s", 0.125),
        ("GiB/s", Ki * Ki * Ki), ("MiB/s", Ki * Ki), ("KiB/s", Ki),
        ("GB/s", 1e9), ("MB/s", 1e6), ("kB/s", 1e3), ("B/s", 1),
    ], "1000000 GB/s");

    /// <summary>A duration; the base unit is the second.</summary>
    public static readonly Quantity Duration = new("a duration", "1 h 30 min",
        [("d", 86400), ("h", 3600), ("min", 60), ("s", 1), ("ms", 0.001)], "36500 d", Sums: true);

    /// <summary>A share, written in percent; the base unit is the whole (100 %).</summary>
    public static readonly Quantity Share = new("a percentage", "60 %", [("%", 0.01)], "10000 %");

    /// <summary>The form of a value as a regular expression, for the schema.</summary>
    public string Pattern
    {
        get
        {
            var part = $"[0-9]+(\\.[0-9]+)? ?({string.Join('|', Units.Select(u => u.Unit.Replace("/", "\\/")))})";
            return Sums ? $"^{part}( {part})*$" : $"^{part}$";
        }
    }

    /// <summary>The remedy for a text that is not a value: the form of a value, with an example.</summary>
    public string Remedy => $"write {Name} with its unit ({string.Join(", ", Units.Select(u => u.Unit))}), "
        + $"such as \"{Example}\"";

    /// <summary>Returns the remedy for a text that is not a value a run can work with; null when it is one.</summary>
    public string? WhyNot(string? text) => text is null || !TryParse(text, out var value) ? Remedy
        : TryParse(Largest, out var largest) && value > largest ? $"write {Name} of at most {Largest}"
        : null;

    /// <summary>Parses a value and converts it to the base unit.</summary>
    /// <returns>False when the text is not a value of this kind.</returns>
    public bool TryParse(string text, out double value)
    {
        value = 0;
        if (!Regex.IsMatch(text, Pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)))
        {
            return false;
        }

        foreach (Match part in Regex.Matches(
            text, "(?<number>[0-9.]+) ?(?<unit>[A-Za-z%/]+)", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)))
        {
            var unit = Array.Find(Units, u => u.Unit == part.Groups["unit"].Value);
            value += double.Parse(part.Groups["number"].Value, CultureInfo.InvariantCulture) * unit.Factor;
        }

        return true;
    }
}
