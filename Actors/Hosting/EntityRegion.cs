using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Cluster.Sharding;
using ReplicationEngine.Actors.Clustering;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>A region as seen by the host that starts and stops it.</summary>
internal interface IEntityRegion
{
    /// <summary>The entity type.</summary>
    string Type { get; }

    /// <summary>The number of entities in memory.</summary>
    int ActiveCount { get; }

    /// <summary>The number of sweeps for idle entities so far: a clock that costs nothing to read.</summary>
    long Sweep { get; }

    /// <summary>The conversions of the type's messages for other nodes.</summary>
    IEntityWire Wire { get; }

    /// <summary>Starts the region in an actor system.</summary>
    void Start(ActorSystem system);

    /// <summary>Accepts no further messages from this node, because it leaves its cluster.</summary>
    void Close();

    /// <summary>Returns how many entities of each shard are in memory, for each node.</summary>
    Task<ClusterShardingStats> StatsAsync(TimeSpan within, CancellationToken cancellationToken);

    /// <summary>Stops the region's effects and entities. Returns when everything being persisted is durable.</summary>
    Task StopAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Wakes an entity that is due by the wake index. Returns false when this node already manages the entity.
    /// </summary>
    bool WakeIfUnknown(PersistenceId id);
}

/// <summary>
/// All entities of one type, sharded over the cluster by Akka.Cluster.Sharding. An entity is loaded when a message
/// arrives, a timer is due or effects are outstanding, and is unloaded when it is idle.
/// </summary>
internal sealed class EntityRegion<TAggregate, TState, TCommand, TEvent>
    : IEntityRegion, IEntitySet<TState, TCommand, TEvent>, IDisposable
    where TAggregate : IAggregate<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    /// <summary>The number of sweeps within <see cref="ReplicationEngineOptions.PassivateAfter"/>.</summary>
    private const int SweepsPerIdleTime = 2;

    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<PersistenceId, LiveEntity> _live = new();
    private readonly ConcurrentDictionary<PersistenceId, EntityMemory> _memories = new();
    private readonly ITimer _sweeper;
    private IActorRef _shards = ActorRefs.Nobody;
    private IActorRefProvider? _provider;
    private bool _open;
    private long _sweep;

    public EntityRegion(
        IEntityCodec<TState, TCommand, TEvent> codec, EngineServices services, IEffectHandler<TCommand>? handler)
    {
        Codec = codec;
        Wire = new EntityWire<TState, TCommand, TEvent>(TAggregate.TypeName, codec);
        Services = services;
        CoreOptions = services.Options.Core;
        Alarms = new AlarmClock(services.Clock, Ring);
        Effects = handler is null
            ? null : new EffectRuns<TCommand>(TAggregate.TypeName, services, handler, id => Handle(id));
        _sweeper = services.Time.CreateTimer(
            _ => SweepIdle(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public IEntityCodec<TState, TCommand, TEvent> Codec { get; }

    public EngineServices Services { get; }

    public EntityCoreOptions CoreOptions { get; }

    public AlarmClock Alarms { get; }

    /// <summary>The running effects; null when no effect handler is registered.</summary>
    public EffectRuns<TCommand>? Effects { get; }

    /// <inheritdoc/>
    public string Type => TAggregate.TypeName;

    /// <inheritdoc/>
    public IEntityWire Wire { get; }

    /// <inheritdoc/>
    public int ActiveCount => _live.Count;

    /// <inheritdoc/>
    public long Sweep => Volatile.Read(ref _sweep);

    /// <summary>Whether the region accepts messages.</summary>
    public bool IsOpen => Volatile.Read(ref _open);

    /// <inheritdoc/>
    public IEntityHandle<TState, TCommand, TEvent> Get(VaultId vault, string entity) =>
        Handle(new PersistenceId(TAggregate.TypeName, vault, entity));

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<string>> ListAsync(VaultId vault, CancellationToken cancellationToken)
    {
        var ids = await Services.Store.Log.ListAsync(TAggregate.TypeName, cancellationToken);
        return [.. ids.Where(id => id.Vault == vault).Select(id => id.Entity)];
    }

    /// <inheritdoc/>
    public string? QuarantineOf(VaultId vault, string entity) =>
        _live.GetValueOrDefault(new PersistenceId(TAggregate.TypeName, vault, entity))?.Quarantine;

    /// <inheritdoc/>
    public void Start(ActorSystem system)
    {
        _provider = ((ExtendedActorSystem)system).Provider;
        var sharding = ClusterSharding.Get(system);
        var extractor = EntityAddress.Extractor(Services.Options.Shards);
        var settings = ClusterShardingSettings.Create(system);
        if (Services.Options.Node is { } node)
        {
            settings = settings.WithRole(ClusterNode.EntitiesRole);
            if (!node.RunsEntities)
            {
                _shards = sharding.StartProxy(TAggregate.TypeName, ClusterNode.EntitiesRole, extractor);
                Volatile.Write(ref _open, true);
                return;
            }
        }

        _shards = sharding.Start(
            TAggregate.TypeName,
            PropsOf,
            settings,
            extractor,
            sharding.DefaultShardAllocationStrategy(settings),
            StopEntity.Instance);
        Volatile.Write(ref _open, true);
        var period = Services.Options.PassivateAfter / SweepsPerIdleTime;
        _sweeper.Change(period, period);
    }

    /// <inheritdoc/>
    public void Close()
    {
        Volatile.Write(ref _open, false);
        _sweeper.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public Task<ClusterShardingStats> StatsAsync(TimeSpan within, CancellationToken cancellationToken) =>
        _shards.Ask<ClusterShardingStats>(new GetClusterShardingStats(within), within, cancellationToken);

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        Close();
        if (Effects is { } effects)
        {
            await effects.StopAsync(cancellationToken);
        }

        while (!_live.IsEmpty)
        {
            foreach (var (_, live) in _live)
            {
                live.Actor.Tell(StopEntity.Instance, ActorRefs.NoSender);
                await live.Gone.WaitAsync(cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public bool WakeIfUnknown(PersistenceId id)
    {
        if (_live.ContainsKey(id) || _memories.ContainsKey(id))
        {
            return false;
        }

        Deliver(id, Wake.Instance);
        return true;
    }

    /// <summary>Sends a message without waiting for a reply.</summary>
    public void Deliver(PersistenceId id, object message)
    {
        if (IsOpen)
        {
            _shards.Tell(new ToEntity(TAggregate.TypeName, EntityAddress.Of(id), message), ActorRefs.NoSender);
        }
    }

    /// <summary>Sends a message to the entity's next actor, on behalf of its original sender.</summary>
    public void SendAgain(PersistenceId id, object message, IActorRef sender) =>
        _shards.Tell(new ToEntity(TAggregate.TypeName, EntityAddress.Of(id), message), sender);

    /// <summary>
    /// Sends a message and waits for the reply of the actor that takes it. A message to an entity in this node's memory
    /// goes directly, which saves two mailboxes; any other goes by its shard.
    /// </summary>
    /// <param name="id">The entity.</param>
    /// <param name="letter">The message.</param>
    /// <param name="limit">How long the reply may take.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="TimeoutException">No reply arrived in time.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<object> AskOnceAsync(
        PersistenceId id, IEntityMessage letter, TimeSpan limit, CancellationToken cancellationToken)
    {
        var answer = new AnswerRef(_provider!);
        try
        {
            if (Find(id) is { } actor)
            {
                actor.Tell(letter, answer);
            }
            else
            {
                _shards.Tell(new ToEntity(TAggregate.TypeName, EntityAddress.Of(id), letter), answer);
            }

            return await answer.Answer.WaitAsync(limit, TimeProvider.System, cancellationToken);
        }
        finally
        {
            answer.Release();
        }
    }

    /// <summary>Registers an entity's actor that has started.</summary>
    public LiveEntity Arrived(PersistenceId id, IActorRef actor)
    {
        // An exception of the embedder's listener ends an actor that was never registered, which nothing must wait for.
        Services.Telemetry.EntityActivated(TAggregate.TypeName);
        var live = new LiveEntity(actor);
        live.Use(this);
        _live[id] = live;
        return live;
    }

    /// <summary>Removes an entity's actor that has ended.</summary>
    public void Left(PersistenceId id, LiveEntity live, EntityMemory memory)
    {
        _live.TryRemove(KeyValuePair.Create(id, live));
        live.Leave();
        if (memory.IsEmpty)
        {
            _memories.TryRemove(KeyValuePair.Create(id, memory));
        }

        Services.Telemetry.EntityRetired(TAggregate.TypeName);
    }

    /// <summary>
    /// Forgets an entity whose shard moves to another node, and wakes it there when something is outstanding.
    /// </summary>
    public void MovedAway(PersistenceId id, bool isDue)
    {
        _memories.TryRemove(id, out _);
        Alarms.Set(id, null);
        if (isDue)
        {
            Deliver(id, Wake.Instance);
        }
    }

    /// <summary>Returns what was kept of an entity's previous cores.</summary>
    public EntityMemory MemoryOf(PersistenceId id) => _memories.GetOrAdd(id, _ => new EntityMemory());

    /// <summary>
    /// Schedules the recovery of an entity that had to stop while effects or timers may be outstanding. The delay grows
    /// with the duration of the journal's trouble.
    /// </summary>
    public void WakeLater(PersistenceId id)
    {
        var lasted = Services.Trouble.Current is { } trouble
            ? Services.Time.GetUtcNow() - trouble.Since : TimeSpan.Zero;
        var pause = lasted / 4;
        pause = pause < s_firstPause ? s_firstPause : pause > s_longestPause ? s_longestPause : pause;
        Alarms.Set(id, Services.Clock.Steady + pause);
    }

    public void Dispose()
    {
        _sweeper.Dispose();
        Alarms.Dispose();
        Effects?.Dispose();
    }

    /// <summary>
    /// Delivers a due alarm. It takes the same route as messages, so a later request is handled after it.
    /// </summary>
    private void Ring(PersistenceId id)
    {
        if (IsOpen && Find(id) is { } actor)
        {
            actor.Tell(new Wake { Lost = () => Deliver(id, Wake.Instance) }, ActorRefs.NoSender);
        }
        else
        {
            Deliver(id, Wake.Instance);
        }
    }

    /// <summary>Returns the entity's actor on this node; null when there is none that accepts messages.</summary>
    private IActorRef? Find(PersistenceId id) =>
        _live.TryGetValue(id, out var live) && live.IsOpen ? live.Actor : null;

    private Props PropsOf(string entity)
    {
        var id = EntityAddress.Read(TAggregate.TypeName, entity);
        return Props.Create<EntityActor<TAggregate, TState, TCommand, TEvent>>(this, id);
    }

    private EntityHandle<TAggregate, TState, TCommand, TEvent> Handle(PersistenceId id) => new(this, id);

    private void SweepIdle()
    {
        var sweep = Interlocked.Increment(ref _sweep);
        foreach (var (_, live) in _live)
        {
            if (live.LastUsed < sweep - SweepsPerIdleTime)
            {
                live.Actor.Tell(IdleTimedOut.Instance, ActorRefs.NoSender);
            }
        }
    }
}
