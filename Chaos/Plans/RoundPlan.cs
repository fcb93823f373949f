namespace ReplicationEngine.Chaos.Plans;

/// <summary>A fault of a round: its start, counted from the round's start, and its duration.</summary>
internal sealed record PlannedFault(Fault Fault, TimeSpan At, TimeSpan For);

/// <summary>
/// A command that an operator gives while faults continue: <c>point</c>, <c>pause</c> or <c>resume</c>.
/// </summary>
internal sealed record PlannedOrder(string Command, int Vm, TimeSpan At);

/// <summary>The way in which a VM gets to the target and back.</summary>
internal enum StoryKind
{
    /// <summary>The agent is killed and the source's data hidden; unplanned failover, and the whole way back.</summary>
    LostSource,

    /// <summary>
    /// The link is cut while the source continues to write; unplanned failover, and the whole way back.
    /// </summary>
    CutSource,

    /// <summary>A planned failover, and the whole way back.</summary>
    Planned,

    /// <summary>A planned failover that is cancelled.</summary>
    Cancelled,
}

/// <summary>The kill of a process in the middle of an operation.</summary>
/// <param name="Agent">Whether the agent is killed.</param>
/// <param name="Service">Whether the service is killed.</param>
/// <param name="After">The time from the command to the kill.</param>
/// <param name="Down">The time until the process is started again.</param>
internal sealed record PlannedKill(bool Agent, bool Service, TimeSpan After, TimeSpan Down);

/// <summary>A failover of one VM, and its way back.</summary>
/// <param name="Kind">The kind of failover.</param>
/// <param name="Vm">The VM's index.</param>
/// <param name="ChangesPoint">Whether another point is tried before the commit.</param>
/// <param name="Kills">The kill in the middle of each operation of the story, in order; null for no kill.</param>
/// <param name="Reverse">The faults during the reverse replication.</param>
internal sealed record StoryPlan(
    StoryKind Kind, int Vm, bool ChangesPoint, IReadOnlyList<PlannedKill?> Kills, IReadOnlyList<PlannedFault> Reverse);

/// <summary>The plan of a round: faults with commands among them, then checks, then possibly a failover.</summary>
internal sealed record RoundPlan(
    int Number, IReadOnlyList<PlannedFault> Faults, IReadOnlyList<PlannedOrder> Orders, StoryPlan? Story);
