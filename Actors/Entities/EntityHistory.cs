using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>
/// The durable data of one entity: the state that its events produce, the head of its stream, and its commands. It
/// changes by a snapshot, by replayed events, and by a command's events once the journal has stored them. The state
/// after pending events is computed separately. Used by one core.
/// </summary>
/// <param name="id">The id of the stream.</param>
/// <param name="codec">The codec between values and stored bytes.</param>
/// <param name="options">The limits.</param>
internal sealed class EntityHistory<TAggregate, TState, TCommand, TEvent>(
    PersistenceId id, IEntityCodec<TState, TCommand, TEvent> codec, EntityCoreOptions options)
    where TAggregate : IAggregate<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    private DateTimeOffset _decidedAt = DateTimeOffset.MinValue;
    private long _snapshotAt;

    /// <summary>The state after the last durable event.</summary>
    public TState State { get; private set; } = TAggregate.Initial;

    /// <summary>The last durable event.</summary>
    public StreamHead Head { get; private set; }

    /// <summary>The most recent replies.</summary>
    public CommandWindow Commands { get; } = new(options.RememberedCommands);

    /// <summary>
    /// Restores the history from a snapshot. Returns why the snapshot is useless, with nothing changed; null when it
    /// was used.
    /// </summary>
    public string? Restore(EntitySnapshot snapshot)
    {
        if (snapshot.Version != codec.SnapshotVersion)
        {
            return $"its version is {snapshot.Version}, not {codec.SnapshotVersion}";
        }

        if (!snapshot.IsIntact)
        {
            return "its checksum does not match";
        }

        try
        {
            State = codec.DecodeState(snapshot.Payload);
        }
        catch (UnreadableEventException exception)
        {
            return exception.Message;
        }

        Head = snapshot.Head;
        _decidedAt = snapshot.DecidedAt;
        _snapshotAt = Head.Sequence;
        Commands.Restore(snapshot.Commands, snapshot.CoversStream);
        return null;
    }

    /// <summary>Applies the next event of the stream.</summary>
    /// <exception cref="JournalCorruptException">The event's number or seal does not follow.</exception>
    /// <exception cref="UnreadableEventException">The event cannot be read.</exception>
    public void Replay(StoredEvent stored)
    {
        Head = EventChain.Verify(id, Head, stored);
        State = TAggregate.Evolve(State, codec.Decode(stored.Name, stored.Payload));
        TAggregate.CheckInvariants(State);
        _decidedAt = stored.Time;
        if (stored.Command is { } command)
        {
            Commands.Remember(stored.CommandId, new CommandReply.Accepted(stored.Sequence), command.Digest);
        }
    }

    /// <summary>Returns the state after the given events, without storing it.</summary>
    public TState After(ImmutableArray<TEvent> events)
    {
        var state = State;
        foreach (var @event in events)
        {
            state = TAggregate.Evolve(state, @event);
            TAggregate.CheckInvariants(state);
        }

        return state;
    }

    /// <summary>Returns a command's events as sealed records that follow the head.</summary>
    /// <param name="events">The events; at least one.</param>
    /// <param name="command">The command that led to them.</param>
    /// <param name="context">The context of the decision.</param>
    /// <param name="wake">When the entity must be woken after them.</param>
    public StoredEvent[] Seal(
        ImmutableArray<TEvent> events, TCommand command, DecisionContext context, WakeMark wake)
    {
        var encoded = codec.EncodeCommand(command);
        var recorded = new RecordedCommand(encoded.Name, encoded.Payload, context.Digest, context.Steady, wake);
        var stored = new StoredEvent[events.Length];
        var head = Head;
        for (var i = 0; i < stored.Length; i++)
        {
            stored[i] = EventChain.Seal(
                head, codec.Encode(events[i]), context.Now, context.Actor, context.CommandId,
                i == stored.Length - 1 ? recorded : null);
            head = stored[i].Head;
        }

        return stored;
    }

    /// <summary>Takes over the state and head after a command's events became durable.</summary>
    /// <param name="state">The state after the events.</param>
    /// <param name="head">The last of the events.</param>
    /// <param name="decidedAt">When the events were decided (UTC).</param>
    public void Advance(TState state, StreamHead head, DateTimeOffset decidedAt)
    {
        State = state;
        Head = head;
        _decidedAt = decidedAt;
    }

    /// <summary>Returns a snapshot when enough events have become durable since the last one; otherwise null.</summary>
    public EntitySnapshot? SnapshotIfDue()
    {
        if (Head.Sequence - _snapshotAt < options.SnapshotEvery)
        {
            return null;
        }

        _snapshotAt = Head.Sequence;
        return EntitySnapshot.Create(
            codec.SnapshotVersion, Head, _decidedAt, codec.EncodeState(State), Commands.Accepted(),
            Commands.CoversStream);
    }
}
