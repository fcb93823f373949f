namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>What a machine writes: a rate that changes in steps, as a function of the time since the start.</summary>
internal abstract record Churn
{
    private Churn()
    {
    }

    /// <summary>The rate from a moment on, and when it may change next; null when it does not.</summary>
    /// <param name="time">The time since the start of the run.</param>
    /// <param name="start">The first instant of the run.</param>
    public abstract ChurnPart At(TimeSpan time, DateTimeOffset start);

    /// <summary>A constant rate.</summary>
    public sealed record Constant(double Rate) : Churn
    {
        /// <inheritdoc/>
        public override ChurnPart At(TimeSpan time, DateTimeOffset start) => new(Rate, null, null);
    }

    /// <summary>Busy and idle hours of a day, in UTC.</summary>
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

    /// <summary>A rate, and bursts in it; where two overlap, the later in the list holds.</summary>
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

    /// <summary>Steps, by their times in order; 0 before the first.</summary>
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

        // The last step lasts as long as the one before it.
        private TimeSpan Period() => All[^1].At + (All[^1].At - All[^2].At);
    }
}

/// <summary>A burst.</summary>
internal sealed record ChurnBurst(TimeSpan At, TimeSpan For, double Rate, TimeSpan? Every, double? WorkingSet);

/// <summary>A rate until it may change.</summary>
/// <param name="Rate">Bytes each second.</param>
/// <param name="Until">When it may change; null when it does not.</param>
/// <param name="WorkingSet">Where it writes to, when not as always.</param>
internal readonly record struct ChurnPart(double Rate, TimeSpan? Until, double? WorkingSet);
