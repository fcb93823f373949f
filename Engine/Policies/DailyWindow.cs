namespace ReplicationEngine.Engine.Policies;

/// <summary>A daily period in a fixed time zone. It may span midnight; equal ends mean the whole day.</summary>
/// <param name="From">The first moment inside, in local time.</param>
/// <param name="To">The first moment outside, in local time.</param>
/// <param name="UtcOffset">Local time minus UTC.</param>
public sealed record DailyWindow(TimeOnly From, TimeOnly To, TimeSpan UtcOffset)
{
    /// <summary>18:30 to 06:00 UTC.</summary>
    public static DailyWindow OutsideOfficeHours { get; } = new(
        new TimeOnly(18, 30), new TimeOnly(6, 0), TimeSpan.Zero);

    /// <summary>Whether the window contains an instant.</summary>
    public bool Contains(DateTimeOffset instant)
    {
        var time = TimeOnly.FromTimeSpan(Local(instant).TimeOfDay);
        return From == To || (From < To ? time >= From && time < To : time >= From || time < To);
    }

    /// <summary>Returns the next start of the window after an instant (UTC).</summary>
    public DateTimeOffset NextStart(DateTimeOffset instant)
    {
        var local = Local(instant);
        var start = local.Date + From.ToTimeSpan();
        start = start > local ? start : start.AddDays(1);
        return new DateTimeOffset(DateTime.SpecifyKind(start - UtcOffset, DateTimeKind.Utc), TimeSpan.Zero);
    }

    private DateTime Local(DateTimeOffset instant) =>
        DateTime.SpecifyKind(instant.UtcDateTime + UtcOffset, DateTimeKind.Unspecified);
}
