using System.Globalization;

namespace ReplicationEngine.Persistence.Serialization;

/// <summary>Formats times and durations as texts, with as many groups of three decimals as needed.</summary>
internal static class StoredTexts
{
    private const int NanosecondsPerTick = 100;

    /// <summary>Formats a time in RFC 3339: <c>2024-03-04T09:00:00.500Z</c>.</summary>
    /// <param name="utc">The time (UTC).</param>
    public static string Of(DateTime utc) => string.Create(
        CultureInfo.InvariantCulture, $"{utc:yyyy-MM-dd'T'HH:mm:ss}{Fraction(utc.Ticks)}Z");

    /// <summary>Formats a duration in seconds: <c>86400s</c>, <c>-1.500s</c>.</summary>
    public static string Of(TimeSpan span) => string.Create(
        CultureInfo.InvariantCulture,
        $"{(span < TimeSpan.Zero ? "-" : "")}{Math.Abs(span.Ticks / TimeSpan.TicksPerSecond)}{Fraction(span.Ticks)}s");

    private static string Fraction(long ticks)
    {
        var nanoseconds = Math.Abs(ticks % TimeSpan.TicksPerSecond) * NanosecondsPerTick;
        var digits = nanoseconds.ToString("D9", CultureInfo.InvariantCulture);
        return nanoseconds switch
        {
            0 => "",
            _ when nanoseconds % 1_000_000 == 0 => $".{digits[..3]}",
            _ when nanoseconds % 1_000 == 0 => $".{digits[..6]}",
            _ => $".{digits}",
        };
    }
}
