using System.Collections.Immutable;
using System.Text.Json.Nodes;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>How the streams of one entity type are folded again, by the production code of that type.</summary>
public abstract class EntityReplay
{
    private protected EntityReplay()
    {
    }

    /// <summary>The entity type as it stands in persistence ids.</summary>
    public abstract string Type { get; }

    /// <summary>The version of the snapshots that can be read.</summary>
    public abstract int SnapshotVersion { get; }

    /// <summary>The state before the first event.</summary>
    public abstract EntityFold Begin();

    /// <summary>The state that a snapshot holds.</summary>
    /// <exception cref="UnreadableEventException">The payload is damaged.</exception>
    public abstract EntityFold Restore(StoredSnapshot snapshot);

    /// <summary>An event's data as people read it.</summary>
    /// <exception cref="UnreadableEventException">The name is not known or the payload is damaged.</exception>
    public abstract JsonNode EventData(StoredEvent stored);
}

/// <summary>A state being folded. Not safe for concurrent use.</summary>
public abstract class EntityFold
{
    private protected EntityFold()
    {
    }

    /// <summary>Folds one event and checks the invariants.</summary>
    /// <returns>What is wrong; null when the event is a legal step. After damage the fold has ended.</returns>
    public abstract (DamageKind Kind, string What)? Apply(StoredEvent stored);

    /// <summary>The state as JSON with camelCase members, with what is derived from it.</summary>
    public abstract JsonObject State();

    /// <summary>The state in its stored form; equal states have equal bytes.</summary>
    public abstract byte[] EncodeState();

    /// <summary>Whether effects are outstanding.</summary>
    public abstract bool OwesEffects { get; }

    /// <summary>Whether durable timers are armed.</summary>
    public abstract bool HasTimers { get; }

    /// <summary>
    /// Whether some command, decided by today's decider in the state before them, leads to exactly the events folded
    /// since the last call; null when nothing is known of this type's commands.
    /// </summary>
    public abstract bool? IsExplained();
}

/// <summary>What commands events come from.</summary>
/// <param name="Of">
/// Every command that could have led to these events in this state, as far as a decision depends on it.
/// </param>
/// <param name="Comparable">An event without what no decision depends on.</param>
/// <param name="Context">What an event keeps of the context it was decided in, added to the rest of it.</param>
public sealed record Origins<TState, TCommand, TEvent>(
    Func<TState, ImmutableArray<TEvent>, IEnumerable<TCommand>> Of, Func<TEvent, TEvent> Comparable,
    Func<DecisionContext, TEvent, DecisionContext> Context);

/// <summary>The replay of an aggregate.</summary>
/// <param name="codec">The stored form.</param>
/// <param name="derived">What people want to see besides the stored state, added to its JSON.</param>
/// <param name="data">An event's stored payload as JSON.</param>
/// <param name="origins">The decider, backwards; null when that is not known.</param>
public sealed class EntityReplay<TAggregate, TState, TCommand, TEvent>(
    IEntityCodec<TState, TCommand, TEvent> codec,
    Action<TState, JsonObject> derived,
    Func<StoredEvent, JsonNode> data,
    Origins<TState, TCommand, TEvent>? origins) : EntityReplay
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
    public override EntityFold Restore(StoredSnapshot snapshot) => new Fold(this, codec.DecodeState(snapshot.Payload));

    /// <inheritdoc/>
    public override JsonNode EventData(StoredEvent stored) => data(stored);

    private JsonObject Show(TState state)
    {
        var shown = StateJson.Of(codec, state);
        derived(state, shown);
        return shown;
    }

    private sealed class Fold(EntityReplay<TAggregate, TState, TCommand, TEvent> replay, TState state) : EntityFold
    {
        private readonly ImmutableArray<TEvent>.Builder _unexplained = ImmutableArray.CreateBuilder<TEvent>();
        private TState _state = state;
        private TState _before = state;
        private DecisionContext? _context;

        public override bool OwesEffects => !TAggregate.Outstanding(_state).IsEmpty;

        public override bool HasTimers => !TAggregate.Timers(_state).IsEmpty;

        public override (DamageKind Kind, string What)? Apply(StoredEvent stored)
        {
            try
            {
                var @event = replay.Decode(stored);
                var next = TAggregate.Evolve(_state, @event);
                TAggregate.CheckInvariants(next);
                _state = next;
                _unexplained.Add(@event);
                _context = new DecisionContext(stored.Time, stored.CommandId, stored.Actor);
                return null;
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
                // What throws here is the aggregate, and whatever it throws stops the entity: that is the damage.
                return (
                    DamageKind.Impossible, $"Folding it failed with {exception.GetType().Name}: {exception.Message}");
            }
        }

        public override JsonObject State() => replay.Show(_state);

        public override byte[] EncodeState() => replay.Encode(_state);

        public override bool? IsExplained()
        {
            var (before, events) = (_before, _unexplained.ToImmutable());
            _before = _state;
            _unexplained.Clear();
            return replay.Explains(before, events, _context!);
        }
    }

    private TEvent Decode(StoredEvent stored) => codec.Decode(stored.Name, stored.Payload);

    private byte[] Encode(TState state) => codec.EncodeState(state);

    private bool? Explains(TState before, ImmutableArray<TEvent> events, DecisionContext context)
    {
        if (origins is null)
        {
            return null;
        }

        var whole = events.Aggregate(context, origins.Context);
        var recorded = events.Select(origins.Comparable).ToList();
        return origins.Of(before, events).Any(command =>
            TAggregate.Decide(before, command, whole) is Decision<TEvent>.Accepted accepted
            && accepted.Events.Select(origins.Comparable).SequenceEqual(recorded));
    }
}
