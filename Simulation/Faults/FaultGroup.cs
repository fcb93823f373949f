namespace ReplicationEngine.Simulation.Faults;

/// <summary>A group of faults that are drawn for a seed together, from the group's own random numbers.</summary>
internal enum FaultGroup
{
    /// <summary>
    /// Faults of processes, links, disks and the journal. The group is closed: later draws depend on how many faults it
    /// has.
    /// </summary>
    First,

    /// <summary>Faults of connections that are open and pass nothing.</summary>
    Links,

    /// <summary>Faults of a journal that does not reply.</summary>
    Journal,

    /// <summary>
    /// Faults by which machines are reverted, restored and cloned. Only plans with
    /// <see cref="Plans.SimFeatures.Hosts"/> contain them.
    /// </summary>
    Hosts,
}
