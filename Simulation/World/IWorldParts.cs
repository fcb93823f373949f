using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Agent.Volumes;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Orchestration.Targets;
using ReplicationEngine.Simulation.Checkers;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// Where a world gets the engine's parts, each behind its own contract; whoever composes a world may put something
/// between a part and those who use it.
/// </summary>
internal interface IWorldParts
{
    /// <summary>Makes the core of a VM's entity.</summary>
    IVmCore Core(PersistenceId id, EntityMemory memory);

    /// <summary>Returns the journal's streams as the cores' host sees them.</summary>
    IStreams Journal(IStreams streams);

    /// <summary>Returns the source sides as effects reach them.</summary>
    ISourceSide Sources(ISourceSide sources);

    /// <summary>Returns a VM's target side as effects and facts reach it.</summary>
    /// <param name="volume">The target side.</param>
    /// <param name="time">The service's clocks.</param>
    ITargetVolume Target(TargetVolume volume, TimeProvider time);

    /// <summary>Returns a VM's target side as data sessions reach it.</summary>
    ITargetStream Stream(TargetVolume volume);

    /// <summary>Returns a VM's data sessions as its target side reaches them.</summary>
    ITargetSessions Sessions(ITargetSessions sessions);

    /// <summary>Returns an agent's machine as its volumes see it.</summary>
    IVolumeHost Host(IVolumeHost machine);

    /// <summary>Returns what answers the service's requests to an agent.</summary>
    Func<AgentRequest, CancellationToken, Task<AgentReply>> Answers(VolumeSet volumes);

    /// <summary>Makes the order of a source's changes.</summary>
    WriteOrder Order(GuestConnections guests);

    /// <summary>Returns a source as its session sees it.</summary>
    IChangeSource Source(SourceVolume volume);

    /// <summary>Returns a replica as its session sees it.</summary>
    IReplicaSink Sink(IReplicaSink replica);

    /// <summary>Returns a disk as its guest sees it.</summary>
    IBlockDevice GuestDisk(SourceVolume volume, int disk);

    /// <summary>Returns a disk of a recovery point as its reader sees it.</summary>
    IBlockDevice PointDisk(RecoveryPoint point, IBlockDevice disk);

    /// <summary>Returns who watches.</summary>
    IReadOnlyList<Checker> Checkers(IReadOnlyList<Checker> all);
}
