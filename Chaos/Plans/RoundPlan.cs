namespace ReplicationEngine.Chaos.Plans;

/// <summary>A fault of a round: when it begins, counted from the round's beginning, and how long it lasts.</summary>
internal sealed record PlannedFault(Fault Fault, TimeSpan At, TimeSpan For);

/// <summary>An order that a person gives while faults go on: <c>point</c>, <c>pause</c> or <c>resume</c>.</summary>
internal sealed record PlannedOrder(string Command, int Vm, TimeSpan At);

/// <summary>How a VM comes to the target and back.</summary>
internal enum StoryKind
{
    /// <summary>Agent killed, everything of the source hidden, unplanned failover, and the whole way back.</summary>
    LostSource,

    /// <summary>The link cut while the source writes on, unplanned failover, and the whole way back.</summary>
    CutSource,

    /// <summary>Planned failover, and the whole way back.</summary>
    Planned,

    /// <summary>Planned failover, cancelled.</summary>
    Cancelled,
}

/// <summary>A process killed in the middle of an operation.</summary>
/// <param name="Agent">Whether the agent dies.</param>
/// <param name="Service">Whether the service dies.</param>
/// <param name="After">How long after the order.</param>
/// <param name="Down">How long until it is started again.</param>
internal sealed record PlannedKill(bool Agent, bool Service, TimeSpan After, TimeSpan Down);

/// <summary>A failover of one VM, and its way back.</summary>
/// <param name="Kind">How.</param>
/// <param name="Vm">The VM's index.</param>
/// <param name="ChangesPoint">Whether another point is looked at before the commit.</param>
/// <param name="Kills">For each operation of the story in order, who is killed in the middle of it; null for
/// nobody.</param>
/// <param name="Reverse">The faults while the VM is replicated back.</param>
internal sealed record StoryPlan(
    StoryKind Kind, int Vm, bool ChangesPoint, IReadOnlyList<PlannedKill?> Kills, IReadOnlyList<PlannedFault> Reverse);

/// <summary>One round: faults with orders among them, then checks, then perhaps a failover.</summary>
internal sealed record RoundPlan(
    int Number, IReadOnlyList<PlannedFault> Faults, IReadOnlyList<PlannedOrder> Orders, StoryPlan? Story);
