using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>
/// Collects one entity's snapshot and stream while the host reads them. The host always reads to the end, so the first
/// failure is kept until then, and the core passes nothing more after it. Used by one core.
/// </summary>
/// <param name="id">The id of the stream.</param>
/// <param name="history">The history that takes the records.</param>
/// <param name="timers">The timers of the recovered state.</param>
/// <param name="memory">What the entity's previous core left.</param>
internal sealed class EntityRecovery<TAggregate, TState, TCommand, TEvent>(
    PersistenceId id, EntityHistory<TAggregate, TState, TCommand, TEvent> history, EntityTimers timers,
    EntityMemory memory)
    where TAggregate : IAggregate<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    private Exception? _failure;

    /// <summary>Whether a failure occurred that will fail the recovery.</summary>
    public bool HasFailed => _failure is not null;

    /// <summary>Whether the stream was read to its end.</summary>
    public bool IsOver { get; private set; }

    /// <summary>
    /// Restores the history from a snapshot. Returns why the snapshot is useless; null when it was used.
    /// </summary>
    public string? Take(EntitySnapshot snapshot)
    {
        try
        {
            var objection = history.Restore(snapshot);
            if (objection is null)
            {
                timers.Note(TAggregate.Timers(history.State), snapshot.DecidedAt);
            }

            return objection;
        }
        catch (Exception exception)
        {
            _failure = exception;
            return null;
        }
    }

    /// <summary>Applies the next event of the stream.</summary>
    public void Take(StoredEvent stored)
    {
        try
        {
            history.Replay(stored);
            if (stored.EndsCommand && !memory.Recovered)
            {
                timers.Note(TAggregate.Timers(history.State), stored.Time);
            }
        }
        catch (Exception exception)
        {
            _failure = exception;
        }
    }

    /// <summary>Records that the next event of the stream is unreadable.</summary>
    public void Take(UnreadableRecord record) => _failure = new JournalCorruptException(
        id, history.Head.Sequence + 1, $"'{record.Name}' {record.Reason}");

    /// <summary>Finishes the recovery at the end of the stream and arms the timers.</summary>
    /// <returns>The outstanding effects.</returns>
    /// <exception cref="Exception">The first failure that occurred during the recovery.</exception>
    public ImmutableArray<Effect> Finish(EngineInstant now)
    {
        IsOver = true;
        if (_failure is { } failure)
        {
            throw failure;
        }

        var outstanding = TAggregate.Outstanding(history.State);
        timers.Arm(timers.AlarmsOf(TAggregate.Timers(history.State), now, recovered: true));
        memory.Recovered = true;
        memory.ReadsWholeStream = false;
        return outstanding;
    }
}
