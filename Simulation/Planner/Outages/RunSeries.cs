namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>Numbers over time, in equal slices of the run.</summary>
/// <param name="slices">How many.</param>
/// <param name="links">How many links.</param>
internal sealed class RunSeries(int slices, int links)
{
    /// <summary>How many slices.</summary>
    public int Slices => slices;

    /// <summary>The worst data loss at risk of any machine, in seconds.</summary>
    public double[] Risk { get; } = new double[slices];

    /// <summary>The most bytes that waited to be sent, all machines together.</summary>
    public double[] Backlog { get; } = new double[slices];

    /// <summary>Bytes that the replicas took at the end of the slice.</summary>
    public double[] Stored { get; } = new double[slices];

    /// <summary>Recovery points kept at the end of the slice.</summary>
    public double[] Points { get; } = new double[slices];

    /// <summary>The most machines that did not serve.</summary>
    public double[] Down { get; } = new double[slices];

    /// <summary>Bytes each second on each link, on average.</summary>
    public double[][] Links { get; } = [.. Enumerable.Range(0, links).Select(_ => new double[slices])];
}
