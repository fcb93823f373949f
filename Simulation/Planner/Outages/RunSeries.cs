namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>Holds the values of a run over time, one for each of its equally long slices.</summary>
/// <param name="slices">The number of slices.</param>
/// <param name="links">The number of links.</param>
internal sealed class RunSeries(int slices, int links)
{
    /// <summary>The number of slices of the run.</summary>
    public int Slices => slices;

    /// <summary>The worst data loss at risk of any machine in each slice, in seconds.</summary>
    public double[] Risk { get; } = new double[slices];

    /// <summary>The largest number of bytes that waited to be sent in each slice, of all machines together.</summary>
    public double[] Backlog { get; } = new double[slices];

    /// <summary>The number of bytes that the replicas and recovery points took at the end of each slice.</summary>
    public double[] Stored { get; } = new double[slices];

    /// <summary>The number of recovery points that were kept at the end of each slice.</summary>
    public double[] Points { get; } = new double[slices];

    /// <summary>The largest number of machines that did not serve at the same time, in each slice.</summary>
    public double[] Down { get; } = new double[slices];

    /// <summary>The average rate of each link in each slice, in bytes per second.</summary>
    public double[][] Links { get; } = [.. Enumerable.Range(0, links).Select(_ => new double[slices])];
}
