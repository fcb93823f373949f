using ReplicationEngine.Chaos.Plans;

namespace ReplicationEngine.Chaos.Cli;

/// <summary>What was asked for.</summary>
internal sealed record ChaosOptions
{
    /// <summary>What the plan follows from.</summary>
    public required int Seed { get; init; }

    /// <summary>How many rounds; null when <see cref="For"/> is given.</summary>
    public int? Rounds { get; init; }

    /// <summary>How long rounds are begun; null when <see cref="Rounds"/> is given.</summary>
    public TimeSpan? For { get; init; }

    /// <summary>How many VMs.</summary>
    public required int Vms { get; init; }

    /// <summary>How many disks each has.</summary>
    public required int Disks { get; init; }

    /// <summary>An existing, empty directory, absolute.</summary>
    public required string Directory { get; init; }

    /// <summary>What may be done.</summary>
    public required IReadOnlyList<Fault> Faults { get; init; }

    /// <summary>What was left out of the faults, and why; null when nothing was.</summary>
    public string? LeftOut { get; init; }

    /// <summary>Whether the directory stays when all held.</summary>
    public bool Keeps { get; init; }

    /// <summary>Whether no further round is begun.</summary>
    public bool IsOver(int rounds, TimeSpan passed) => Rounds is { } all ? rounds >= all : passed >= For;

    /// <summary>The time left, by what was needed so far; null while that is not known.</summary>
    /// <param name="rounds">The rounds that are done.</param>
    /// <param name="passed">The time since the beginning.</param>
    public TimeSpan? Left(int rounds, TimeSpan passed) => Rounds is not { } all
        ? For > passed ? For - passed : TimeSpan.Zero
        : rounds == 0 ? null : passed / rounds * (all - rounds);

    /// <summary>The line that repeats the run up to a round.</summary>
    public string Repeat(int round) =>
        $"./drctl chaos --seed {Seed} --rounds {Math.Max(1, round)} --vms {Vms} --disks {Disks} --faults "
        + string.Join(",", Faults.Select(FaultNames.Of));
}
