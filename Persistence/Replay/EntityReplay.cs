using System.Text.Json.Nodes;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>Replays the streams of one entity type with the production code of that type.</summary>
internal abstract class EntityReplay
{
    private protected EntityReplay()
    {
    }

    /// <summary>The entity type as used in persistence ids.</summary>
    public abstract string Type { get; }

    /// <summary>The version of the snapshots that can be read.</summary>
    public abstract int SnapshotVersion { get; }

    /// <summary>Returns the state before the first event.</summary>
    public abstract EntityFold Begin();

    /// <summary>Returns the state of a snapshot.</summary>
    /// <exception cref="UnreadableEventException">The payload is damaged.</exception>
    public abstract EntityFold Restore(EntitySnapshot snapshot);

    /// <summary>Returns an event's data in readable form.</summary>
    /// <exception cref="UnreadableEventException">The name is unknown or the payload is damaged.</exception>
    public abstract JsonNode EventData(StoredEvent stored);

    /// <summary>Returns a recorded command's data in readable form.</summary>
    /// <exception cref="UnreadableEventException">The name is unknown or the payload is damaged.</exception>
    public abstract JsonNode CommandData(RecordedCommand recorded);
}

/// <summary>A state during a replay. Not safe for concurrent use.</summary>
public abstract class EntityFold
{
    private protected EntityFold()
    {
    }

    /// <summary>Applies one event and checks the invariants.</summary>
    /// <returns>The damage; null when the event is a legal step. After damage the replay has ended.</returns>
    public abstract (DamageKind Kind, string What)? Apply(StoredEvent stored);

    /// <summary>Returns the state and values derived from it, as JSON with camelCase members.</summary>
    public abstract JsonObject State();

    /// <summary>Returns the state in its stored form. Equal states have equal bytes.</summary>
    public abstract byte[] EncodeState();

    /// <summary>When an entity in this state must be woken.</summary>
    public abstract WakeMark Wake { get; }

    /// <summary>The name of the entity according to the state; null when the state does not contain it.</summary>
    public abstract string? EntityName { get; }

    /// <summary>
    /// Decides the last applied command again, in the state before its first event. Only valid after the last event of
    /// a command.
    /// </summary>
    /// <returns>Why the decision does not produce exactly the applied events; null when it does.</returns>
    public abstract (DamageKind Kind, string What)? Explain();
}

/// <summary>Replays an aggregate.</summary>
/// <param name="codec">The codec of the stored form.</param>
/// <param name="derived">Adds derived values to the state's JSON.</param>
/// <param name="eventData">Converts an event's stored payload to JSON.</param>
/// <param name="commandData">Converts a command's stored payload to JSON.</param>
/// <param name="entityName">Returns the entity's name from the state; null when the state does not contain it.</param>
internal sealed class EntityReplay<TAggregate, TState, TCommand, TEvent>(
    IEntityCodec<TState, TCommand, TEvent> codec,
    Action<TState, JsonObject> derived,
    Func<StoredEvent, JsonNode> eventData,
    Func<RecordedCommand, JsonNode> commandData,
    Func<TState, string?> entityName) : EntityReplay
    where TAggregate : IAggregate<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    /// <inheritdoc/>
    public override string Type => TAggregate.TypeName;

    /// <inheritdoc/>
    public override int SnapshotVersion => codec.SnapshotVersion;

    /// <inheritdoc/>
    public override EntityFold Begin() => new Fold(this, TAggregate.Initial);

    /// <inheritdoc/>
    public override EntityFold Restore(EntitySnapshot snapshot) => new Fold(this, codec.DecodeState(snapshot.Payload));

    /// <inheritdoc/>
    public override JsonNode EventData(StoredEvent stored) => eventData(stored);

    /// <inheritdoc/>
    public override JsonNode CommandData(RecordedCommand recorded) => commandData(recorded);

    private JsonObject Show(TState state)
    {
        var shown = StateJson.Of(codec, state);
        derived(state, shown);
        return shown;
    }

    private TEvent Decode(StoredEvent stored) => codec.Decode(stored.Name, stored.Payload);

    private byte[] Encode(TState state) => codec.EncodeState(state);

    private string? NameOf(TState state) => entityName(state);

    private string? Difference(TState before, RecordedCommand recorded, List<StoredEvent> events)
    {
        var last = events[^1];
        var context = new DecisionContext(last.Time, last.CommandId, last.Actor)
        {
            Steady = recorded.Steady, Digest = recorded.Digest,
        };
        var decision = TAggregate.Decide(before, codec.DecodeCommand(recorded.Name, recorded.Payload), context);
        if (decision is not Decision<TEvent>.Accepted accepted)
        {
            return $"is refused: {((Decision<TEvent>.Refused)decision).Refusal.Message.TrimEnd('.')}";
        }

        if (accepted.Events.Length != events.Count)
        {
            return $"leads to {accepted.Events.Length} events, not to {events.Count}";
        }

        foreach (var (stored, encoded) in events.Zip(accepted.Events.Select(codec.Encode)))
        {
            if (stored.Name != encoded.Name)
            {
                return $"leads to {encoded.Name} as event {stored.Sequence}, not to {stored.Name}";
            }

            if (!stored.Payload.AsSpan().SequenceEqual(encoded.Payload))
            {
                return $"leads to event {stored.Sequence} with different content";
            }
        }

        return null;
    }

    private sealed class Fold(EntityReplay<TAggregate, TState, TCommand, TEvent> replay, TState state) : EntityFold
    {
        private readonly List<StoredEvent> _command = [];
        private TState _state = state;
        private TState _before = state;

        public override WakeMark Wake
        {
            get
            {
                var timers = TAggregate.Timers(_state);
                return new WakeMark(
                    timers.IsEmpty ? null : timers.Min(timer => timer.DueAt), !TAggregate.Outstanding(_state).IsEmpty);
            }
        }

        public override string? EntityName => replay.NameOf(_state);

        public override (DamageKind Kind, string What)? Apply(StoredEvent stored) => Judged("Applying it", () =>
        {
            var next = TAggregate.Evolve(_state, replay.Decode(stored));
            TAggregate.CheckInvariants(next);
            if (_command is [.., { EndsCommand: true }])
            {
                _command.Clear();
                _before = _state;
            }

            _command.Add(stored);
            _state = next;
            return null;
        });

        public override JsonObject State() => replay.Show(_state);

        public override byte[] EncodeState() => replay.Encode(_state);

        public override (DamageKind Kind, string What)? Explain()
        {
            var recorded = _command is [.., { Command: { } command }] ? command
                : throw new InvalidOperationException("The command's last event has not been applied.");
            return Judged($"Replaying its recorded command {recorded.Name}", () =>
                replay.Difference(_before, recorded, _command) is { } difference
                    ? (DamageKind.Unexplained,
                        $"its recorded command {recorded.Name}, replayed in the state before it, {difference}")
                    : null);
        }

        private static (DamageKind Kind, string What)? Judged(string what, Func<(DamageKind, string)?> judge)
        {
            try
            {
                return judge();
            }
            catch (UnreadableEventException exception)
            {
                return (DamageKind.Unreadable, exception.Message);
            }
            catch (InvariantViolationException exception)
            {
                return (DamageKind.Invariant, exception.Message);
            }
            catch (ImpossibleEventException exception)
            {
                return (DamageKind.Impossible, exception.Message);
            }
            catch (Exception exception)
            {
                // Only the aggregate can throw here, and any exception stops the entity: that is the damage.
                return (DamageKind.Impossible, $"{what} failed with {exception.GetType().Name}: {exception.Message}");
            }
        }
    }
}
