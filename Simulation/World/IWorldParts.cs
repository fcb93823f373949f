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
/// The parts of the engine in a world, each behind its own contract. An implementation may put a decorator between a
/// part and its users.
/// </summary>
internal interface IWorldParts
{
    /// <summary>Creates the core of a VM's entity.</summary>
    IVmCore Core(PersistenceId id, EntityMemory memory);

    /// <summary>Returns the journal's streams as the host of the cores uses them.</summary>
    IStreams Journal(IStreams streams);

    /// <summary>Returns the source sides as effects use them.</summary>
    ISourceSide Sources(ISourceSide sources);

    /// <summary>Returns a VM's target side as effects and facts use it.</summary>
    /// <param name="volume">The production target side.</param>
    /// <param name="time">The service's clock.</param>
    ITargetVolume Target(TargetVolume volume, TimeProvider time);

    /// <summary>Returns a VM's target side as data sessions use it.</summary>
    ITargetStream Stream(TargetVolume volume);

    /// <summary>Returns a VM's data sessions as its target side uses them.</summary>
    ITargetSessions Sessions(ITargetSessions sessions);

    /// <summary>Returns an agent's machine as its volumes use it.</summary>
    IVolumeHost Host(IVolumeHost machine);

    /// <summary>Returns the handler of the service's requests to an agent.</summary>
    Func<AgentRequest, CancellationToken, Task<AgentReply>> Answers(VolumeSet volumes);

    /// <summary>Creates the order of a source's changes.</summary>
    WriteOrder Order(GuestConnections guests);

    /// <summary>Returns a source as its session uses it.</summary>
    IChangeSource Source(SourceVolume volume);

    /// <summary>Returns a replica as its session uses it.</summary>
    IReplicaSink Sink(IReplicaSink replica);

    /// <summary>Returns a disk as its guest uses it.</summary>
    IBlockDevice GuestDisk(SourceVolume volume, int disk);

    /// <summary>Returns a disk of a recovery point as its reader uses it.</summary>
    IBlockDevice PointDisk(RecoveryPoint point, IBlockDevice disk);

    /// <summary>Returns the checkers of the world.</summary>
    IReadOnlyList<Checker> Checkers(IReadOnlyList<Checker> all);
}
