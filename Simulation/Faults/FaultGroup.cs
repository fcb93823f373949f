namespace ReplicationEngine.Simulation.Faults;

/// <summary>Faults that are drawn for a seed together, from randomness of their own.</summary>
internal enum FaultGroup
{
    /// <summary>Processes, links, disks and the journal. Closed: later draws depend on how many it has.</summary>
    First,

    /// <summary>Connections that are open and pass nothing.</summary>
    Links,

    /// <summary>A journal that does not answer.</summary>
    Journal,

    /// <summary>Machines that are put back, restored and cloned; only where the plan has
    /// <see cref="Plans.SimFeatures.Hosts"/>.</summary>
    Hosts,
}
