namespace ReplicationEngine.Simulation.Plans;

/// <summary>What a run tries or demands beyond what every run does.</summary>
[Flags]
internal enum SimFeatures
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Nothing at the target waits for the source.</summary>
    Prompt = 1,

    /// <summary>
    /// Machines of agents are put back to snapshots, restored, cloned; disks are replaced and resized.
    /// </summary>
    Hosts = 2,
}
