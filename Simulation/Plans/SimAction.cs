namespace ReplicationEngine.Simulation.Plans;

/// <summary>
/// The actions of guests and operators in a simulated world. A and B are numbers of the planned event. Failures are not
/// actions; each is a <see cref="Faults.Fault"/>.
/// </summary>
internal enum SimAction
{
    /// <summary>The guest writes. A is the seed of the places and contents, B the number of writes.</summary>
    Write,

    /// <summary>The guest flushes its disks.</summary>
    Flush,

    /// <summary>The operator asks for a recovery point, application-consistent if A is odd.</summary>
    MakePoint,

    /// <summary>The operator starts a test failover; A selects the point.</summary>
    TestFailover,

    /// <summary>The test machine writes. A is the seed, B the number of writes.</summary>
    TestWrite,

    /// <summary>The operator removes the test machine.</summary>
    CleanUp,

    /// <summary>The operator starts a planned failover.</summary>
    PlannedFailover,

    /// <summary>
    /// The operator starts an unplanned failover. A selects the point, and whether the engine first tries to shut the
    /// source down.
    /// </summary>
    UnplannedFailover,

    /// <summary>The operator changes to another recovery point; A selects it.</summary>
    ChangePoint,

    /// <summary>The operator commits a failover or failback.</summary>
    Commit,

    /// <summary>The operator cancels a failover or failback.</summary>
    Cancel,

    /// <summary>The operator starts replication in the opposite direction (reprotect).</summary>
    Reprotect,

    /// <summary>The operator starts a failback.</summary>
    Failback,

    /// <summary>The operator pauses replication.</summary>
    Pause,

    /// <summary>The operator resumes replication.</summary>
    Resume,

    /// <summary>The operator starts a resync.</summary>
    Resync,

    /// <summary>The operator retries work that waits for its retry or for an operator.</summary>
    Retry,

    /// <summary>The VM's entity is passivated if it is idle.</summary>
    Passivate,

    /// <summary>The operator ends protection. The replica is kept if A is odd.</summary>
    Disable,

    /// <summary>The operator protects the VM, or protects it again.</summary>
    Enable,

    /// <summary>
    /// The operator changes the policy. Recovery points are kept for 25 minutes if A is even, for a day if A is odd.
    /// </summary>
    ChangePolicy,

    /// <summary>
    /// The guest writes during the next sync of the agent's maintenance. A is the seed. If B is 1, the agent's machine
    /// loses power within seconds.
    /// </summary>
    WriteInSync,

    /// <summary>The guest writes over several connections at once. A is the seed, B the number of batches.</summary>
    WriteAtOnce,
}
