namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// How much of a disk a number of writes touches, when each lands anywhere in the working set with the same chance:
/// of N pieces, n writes touch N (1 - e^(-n/N)) on average.
/// </summary>
/// <param name="WorkingSet">The bytes that are written to again and again.</param>
/// <param name="WriteSize">The bytes of one write.</param>
internal readonly record struct WriteSpread(double WorkingSet, double WriteSize)
{
    /// <summary>What a resync sends: blocks of 64 KiB.</summary>
    public const double Block = 64 * 1024;

    /// <summary>What a dirty map marks and a resync reads: extents of 4 MiB.</summary>
    public const double Extent = 4 * 1024 * 1024;

    /// <summary>The bytes in blocks that these writes changed.</summary>
    public double BlocksOf(double written) => Touched(written, Block);

    /// <summary>The bytes in extents that these writes touched.</summary>
    public double ExtentsOf(double written) => Touched(written, Extent);

    /// <summary>The bytes that are left of these writes when only the newest of each place is kept.</summary>
    public double DistinctOf(double written) => Touched(written, WriteSize);

    private double Touched(double written, double piece)
    {
        if (written <= 0 || WorkingSet <= 0)
        {
            return 0;
        }

        var pieces = Math.Max(1, WorkingSet / piece);
        var touches = written / WriteSize * Math.Max(1, WriteSize / piece);
        return Math.Min(pieces, pieces * -Math.Exp(-touches / pieces) + pieces) * piece;
    }
}
