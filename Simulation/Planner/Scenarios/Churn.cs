namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>
/// The rate at which a machine writes, as a function of the time since the start of the run. The rate changes in steps.
/// </summary>
internal abstract record Churn
{
    private Churn()
    {
    }

    /// <summary>
    /// Returns the rate from a moment on, and the time at which it may change next (null when it does not change).
    /// </summary>
    /// <param name="time">The time since the start of the run.</param>
    /// <param name="start">The first instant of the run.</param>
    public abstract ChurnPart At(TimeSpan time, DateTimeOffset start);

    /// <summary>A constant rate in bytes per second.</summary>
    public sealed record Constant(double Rate) : Churn
    {
        /// <inheritdoc/>
        public override ChurnPart At(TimeSpan time, DateTimeOffset start) => new(Rate, null, null);
    }

    /// <summary>A rate for the busy hours of a day and a rate for the other hours, in UTC.</summary>
    public sealed record Daily(double Busy, double Idle, TimeOnly From, TimeOnly To, bool WeekdaysOnly) : Churn
    {
        /// <inheritdoc/>
        public override ChurnPart At(TimeSpan time, DateTimeOffset start)
        {
            var now = start + time;
            var clock = TimeOnly.FromTimeSpan(now.TimeOfDay);
            var inside = From < To ? clock >= From && clock < To : clock >= From || clock < To;
            var workday = !WeekdaysOnly || now.DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday);
            var next = new[] { From.ToTimeSpan(), To.ToTimeSpan(), TimeSpan.FromDays(1) }
                .Where(edge => edge > now.TimeOfDay).Min() - now.TimeOfDay;
            return new ChurnPart(inside && workday ? Busy : Idle, time + next, null);
        }
    }

    /// <summary>A rate with bursts. Where two bursts overlap, the one that comes later in the list applies.</summary>
    public sealed record Bursts(double Rate, IReadOnlyList<ChurnBurst> All) : Churn
    {
        /// <inheritdoc/>
        public override ChurnPart At(TimeSpan time, DateTimeOffset start)
        {
            var (rate, workingSet, next) = (Rate, (double?)null, TimeSpan.MaxValue);
            foreach (var burst in All)
            {
                var begin = burst.Every is { } every && time >= burst.At
                    ? burst.At + (every * Math.Floor((time - burst.At) / every)) : burst.At;
                if (time >= begin && time < begin + burst.For)
                {
                    (rate, workingSet) = (burst.Rate, burst.WorkingSet);
                }

                var edges = new[] { begin, begin + burst.For, begin + (burst.Every ?? TimeSpan.Zero) };
                next = edges.Where(edge => edge > time).Append(next).Min();
            }

            return new ChurnPart(rate, next == TimeSpan.MaxValue ? null : next, workingSet);
        }
    }

    /// <summary>Rates that begin at given times, in the order of the times. The rate is 0 before the first.</summary>
    public sealed record Steps(IReadOnlyList<(TimeSpan At, double Rate)> All, bool Repeat) : Churn
    {
        /// <inheritdoc/>
        public override ChurnPart At(TimeSpan time, DateTimeOffset start)
        {
            var period = Repeat && All.Count > 1 ? Period() : TimeSpan.Zero;
            var turn = period > TimeSpan.Zero ? period * Math.Floor(time / period) : TimeSpan.Zero;
            var at = time - turn;
            var (low, high) = (0, All.Count);
            while (low < high)
            {
                var middle = (low + high) / 2;
                (low, high) = All[middle].At <= at ? (middle + 1, high) : (low, middle);
            }

            var rate = low == 0 ? 0 : All[low - 1].Rate;
            return new ChurnPart(
                rate, low < All.Count ? turn + All[low].At : period > TimeSpan.Zero ? turn + period : null, null);
        }

        // The last step of a period lasts as long as the step before it.
        private TimeSpan Period() => All[^1].At + (All[^1].At - All[^2].At);
    }
}

/// <summary>A period, which may recur, in which a machine writes at another rate or to another working set.</summary>
internal sealed record ChurnBurst(TimeSpan At, TimeSpan For, double Rate, TimeSpan? Every, double? WorkingSet);

/// <summary>A rate, and the time until which it holds.</summary>
/// <param name="Rate">The rate in bytes per second.</param>
/// <param name="Until">The time, since the start of the run, at which the rate may change; null when it does not
/// change.</param>
/// <param name="WorkingSet">The size of the working set in bytes; null for the machine's usual one.</param>
internal readonly record struct ChurnPart(double Rate, TimeSpan? Until, double? WorkingSet);
