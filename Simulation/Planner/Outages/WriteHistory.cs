namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// Records when each byte of a log was written, as a line of straight pieces. The part that the replica has is
/// forgotten.
/// </summary>
internal sealed class WriteHistory
{
    private readonly List<Knot> _knots = [];
    private int _first;

    /// <summary>Records how many bytes were logged and written by a moment. Called whenever the rate changes.</summary>
    public void Note(TimeSpan time, double logged, double written)
    {
        if (_knots.Count > _first && _knots[^1].Time == time)
        {
            _knots[^1] = new Knot(time, logged, written);
        }
        else
        {
            _knots.Add(new Knot(time, logged, written));
        }
    }

    /// <summary>Forgets the history that lies wholly before a position of the log.</summary>
    /// <param name="logged">The position, in logged bytes.</param>
    /// <param name="marked">Whether extents are marked or being copied. If so, periods in which writes were not logged
    /// are kept, because they show up to which moment the replica has every write.</param>
    public void Forget(double logged, bool marked)
    {
        while (_first + 1 < _knots.Count && _knots[_first + 1].Logged <= logged
            && !(marked && IsUnlogged(_knots[_first], _knots[_first + 1])))
        {
            _first++;
        }

        if (_first > 256)
        {
            _knots.RemoveRange(0, _first);
            _first = 0;
        }
    }

    /// <summary>
    /// Returns the last moment at which no more than a position was logged, with all bytes that were written by then.
    /// </summary>
    /// <param name="logged">The position, in logged bytes.</param>
    /// <param name="now">The newest moment: the current end of the log.</param>
    public Knot Find(double logged, Knot now)
    {
        for (var i = _first; i < _knots.Count; i++)
        {
            var next = i + 1 < _knots.Count ? _knots[i + 1] : now;
            if (IsUnlogged(_knots[i], next))
            {
                return _knots[i];
            }

            if (next.Logged > logged + 1e-6)
            {
                var from = _knots[i];
                var part = Math.Clamp((logged - from.Logged) / (next.Logged - from.Logged), 0, 1);
                return new Knot(
                    from.Time + ((next.Time - from.Time) * part), logged,
                    from.Written + ((next.Written - from.Written) * part));
            }
        }

        return now;
    }

    private static bool IsUnlogged(Knot from, Knot next) => next.Written > from.Written && next.Logged <= from.Logged;
}

/// <summary>A moment in the history of a log.</summary>
/// <param name="Time">The virtual time of the moment.</param>
/// <param name="Logged">The number of bytes logged by then.</param>
/// <param name="Written">The number of bytes written by then, logged or only marked.</param>
internal readonly record struct Knot(TimeSpan Time, double Logged, double Written);
