using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Agent.Volumes;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Orchestration.Targets;
using ReplicationEngine.Simulation.Checkers;

namespace ReplicationEngine.Simulation.World;

/// <summary>The production parts of service and agent, without decorators.</summary>
internal sealed class ProductionParts : IWorldParts
{
    /// <inheritdoc/>
    public IVmCore Core(PersistenceId id, EntityMemory memory) => new VmCore<ProtectedVm>(id, memory);

    /// <inheritdoc/>
    public IStreams Journal(IStreams streams) => streams;

    /// <inheritdoc/>
    public ISourceSide Sources(ISourceSide sources) => sources;

    /// <inheritdoc/>
    public ITargetVolume Target(TargetVolume volume, TimeProvider time) => volume;

    /// <inheritdoc/>
    public ITargetStream Stream(TargetVolume volume) => volume;

    /// <inheritdoc/>
    public ITargetSessions Sessions(ITargetSessions sessions) => sessions;

    /// <inheritdoc/>
    public IVolumeHost Host(IVolumeHost machine) => machine;

    /// <inheritdoc/>
    public Func<AgentRequest, CancellationToken, Task<AgentReply>> Answers(VolumeSet volumes) => volumes.AnswerAsync;

    /// <inheritdoc/>
    public WriteOrder Order(GuestConnections guests) => new SimWriteOrder(guests);

    /// <inheritdoc/>
    public IChangeSource Source(SourceVolume volume) => volume;

    /// <inheritdoc/>
    public IReplicaSink Sink(IReplicaSink replica) => replica;

    /// <inheritdoc/>
    public IBlockDevice GuestDisk(SourceVolume volume, int disk) => volume.Disk(disk);

    /// <inheritdoc/>
    public IBlockDevice PointDisk(RecoveryPoint point, IBlockDevice disk) => disk;

    /// <inheritdoc/>
    public IReadOnlyList<Checker> Checkers(IReadOnlyList<Checker> all) => all;
}
