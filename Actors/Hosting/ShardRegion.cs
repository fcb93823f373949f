using System.Collections.Concurrent;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>A shard region as the host starts and stops it.</summary>
internal interface IShardRegion
{
    /// <summary>How many of its entities are in memory.</summary>
    int ActiveCount { get; }

    Task StartAsync(CancellationToken cancellationToken);

    Task StopAsync(CancellationToken cancellationToken);
}

/// <summary>What regions of all types share.</summary>
internal static class ShardRegion
{
    public static CommandReply.Unavailable NotRunning { get; } =
        new(UnavailableReason.NotRunning, "The engine is not running; start it, or wait until it has started.");
}

/// <summary>
/// All entities of one type on this node: brings them to memory when a letter comes or a timer is due, lets them go
/// when nobody needs them, and recovers at start those that owe effects (remember entities).
/// </summary>
internal sealed class ShardRegion<TAggregate, TState, TCommand, TEvent>
    : IShardRegion, IEntitySet<TState, TCommand, TEvent>, IDisposable
    where TAggregate : IAggregate<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    /// <summary>Sweeps within <see cref="ReplicationEngineOptions.PassivateAfter"/>.</summary>
    private const int SweepsPerIdleTime = 2;

    private static readonly TimeSpan s_reviveAfter = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<PersistenceId, EntityCell<TAggregate, TState, TCommand, TEvent>> _cells =
        new();

    private readonly ConcurrentDictionary<PersistenceId, ValueList<ArmedTimer>> _timersOfSleepers = new();
    private readonly ITimer _sweeper;
    private bool _open;

    public ShardRegion(
        IEntityCodec<TState, TCommand, TEvent> codec, EngineServices services, IEffectHandler<TCommand>? handler)
    {
        Codec = codec;
        Services = services;
        KernelOptions = services.Options.Kernel;
        Lease = new RegionLease(
            services.Stores.Leases, TAggregate.TypeName, services.Options.NodeName, services.Time);
        Alarms = new AlarmClock(services.Clock, id => Deliver(id, WakeLetter.Instance));
        Effects = new EffectDispatcher<TCommand>(TAggregate.TypeName, services, handler, Handle, OwesAsync);
        _sweeper = services.Time.CreateTimer(
            _ => SweepIdle(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public IEntityCodec<TState, TCommand, TEvent> Codec { get; }

    public EngineServices Services { get; }

    public EntityKernelOptions KernelOptions { get; }

    public RegionLease Lease { get; }

    public AlarmClock Alarms { get; }

    public EffectDispatcher<TCommand> Effects { get; }

    /// <inheritdoc/>
    public int ActiveCount => _cells.Count;

    /// <summary>Counts the sweeps for idle entities: a clock that costs nothing to read.</summary>
    public long Sweep { get; private set; }

    /// <inheritdoc/>
    public IEntityHandle<TState, TCommand, TEvent> Get(VaultId vault, string entity) =>
        Handle(new PersistenceId(TAggregate.TypeName, vault, entity));

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<string>> ListAsync(VaultId vault, CancellationToken cancellationToken)
    {
        var ids = await Services.Stores.Journal.ListAsync(TAggregate.TypeName, cancellationToken);
        return [.. ids.Where(id => id.Vault == vault).Select(id => id.Entity)];
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var token = await Lease.TakeNewerAsync(default, cancellationToken);
        var wakes = await Services.Stores.Reminders.ListWakesAsync(TAggregate.TypeName, cancellationToken);
        Volatile.Write(ref _open, true);
        foreach (var wake in wakes)
        {
            if (wake.Mark.OwesEffects)
            {
                Deliver(wake.Id, WakeLetter.Instance);
            }
            else
            {
                Alarms.Set(wake.Id, wake.Mark.NextDue);
            }
        }

        var period = Services.Options.PassivateAfter / SweepsPerIdleTime;
        _sweeper.Change(period, period);
        Services.Logger.RegionStarted(TAggregate.TypeName, token.Epoch, wakes.Count(wake => wake.Mark.OwesEffects));
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (!Volatile.Read(ref _open))
        {
            return;
        }

        Volatile.Write(ref _open, false);
        _sweeper.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        await Effects.StopAsync(cancellationToken);
        while (!_cells.IsEmpty)
        {
            foreach (var cell in _cells.Values)
            {
                await StopCellAsync(cell, cancellationToken);
            }
        }

        try
        {
            await Lease.ReleaseAsync(cancellationToken);
        }
        catch (JournalUnavailableException exception)
        {
            Services.Logger.LeaseNotReleased(TAggregate.TypeName, exception);
        }

        Services.Logger.RegionStopped(TAggregate.TypeName);
    }

    /// <summary>
    /// Puts a letter into the entity's mailbox, bringing the entity to memory; waits elsewhere for room.
    /// </summary>
    public void Deliver(PersistenceId id, ILetter letter)
    {
        while (Volatile.Read(ref _open))
        {
            var cell = CellOf(id);
            switch (cell.TryPost(letter))
            {
                case PostOutcome.Posted:
                    return;
                case PostOutcome.Full:
                    _ = DeliverLaterAsync(cell, id, letter);
                    return;
                case PostOutcome.Retired:
                    Remove(id, cell);
                    break;
            }
        }

        letter.Decline(ShardRegion.NotRunning);
    }

    public void Remove(PersistenceId id, EntityCell<TAggregate, TState, TCommand, TEvent> cell)
    {
        if (_cells.TryRemove(KeyValuePair.Create(id, cell)))
        {
            Services.Telemetry.EntityRetired(TAggregate.TypeName);
        }
    }

    /// <summary>Keeps the timers of an entity that leaves memory: how long they run was worked out already.</summary>
    public void KeepTimers(PersistenceId id, IReadOnlyList<ArmedTimer> timers)
    {
        if (timers.Count > 0)
        {
            _timersOfSleepers[id] = timers.ToValueList();
        }
    }

    /// <summary>Hands the timers to the entity's next kernel.</summary>
    public ValueList<ArmedTimer> TakeTimers(PersistenceId id) =>
        _timersOfSleepers.TryRemove(id, out var timers) ? timers : default;

    /// <summary>An entity that had to stop may owe effects or timers; it is loaded again in a while.</summary>
    public void WakeLater(PersistenceId id, UnavailableReason reason)
    {
        if (reason != UnavailableReason.Fenced && Volatile.Read(ref _open))
        {
            Alarms.Set(id, Services.Clock.Steady + s_reviveAfter);
        }
    }

    public void Dispose()
    {
        _sweeper.Dispose();
        Alarms.Dispose();
        Effects.Dispose();
        Lease.Dispose();
    }

    private EntityHandle<TAggregate, TState, TCommand, TEvent> Handle(PersistenceId id) => new(this, id);

    private EntityCell<TAggregate, TState, TCommand, TEvent> CellOf(PersistenceId id)
    {
        if (_cells.TryGetValue(id, out var known))
        {
            return known;
        }

        var created = new EntityCell<TAggregate, TState, TCommand, TEvent>(this, id);
        var cell = _cells.GetOrAdd(id, created);
        if (ReferenceEquals(cell, created))
        {
            Services.Telemetry.EntityActivated(TAggregate.TypeName);
        }

        return cell;
    }

    private async Task DeliverLaterAsync(
        EntityCell<TAggregate, TState, TCommand, TEvent> cell, PersistenceId id, ILetter letter)
    {
        while (await cell.WaitForRoomAsync(CancellationToken.None))
        {
            if (cell.TryPost(letter) == PostOutcome.Posted)
            {
                return;
            }
        }

        Deliver(id, letter);
    }

    private static async Task StopCellAsync(
        EntityCell<TAggregate, TState, TCommand, TEvent> cell, CancellationToken cancellationToken)
    {
        var letter = new StopLetter();
        while (cell.TryPost(letter) is not PostOutcome.Posted)
        {
            if (!await cell.WaitForRoomAsync(cancellationToken))
            {
                return;
            }
        }

        await letter.Task.WaitAsync(cancellationToken);
    }

    private async ValueTask<bool> OwesAsync(PersistenceId id, EffectId effect, CancellationToken cancellationToken)
    {
        var view = await Handle(id).StateAsync(cancellationToken);
        return TAggregate.Outstanding(view.State).Any(owed => owed.Id == effect);
    }

    private void SweepIdle()
    {
        Sweep++;
        foreach (var cell in _cells.Values)
        {
            if (cell.LastUsed < Sweep - SweepsPerIdleTime)
            {
                cell.TryPost(IdleLetter.Instance);
            }
        }
    }
}
