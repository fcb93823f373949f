using System.Globalization;

namespace ReplicationEngine.Wording;

/// <summary>
/// Formats quantities and foreign texts for users: the same in every program, language and time zone. Thread-safe.
/// </summary>
public static class Readable
{
    private static readonly string[] ByteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>Formats bytes with at most three digits and a binary unit.</summary>
    public static string Bytes(double bytes)
    {
        var unit = 0;
        while (Math.Abs(bytes) >= 999.5 && unit < ByteUnits.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }

        return $"{Number(bytes, unit == 0 || Math.Abs(bytes) >= 99.95 ? 0 : 1)} {ByteUnits[unit]}";
    }

    /// <summary>Formats a rate in bytes per second.</summary>
    public static string Rate(double bytesPerSecond) => $"{Bytes(bytesPerSecond)}/s";

    /// <summary>Formats a rate, given in bytes per second, in bits per second.</summary>
    public static string BitRate(double bytesPerSecond)
    {
        var bits = bytesPerSecond * 8;
        return bits >= 999.5e6 ? $"{Number(bits / 1e9, 2)} Gbit/s"
            : bits >= 999.5e3 ? $"{Number(bits / 1e6, bits >= 99.5e6 ? 0 : 1)} Mbit/s"
            : $"{Number(bits / 1e3, 0)} kbit/s";
    }

    /// <summary>Formats a duration in seconds as its two largest units, from milliseconds to days.</summary>
    public static string Duration(double seconds) => seconds switch
    {
        < 0 => $"-{Duration(-seconds)}",
        0 => "0 s",
        < 0.9995 => $"{Number(seconds * 1000, 0)} ms",
        < 9.95 => $"{Number(seconds, 1)} s",
        < 59.5 => $"{Number(seconds, 0)} s",
        < 3600 - 0.5 => Pair(seconds, 60, "min", 1, "s"),
        < 86400 - 30 => Pair(seconds, 3600, "h", 60, "min"),
        _ => Pair(seconds, 86400, "d", 3600, "h"),
    };

    /// <summary>Formats a duration like <see cref="Duration"/>, without fractions of a second.</summary>
    public static string WholeSeconds(TimeSpan time) => time.TotalSeconds < 59.5
        ? $"{Number(time.TotalSeconds, 0)} s" : Duration(time.TotalSeconds);

    /// <summary>Formats an instant in UTC, to the second.</summary>
    public static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>Formats a time of day in UTC, to the second.</summary>
    public static string TimeOfDay(DateTimeOffset time) =>
        time.UtcDateTime.ToString("HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>Formats a progress bar of <paramref name="width"/> cells, full only at 100 per cent.</summary>
    public static string Bar(double percent, int width)
    {
        var full = Math.Clamp((int)(percent / 100 * width), 0, width);
        return new string('█', full) + new string('░', width - full);
    }

    /// <summary>Formats a percentage without decimals, never as 100 before the end.</summary>
    public static string Percent(double percent) => $"{Number(Math.Floor(Math.Clamp(percent, 0, 100)), 0)} %";

    /// <summary>
    /// Makes a foreign text safe for a terminal and for one line: control characters, including escape sequences,
    /// become dots (S21).
    /// </summary>
    public static string Plain(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? '·' : c)) : text;

    /// <summary>Formats a number of things, such as <c>1 event</c> or <c>12,000 events</c>.</summary>
    public static string Count(long count, string thing) => $"{Number(count)} {thing}{(count == 1 ? "" : "s")}";

    /// <summary>Formats an integer with thousands separators.</summary>
    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Formats a number with thousands separators and the given number of decimals.</summary>
    public static string Number(double value, int decimals) =>
        value.ToString($"#,0{(decimals == 0 ? "" : "." + new string('0', decimals))}", CultureInfo.InvariantCulture);

    private static string Pair(double seconds, int large, string largeUnit, int small, string smallUnit)
    {
        var total = (long)Math.Round(seconds / small) * small;
        return total % large == 0 ? $"{Number(total / large)} {largeUnit}"
            : $"{Number(total / large)} {largeUnit} {total % large / small} {smallUnit}";
    }
}
