namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// Estimates how much of a disk a number of writes touches, when each write lands anywhere in the working set with the
/// same chance: of N pieces, n writes touch N (1 - e^(-n/N)) on average.
/// </summary>
/// <param name="WorkingSet">The size of the part of the disks that is written to again and again, in bytes.</param>
/// <param name="WriteSize">The size of a write in bytes.</param>
internal readonly record struct WriteSpread(double WorkingSet, double WriteSize)
{
    /// <summary>The size of the blocks that a resync sends: 64 KiB, in bytes.</summary>
    public const double Block = 64 * 1024;

    /// <summary>The size of the extents that a dirty map marks and a resync reads: 4 MiB, in bytes.</summary>
    public const double Extent = 4 * 1024 * 1024;

    /// <summary>Returns the number of bytes in the blocks that writes of so many bytes changed.</summary>
    public double BlocksOf(double written) => Touched(written, Block);

    /// <summary>Returns the number of bytes in the extents that writes of so many bytes touched.</summary>
    public double ExtentsOf(double written) => Touched(written, Extent);

    /// <summary>
    /// Returns the number of bytes that remain of writes of so many bytes when only the newest write of each place is
    /// kept.
    /// </summary>
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
