using System.Globalization;

namespace ReplicationEngine.Chaos.Cli;

/// <summary>Parses quantities in the form that users type.</summary>
internal static class Words
{
    private static readonly (string Unit, double Seconds)[] Units = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)];

    /// <summary>Parses a duration such as <c>90s</c>, <c>10m</c> or <c>1h</c>, above 0 and at most a week.</summary>
    public static bool TryDuration(string text, out TimeSpan time, out string sentence)
    {
        sentence = $"'{text}' is not a duration; write a number with s, m or h, such as 90s, 10m or 1h.";
        time = TimeSpan.Zero;
        var unit = Units.Where(u => text.EndsWith(u.Unit, StringComparison.Ordinal)).OrderBy(u => -u.Unit.Length)
            .FirstOrDefault();
        if (unit.Unit is null || !double.TryParse(
            text[..^unit.Unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            || number * unit.Seconds is not (> 0 and <= 7 * 86400))
        {
            return false;
        }

        time = TimeSpan.FromSeconds(number * unit.Seconds);
        return true;
    }
}
