using ReplicationEngine.Simulation.Plans;

namespace ReplicationEngine.Simulation.Cli;

/// <summary>The options of <c>drctl simulate run</c>.</summary>
internal sealed record RunOptions(ulong Seed, int Seeds, double Hours, int Vms)
{
    /// <summary>The features of the runs in addition to those that the seeds have.</summary>
    public SimFeatures With { get; init; }

    /// <summary>Whether the command prints one JSON object instead of lines.</summary>
    public bool Json { get; init; }

    /// <summary>Whether the command shrinks the first failure.</summary>
    public bool Shrink { get; init; }

    /// <summary>Whether the command prints the events and states that were reached.</summary>
    public bool Sometimes { get; init; }

    /// <summary>The number of a failure's last notes to print.</summary>
    public int Notes { get; init; }
}
