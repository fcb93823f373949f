using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>
/// Reads one entity's snapshot and stream as they come. The host reads on to the end whatever is met, so the first
/// failure is kept until then; nothing is to be given behind it. Used by one core.
/// </summary>
/// <param name="id">The name of the stream.</param>
/// <param name="history">Takes what is read.</param>
/// <param name="timers">Takes the timers of what is read.</param>
/// <param name="memory">What the entity's last core left.</param>
internal sealed class EntityRecovery<TAggregate, TState, TCommand, TEvent>(
    PersistenceId id, EntityHistory<TAggregate, TState, TCommand, TEvent> history, EntityTimers timers,
    EntityMemory memory)
    where TAggregate : IAggregate<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    private Exception? _failure;

    /// <summary>Whether something was met that ends the recovery in failure.</summary>
    public bool HasFailed => _failure is not null;

    /// <summary>Whether the stream has been read to its end.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Goes on from a snapshot; if it is of no use, says why.</summary>
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

    /// <summary>Folds the next event of the stream.</summary>
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

    /// <summary>The next event of the stream cannot be read.</summary>
    public void Take(UnreadableRecord record) => _failure = new JournalCorruptException(
        id, history.Head.Sequence + 1, $"'{record.Name}' {record.Reason}");

    /// <summary>The stream has been read to its end: arms the timers.</summary>
    /// <returns>The effects that are outstanding.</returns>
    /// <exception cref="Exception">The first failure that was met.</exception>
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
