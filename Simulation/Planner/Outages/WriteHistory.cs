namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// When each byte of a log was written, as a line of straight pieces; what the replica has is forgotten.
/// </summary>
internal sealed class WriteHistory
{
    private readonly List<Knot> _knots = [];
    private int _first;

    /// <summary>Notes where the log stands; called whenever the rate changes.</summary>
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

    /// <summary>Forgets what lies wholly before a place.</summary>
    /// <param name="logged">The place.</param>
    /// <param name="marked">
    /// Extents are marked or being copied: what was written without the log still tells where the replica stands.
    /// </param>
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
    /// The last moment at which no more than a place was logged, and all that was written by then.
    /// </summary>
    /// <param name="logged">The place.</param>
    /// <param name="now">The newest moment, where the log stands now.</param>
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

/// <summary>A moment of a log.</summary>
/// <param name="Time">When.</param>
/// <param name="Logged">The bytes logged by then.</param>
/// <param name="Written">All bytes written by then, logged or only marked.</param>
internal readonly record struct Knot(TimeSpan Time, double Logged, double Written);
