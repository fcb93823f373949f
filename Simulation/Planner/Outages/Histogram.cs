namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// Counts values of 0 or more in buckets that are 2 % wide, so that the samples of a year take a few kilobytes.
/// </summary>
internal sealed class Histogram
{
    private const double Width = 0.02;

    private readonly List<long> _counts = [];
    private double _sum;

    /// <summary>The number of values.</summary>
    public long Count { get; private set; }

    /// <summary>The largest value.</summary>
    public double Max { get; private set; }

    /// <summary>The mean of the values; 0 when there are none.</summary>
    public double Mean => Count == 0 ? 0 : _sum / Count;

    /// <summary>Adds a value.</summary>
    public void Add(double value)
    {
        var bucket = (int)(Math.Log(1 + Math.Max(0, value)) / Width);
        while (_counts.Count <= bucket)
        {
            _counts.Add(0);
        }

        _counts[bucket]++;
        _sum += value;
        Count++;
        Max = Math.Max(Max, value);
    }

    /// <summary>Returns the value that a part of all values, from 0 to 1, does not exceed, within 2 %.</summary>
    public double Quantile(double part)
    {
        var rest = (long)Math.Ceiling(part * Count);
        for (var i = 0; i < _counts.Count; i++)
        {
            rest -= _counts[i];
            if (rest <= 0 && part < 1)
            {
                return i == 0 ? 0 : Math.Min(Max, Math.Exp((i + 0.5) * Width) - 1);
            }
        }

        return Max;
    }

    /// <summary>Returns the part of all values, from 0 to 1, that do not exceed a value.</summary>
    public double ShareUpTo(double value)
    {
        var upTo = (int)(Math.Log(1 + Math.Max(0, value)) / Width);
        return Count == 0 ? 0 : (double)_counts.Take(upTo + 1).Sum() / Count;
    }
}
