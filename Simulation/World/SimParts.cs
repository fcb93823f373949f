using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicaStore;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Simulation.Checkers;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// Where a world gets its parts: the production ones. Tests give others, each with one fault built in, to see that the
/// checkers notice.
/// </summary>
internal class SimParts
{
    /// <summary>An entity's core.</summary>
    public virtual IVmCore Core(PersistenceId id, EntityMemory memory) => new VmCore<ProtectedVm>(id, memory);

    /// <summary>The journal's streams as the cores' host sees them.</summary>
    public virtual IStreams Journal(IStreams streams) => streams;

    /// <summary>A replica as its session sees it.</summary>
    public virtual IReplicaSink Sink(IReplicaSink replica) => replica;

    /// <summary>A source as its session sees it.</summary>
    public virtual IChangeSource Source(SourceVolume volume) => volume;

    /// <summary>A disk as its guest sees it.</summary>
    public virtual IBlockDevice GuestDisk(SourceVolume volume, int disk) => volume.Disk(disk);

    /// <summary>A source's disk as the splitter sees it.</summary>
    public virtual IBlockDevice SourceDevice(IBlockDevice device) => device;

    /// <summary>The order of a source's changes.</summary>
    public virtual WriteOrder Order(GuestConnections guests) => new SimWriteOrder(guests);

    /// <summary>A source's disk as the machine's file system tells of it.</summary>
    public virtual DiskSighting Sighted(DiskSighting sighting) => sighting;

    /// <summary>A disk of a recovery point as its reader sees it.</summary>
    public virtual IBlockDevice PointDisk(RecoveryPoint point, IBlockDevice disk) => disk;

    /// <summary>A disk of the machine that runs at the target side, or of a test machine, below its
    /// splitter.</summary>
    public virtual IBlockDevice OverlayDisk(string name, IBlockDevice disk, ReplicaStore store) => disk;

    /// <summary>The points that are to be pruned.</summary>
    public virtual IReadOnlyList<Engine.Identifiers.RecoveryPointId> Prune(
        ReplicaStore store, IReadOnlyList<Engine.Identifiers.RecoveryPointId> points) => points;

    /// <summary>The fence of the source side: false lets it go on as the primary.</summary>
    public virtual bool Fences => true;

    /// <summary>The fence of the replica: false leaves it out.</summary>
    public virtual bool FencesReplica => true;

    /// <summary>Whether the removal of a test machine removes it.</summary>
    public virtual bool CleansUp => true;

    /// <summary>Whether applications that did not freeze are called frozen.</summary>
    public virtual bool CallsFrozen => false;

    /// <summary>The bound of data loss that is told for a failover.</summary>
    public virtual TimeSpan Bound(TimeSpan bound) => bound;

    /// <summary>The moment of the service before which nothing of a report was observed.</summary>
    public virtual ServiceMoment? Moment(ServiceMoment? before, VolumeStatus report, ServiceMoment now) => before;

    /// <summary>Whether the service looks how far agents' clocks are from its own.</summary>
    public virtual bool ComparesClocks => true;

    /// <summary>Whether a machine that was let go is removed.</summary>
    public virtual bool RemovesLive => true;

    /// <summary>The source sides as effects reach them.</summary>
    public virtual ISourceSide Sources(ISourceSide sources) => sources;

    /// <summary>Whether a failback waits for the source side.</summary>
    public virtual bool WaitsForSync => true;

    /// <summary>Whether frames are compressed in half of all seeds. What bears times has another length then when a
    /// wall clock shows something else.</summary>
    public virtual bool Compresses => true;

    /// <summary>Who watches; a test may take some away, or add its own.</summary>
    public virtual IReadOnlyList<Checker> Checkers(IReadOnlyList<Checker> all) => all;
}

/// <summary>An entity's core of a protected VM, whatever aggregate decides in it.</summary>
internal interface IVmCore
{
    /// <inheritdoc cref="EntityCore{TAggregate, TState, TCommand, TEvent}.Phase"/>
    EntityPhase Phase { get; }

    /// <inheritdoc cref="EntityCore{TAggregate, TState, TCommand, TEvent}.CanAccept"/>
    bool CanAccept { get; }

    /// <inheritdoc cref="EntityCore{TAggregate, TState, TCommand, TEvent}.State"/>
    ProtectedVmState State { get; }

    /// <inheritdoc cref="EntityCore{TAggregate, TState, TCommand, TEvent}.Head"/>
    StreamHead Head { get; }

    /// <inheritdoc cref="EntityCore{TAggregate, TState, TCommand, TEvent}.Step"/>
    IReadOnlyList<CoreOutput> Step(CoreInput<ProtectedVmCommand> input, EngineInstant now);
}

/// <summary>The production core around an aggregate.</summary>
internal sealed class VmCore<TAggregate>(PersistenceId id, EntityMemory memory) : IVmCore
    where TAggregate : IAggregate<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent>
{
    private readonly EntityCore<TAggregate, ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent> _core = new(
        id, new ProtectedVmCodec(), new EntityCoreOptions { SnapshotEvery = 20, RememberedCommands = 8 }, memory);

    /// <inheritdoc/>
    public EntityPhase Phase => _core.Phase;

    /// <inheritdoc/>
    public bool CanAccept => _core.CanAccept;

    /// <inheritdoc/>
    public ProtectedVmState State => _core.State;

    /// <inheritdoc/>
    public StreamHead Head => _core.Head;

    /// <inheritdoc/>
    public IReadOnlyList<CoreOutput> Step(CoreInput<ProtectedVmCommand> input, EngineInstant now) =>
        _core.Step(input, now);
}
