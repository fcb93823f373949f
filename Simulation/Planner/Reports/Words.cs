using System.Globalization;
using ReplicationEngine.Simulation.Planner.Outages;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Reports;

/// <summary>Quantities and kinds as people read them; the same in every language and time zone.</summary>
internal static class Words
{
    private static readonly string[] ByteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

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

    public static string BitRate(double bytesPerSecond)
    {
        var bits = bytesPerSecond * 8;
        return bits >= 999.5e6 ? $"{Number(bits / 1e9, 2)} Gbit/s"
            : bits >= 999.5e3 ? $"{Number(bits / 1e6, bits >= 99.5e6 ? 0 : 1)} Mbit/s"
            : $"{Number(bits / 1e3, 0)} kbit/s";
    }

    public static string Duration(double? seconds) => seconds is { } known ? Duration(known) : "–";

    public static string Duration(TimeSpan? time) => Duration(time?.TotalSeconds);

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

    /// <summary>A moment of the run: the day from 1 and the time of day.</summary>
    public static string Moment(Scenario scenario, TimeSpan at) => string.Create(
        CultureInfo.InvariantCulture, $"day {(int)at.TotalDays + 1}, {(scenario.Start + at).UtcDateTime:ddd HH:mm}");

    public static string Percent(double share) => share switch
    {
        0 => "0 %",
        < 0.001 => "< 0.1 %",
        _ => $"{Number(share * 100, share < 0.0995 ? 1 : 0)} %",
    };

    public static string Number(double value, int decimals) =>
        value.ToString($"#,0{(decimals == 0 ? "" : "." + new string('0', decimals))}", CultureInfo.InvariantCulture);

    public static string Kind(OutageKind kind) => kind switch
    {
        OutageKind.TargetFull => "target storage full",
        OutageKind.CacheFull => "log storage full",
        _ => kind.ToString().ToLowerInvariant(),
    };

    public static string Lane(LaneState state) => state switch
    {
        LaneState.Protected => "protected",
        LaneState.Behind => "behind its RPO threshold",
        LaneState.Disconnected => "agent not connected",
        LaneState.Resync => "only marking changes, or resyncing",
        LaneState.Unprotected => "no failover possible",
        LaneState.AtTarget => "runs at the recovery site",
        _ => "does not serve",
    };

    /// <summary>Text of others on a terminal: control characters become dots.</summary>
    public static string Plain(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? '·' : c)) : text;

    private static string Pair(double seconds, int large, string largeUnit, int small, string smallUnit)
    {
        var total = (long)Math.Round(seconds / small) * small;
        return total % large == 0 ? $"{Number(total / large, 0)} {largeUnit}"
            : $"{Number(total / large, 0)} {largeUnit} {total % large / small} {smallUnit}";
    }
}
