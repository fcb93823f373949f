namespace ReplicationEngine.Simulation.Faults;

/// <summary>What can happen in a simulated world: the guests' writes, what people ask for, and what breaks.</summary>
public enum SimAction
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

    /// <summary>A: the agent's process dies, at its storage operation A from now (0: at once).</summary>
    AgentKill,

    /// <summary>A, T: the source's machine loses power; A as with the kill.</summary>
    AgentPowerCut,

    /// <summary>A: the agent is stopped for A ms.</summary>
    AgentPause,

    /// <summary>V: the service's process dies; A as with the agent.</summary>
    ServiceKill,

    /// <summary>V, T: the service's machine loses power.</summary>
    ServicePowerCut,

    /// <summary>L: the service is stopped for A ms.</summary>
    ServicePause,

    /// <summary>P: the link is cut for A ms.</summary>
    LinkCut,

    /// <summary>P: one way of the link is cut for A ms; B is 1 for the way to the service.</summary>
    LinkOneWay,

    /// <summary>S: the link is slow for A ms; B is the added latency in ms.</summary>
    LinkSlow,

    /// <summary>M: messages are lost, doubled and reordered for A ms.</summary>
    LinkLossy,

    /// <summary>V, M: the outcome of the next append is unknown; A is 1 when it did become durable.</summary>
    JournalUnknown,

    /// <summary>D: the journal has no room for A ms.</summary>
    JournalFull,

    /// <summary>L: for A ms, owners of entities are taken for dead that are not: two of one entity are at
    /// work.</summary>
    Rival,

    /// <summary>C: a wall clock jumps by A ms; B is 1 for the service's.</summary>
    ClockJump,

    /// <summary>D: the agent's data directory has B bytes left for A ms.</summary>
    AgentDiskFull,

    /// <summary>D: the replica's storage has B bytes left for A ms.</summary>
    TargetDiskFull,

    /// <summary>T: the next sync at the agent fails.</summary>
    AgentSyncFails,

    /// <summary>T: the next sync at the replica fails.</summary>
    TargetSyncFails,

    /// <summary>B: a bit of a file of the replica flips; A chooses which.</summary>
    Rot,

    /// <summary>T: the next write of the replica lands elsewhere in its file; A chooses where.</summary>
    Misdirect,

    /// <summary>X: the VM's stream becomes unreadable, and the service starts anew.</summary>
    Poison,

    /// <summary>R: the source site is lost for A ms.</summary>
    RegionLost,

    /// <summary>H: the link is open and passes nothing for A ms; B is 1 for the way to the service, 2 for the other, 3
    /// for both. Nothing is lost.</summary>
    LinkStall,

    /// <summary>H: the network forgets the connections that there are, B as with the stall, and nobody is told; the
    /// control stream comes back after A ms, the data stream when an end notices.</summary>
    LinkHalfOpen,

    /// <summary>Z: a snapshot of the agent's machine is taken: as a crash would find it when A is odd.</summary>
    HostSnapshot,

    /// <summary>Z: the agent's machine is put back to the newest snapshot, when A is 3; A is 1 for the agent's data
    /// alone, 2 for the disks alone, written over those that there are (B is 0) or made anew (B is 1).</summary>
    HostRevert,

    /// <summary>Z: another copy of the agent's machine goes on in its place, and the present one rests: what was forked
    /// once goes on by turns.</summary>
    HostSwap,

    /// <summary>Z: a disk, B chooses which, grows by B sectors, while it is served when B is odd, else while the
    /// agent's machine is off.</summary>
    DiskGrow,

    /// <summary>Z: a disk, B chooses which, loses its last 64 KiB while it is served; zeroes take their place after A
    /// ms.</summary>
    DiskShrink,

    /// <summary>L: every append and every read of the journal fails for A ms.</summary>
    JournalTrouble,

    /// <summary>L: appends to the journal wait for A ms; who sent them has given them up when they are done.</summary>
    JournalStall,
}
