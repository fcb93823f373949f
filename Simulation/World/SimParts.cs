using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Agent.Control;
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
    /// <summary>An entity's kernel.</summary>
    public virtual IVmKernel Kernel(PersistenceId id, FencingToken token) => new VmKernel<ProtectedVm>(id, token);

    /// <summary>The journal as the kernels' host sees it.</summary>
    public virtual IEventJournal Journal(IEventJournal journal) => journal;

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

/// <summary>An entity kernel of a protected VM, whatever aggregate decides in it.</summary>
internal interface IVmKernel
{
    /// <inheritdoc cref="EntityKernel{TAggregate, TState, TCommand, TEvent}.Phase"/>
    EntityPhase Phase { get; }

    /// <inheritdoc cref="EntityKernel{TAggregate, TState, TCommand, TEvent}.CanAccept"/>
    bool CanAccept { get; }

    /// <inheritdoc cref="EntityKernel{TAggregate, TState, TCommand, TEvent}.State"/>
    ProtectedVmState State { get; }

    /// <inheritdoc cref="EntityKernel{TAggregate, TState, TCommand, TEvent}.Head"/>
    StreamHead Head { get; }

    /// <inheritdoc cref="EntityKernel{TAggregate, TState, TCommand, TEvent}.ArmedTimers"/>
    IReadOnlyList<ArmedTimer> ArmedTimers { get; }

    /// <inheritdoc cref="EntityKernel{TAggregate, TState, TCommand, TEvent}.Step"/>
    IReadOnlyList<EntityOutput> Step(EntityInput<ProtectedVmCommand> input, EngineInstant now);
}

/// <summary>The production kernel around an aggregate.</summary>
internal sealed class VmKernel<TAggregate>(PersistenceId id, FencingToken token) : IVmKernel
    where TAggregate : IAggregate<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent>
{
    private readonly EntityKernel<TAggregate, ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent> _kernel =
        new(id, new ProtectedVmCodec(), token, new EntityKernelOptions { SnapshotEvery = 20, RememberedCommands = 8 });

    /// <inheritdoc/>
    public EntityPhase Phase => _kernel.Phase;

    /// <inheritdoc/>
    public bool CanAccept => _kernel.CanAccept;

    /// <inheritdoc/>
    public ProtectedVmState State => _kernel.State;

    /// <inheritdoc/>
    public StreamHead Head => _kernel.Head;

    /// <inheritdoc/>
    public IReadOnlyList<ArmedTimer> ArmedTimers => _kernel.ArmedTimers;

    /// <inheritdoc/>
    public IReadOnlyList<EntityOutput> Step(EntityInput<ProtectedVmCommand> input, EngineInstant now) =>
        _kernel.Step(input, now);
}
