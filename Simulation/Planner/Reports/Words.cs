using System.Globalization;
using ReplicationEngine.Simulation.Planner.Outages;
using ReplicationEngine.Simulation.Planner.Scenarios;
using ReplicationEngine.Wording;

namespace ReplicationEngine.Simulation.Planner.Reports;

/// <summary>Writes quantities and kinds as people read them, in the same way in every language and time zone.</summary>
internal static class Words
{
    public static string Bytes(double bytes) => Readable.Bytes(bytes);

    public static string BitRate(double bytesPerSecond) => Readable.BitRate(bytesPerSecond);

    public static string Duration(double? seconds) => seconds is { } known ? Duration(known) : "–";

    public static string Duration(TimeSpan? time) => Duration(time?.TotalSeconds);

    public static string Duration(double seconds) => Readable.Duration(seconds);

    /// <summary>
    /// Returns a moment of the run as people read it: the number of the day from 1, the weekday and the time of day
    /// (UTC).
    /// </summary>
    public static string Moment(Scenario scenario, TimeSpan at) => string.Create(
        CultureInfo.InvariantCulture, $"day {(int)at.TotalDays + 1}, {(scenario.Start + at).UtcDateTime:ddd HH:mm}");

    public static string Percent(double share) => share switch
    {
        0 => "0 %",
        < 0.001 => "< 0.1 %",
        _ => $"{Number(share * 100, share < 0.0995 ? 1 : 0)} %",
    };

    public static string Number(double value, int decimals) => Readable.Number(value, decimals);

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

    public static string Plain(string text) => Readable.Plain(text);
}
