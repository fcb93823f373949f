namespace ReplicationEngine.Simulation.Plans;

/// <summary>The features of a run that not every run has: additional faults and additional requirements.</summary>
[Flags]
internal enum SimFeatures
{
    /// <summary>No additional feature.</summary>
    None = 0,

    /// <summary>The run requires that nothing at the target waits for the source.</summary>
    Prompt = 1,

    /// <summary>
    /// The run has faults by which agents' machines are reverted, restored and cloned, and disks are replaced and
    /// resized.
    /// </summary>
    Hosts = 2,
}
