using ReplicationEngine.Chaos.Plans;

namespace ReplicationEngine.Chaos.Cli;

/// <summary>The options of a run.</summary>
internal sealed record ChaosOptions
{
    /// <summary>The seed that determines the plan.</summary>
    public required int Seed { get; init; }

    /// <summary>The number of rounds; null when <see cref="For"/> is given.</summary>
    public int? Rounds { get; init; }

    /// <summary>The time within which rounds are started; null when <see cref="Rounds"/> is given.</summary>
    public TimeSpan? For { get; init; }

    /// <summary>The number of VMs.</summary>
    public required int Vms { get; init; }

    /// <summary>The number of disks of each VM.</summary>
    public required int Disks { get; init; }

    /// <summary>The run's directory: existing, empty, an absolute path.</summary>
    public required string Directory { get; init; }

    /// <summary>The faults that may be injected.</summary>
    public required IReadOnlyList<Fault> Faults { get; init; }

    /// <summary>The faults that were left out, and the reason; null when there are none.</summary>
    public string? LeftOut { get; init; }

    /// <summary>Whether the directory is kept when every invariant held.</summary>
    public bool Keeps { get; init; }

    /// <summary>Returns whether no further round is started.</summary>
    public bool IsOver(int rounds, TimeSpan passed) => Rounds is { } all ? rounds >= all : passed >= For;

    /// <summary>Returns the estimated time left; null while it is not known.</summary>
    /// <param name="rounds">The number of completed rounds.</param>
    /// <param name="passed">The time since the start.</param>
    public TimeSpan? Left(int rounds, TimeSpan passed) => Rounds is not { } all
        ? For > passed ? For - passed : TimeSpan.Zero
        : rounds == 0 ? null : passed / rounds * (all - rounds);

    /// <summary>Returns the command line that repeats the run up to a round.</summary>
    public string Repeat(int round) =>
        $"./drctl chaos --seed {Seed} --rounds {Math.Max(1, round)} --vms {Vms} --disks {Disks} --faults "
        + string.Join(",", Faults.Select(FaultNames.Of));
}
