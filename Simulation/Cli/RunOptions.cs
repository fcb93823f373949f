using ReplicationEngine.Simulation.Plans;

namespace ReplicationEngine.Simulation.Cli;

/// <summary>What to run.</summary>
internal sealed record RunOptions(ulong Seed, int Seeds, double Hours, int Vms)
{
    /// <summary>What is tried and demanded beyond what every seed does.</summary>
    public SimFeatures With { get; init; }

    /// <summary>Print one JSON object.</summary>
    public bool Json { get; init; }

    /// <summary>Shrink the first failure.</summary>
    public bool Shrink { get; init; }

    /// <summary>Print what was reached.</summary>
    public bool Sometimes { get; init; }

    /// <summary>How many of the last notes of a failure to print.</summary>
    public int Notes { get; init; }
}
