namespace ReplicationEngine.Simulation.Plans;

/// <summary>
/// What guests do and what operators ask for in a simulated world. A and B are numbers of the planned event; what
/// breaks is a <see cref="Faults.Fault"/>.
/// </summary>
internal enum SimAction
{
    /// <summary>The guest writes: A is the seed of what and where, B how many writes.</summary>
    Write,

    /// <summary>The guest flushes its disks.</summary>
    Flush,

    /// <summary>A person asks for a recovery point.</summary>
    MakePoint,

    /// <summary>A test failover is asked for.</summary>
    TestFailover,

    /// <summary>The test machine writes: A is the seed.</summary>
    TestWrite,

    /// <summary>The test machine is to be removed.</summary>
    CleanUp,

    /// <summary>A planned failover.</summary>
    PlannedFailover,

    /// <summary>An unplanned failover; A chooses the point.</summary>
    UnplannedFailover,

    /// <summary>Another point; A chooses it.</summary>
    ChangePoint,

    /// <summary>Commit of a failover or failback.</summary>
    Commit,

    /// <summary>Cancel of a failover or failback.</summary>
    Cancel,

    /// <summary>Reprotect.</summary>
    Reprotect,

    /// <summary>Failback.</summary>
    Failback,

    /// <summary>Replication is paused.</summary>
    Pause,

    /// <summary>Replication is resumed.</summary>
    Resume,

    /// <summary>A resync is asked for.</summary>
    Resync,

    /// <summary>What waits for a person is tried again.</summary>
    Retry,

    /// <summary>An idle entity is passivated.</summary>
    Passivate,

    /// <summary>Protection is ended; the replica is kept when A is odd.</summary>
    Disable,

    /// <summary>The VM is protected, again.</summary>
    Enable,

    /// <summary>Another policy: points are kept for A minutes.</summary>
    ChangePolicy,

    /// <summary>The guest writes while the next sync in the background is under way: A is the seed; where B is 1 the
    /// source's machine loses power within seconds.</summary>
    WriteInSync,

    /// <summary>The guest writes over several connections at once: A is the seed, B the number of batches.</summary>
    WriteAtOnce,
}
