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
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>The production parts; a planted bug puts something between one of them and those who use it.</summary>
internal class FaultyParts : IWorldParts
{
    private readonly ProductionParts _production = new();

    public virtual IVmCore Core(PersistenceId id, EntityMemory memory) => _production.Core(id, memory);

    public virtual IStreams Journal(IStreams streams) => _production.Journal(streams);

    public virtual ISourceSide Sources(ISourceSide sources) => _production.Sources(sources);

    public virtual ITargetVolume Target(TargetVolume volume, TimeProvider time) => _production.Target(volume, time);

    public virtual ITargetStream Stream(TargetVolume volume) => _production.Stream(volume);

    public virtual ITargetSessions Sessions(ITargetSessions sessions) => _production.Sessions(sessions);

    public virtual IVolumeHost Host(IVolumeHost machine) => _production.Host(machine);

    public virtual Func<AgentRequest, CancellationToken, Task<AgentReply>> Answers(VolumeSet volumes) =>
        _production.Answers(volumes);

    public virtual WriteOrder Order(GuestConnections guests) => _production.Order(guests);

    public virtual IChangeSource Source(SourceVolume volume) => _production.Source(volume);

    public virtual IReplicaSink Sink(IReplicaSink replica) => _production.Sink(replica);

    public virtual IBlockDevice GuestDisk(SourceVolume volume, int disk) => _production.GuestDisk(volume, disk);

    public virtual IBlockDevice PointDisk(RecoveryPoint point, IBlockDevice disk) => _production.PointDisk(point, disk);

    public virtual IReadOnlyList<Checker> Checkers(IReadOnlyList<Checker> all) => _production.Checkers(all);
}
