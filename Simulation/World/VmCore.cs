using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;

namespace ReplicationEngine.Simulation.World;

/// <summary>The core of a protected VM's entity, whatever aggregate decides in it.</summary>
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
