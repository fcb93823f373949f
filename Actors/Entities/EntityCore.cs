// The entity core: everything that an entity's semantics are, and no I/O. A host owns one core per active entity, feeds
// it inputs one at a time, carries out the outputs and feeds the answers back. The actor and the simulator drive the
// same core.
//
//   phase        waits for                             leaves to
//   Recovering   Offered, Replayed…, Recovered         Ready · Quarantined · Ended (a snapshot that is of no use)
//   Ready        Received, Woken, Idle                 Persisting · LookingUp · Ended (passivated, restarted)
//   LookingUp    CommandFound, CommandNotFound         Ready · Persisting
//   Persisting   Persisted, NotPersisted,              Ready · Ended (unknown)
//                PersistUnknown
//   Quarantined  QuarantineLifted                      Ended; Received is answered with the cause
//   Ended
//
// Invariants: at most one question is open; each received command gets exactly one reply; no effect, no reply
// Accepted and no state a reader can see comes before its events are durable. That holds because the new state is
// computed on the side while deciding (so that an event that cannot be folded is never stored) and takes the place of
// the old one only on Persisted.
// After PersistUnknown nothing is certain but the journal: the core ends, and the next one reads it. Its caller sends
// the same command id again; the window and, for older ones, the journal know whether it was carried out (I18, I19).
// Two owners of one entity can never both append: a journal takes each sequence number of a stream once, and whoever
// comes second learns PersistUnknown, reads the stream again, and decides anew.
// What happened to the entity in this life of the host (timers on the steady clock, exceptions met) goes from one core
// to the next in the EntityMemory. Time comes in with each step; there is no randomness and no hash order, so equal
// inputs give equal outputs.
using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>What an entity's core is waiting for; see the head of its file.</summary>
public enum EntityPhase
{
    /// <summary>Takes snapshot and stream.</summary>
    Recovering,

    /// <summary>Serves.</summary>
    Ready,

    /// <summary>Asks the journal whether it knows a command.</summary>
    LookingUp,

    /// <summary>Waits for the journal.</summary>
    Persisting,

    /// <summary>Out of service, with a cause.</summary>
    Quarantined,

    /// <summary>Ended; nothing in flight.</summary>
    Ended,
}

/// <summary>Runs one event-sourced entity as a pure, synchronous state machine. Not safe for concurrent use.</summary>
public sealed partial class EntityCore<TAggregate, TState, TCommand, TEvent>
    where TAggregate : IAggregate<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    private readonly PersistenceId _id;
    private readonly IEntityCodec<TState, TCommand, TEvent> _codec;
    private readonly EntityCoreOptions _options;
    private readonly EntityMemory _memory;
    private readonly CommandWindow _window;
    private readonly List<CoreOutput> _outputs = new(4);
    private EngineInstant _now;
    private Work? _work;

    /// <summary>Creates a core that waits for its recovery.</summary>
    /// <param name="id">The name of its stream.</param>
    /// <param name="codec">Converts to stored bytes and back.</param>
    /// <param name="options">The limits.</param>
    /// <param name="memory">What the entity's last core left.</param>
    public EntityCore(
        PersistenceId id, IEntityCodec<TState, TCommand, TEvent> codec, EntityCoreOptions options, EntityMemory memory)
    {
        _id = id;
        _codec = codec;
        _options = options;
        _memory = memory;
        _armed = memory.Timers;
        _window = new CommandWindow(options.RememberedCommands);
    }

    /// <summary>What it is waiting for.</summary>
    public EntityPhase Phase { get; private set; }

    /// <summary>Whether a command may be given now; until then it waits with the host.</summary>
    public bool CanAccept => Phase is EntityPhase.Ready or EntityPhase.Quarantined;

    /// <summary>The durable state; meaningful while <see cref="Phase"/> is Ready, LookingUp or Persisting.</summary>
    public TState State { get; private set; } = TAggregate.Initial;

    /// <summary>The last durable event that <see cref="State"/> contains.</summary>
    public StreamHead Head { get; private set; }

    /// <summary>Why it is out of service, when it is.</summary>
    public string? QuarantineCause { get; private set; }

    /// <summary>Takes one input and answers what is to be done, in order.</summary>
    /// <param name="input">The input; only one that <see cref="Phase"/> waits for.</param>
    /// <param name="now">The instant.</param>
    /// <returns>The outputs; the list is reused by the next step.</returns>
    /// <exception cref="InvalidOperationException">The host broke the protocol.</exception>
    public IReadOnlyList<CoreOutput> Step(CoreInput<TCommand> input, EngineInstant now)
    {
        CheckProtocol(input);
        _outputs.Clear();
        _now = now;
        try
        {
            Handle(input);
            SettleTimers();
        }
        catch (Exception exception)
        {
            // Everything called above that can throw is the aggregate or the codec; the rule for failures decides.
            Fail(exception);
        }

        return _outputs;
    }

    private void Handle(CoreInput<TCommand> input)
    {
        switch (input)
        {
            case CoreInput<TCommand>.Offered or CoreInput<TCommand>.Replayed or CoreInput<TCommand>.Unreadable
                when _failed is not null || Phase == EntityPhase.Ended:
                // What recovery has found already decides; the host reads on to the end all the same.
                break;
            case CoreInput<TCommand>.Offered offered:
                TakeSnapshot(offered.Snapshot);
                break;
            case CoreInput<TCommand>.Replayed replayed:
                Fold(replayed.Event);
                break;
            case CoreInput<TCommand>.Unreadable unreadable:
                TakeUnreadable(unreadable);
                break;
            case CoreInput<TCommand>.Recovered:
                FinishRecovery();
                break;
            case CoreInput<TCommand>.Received received:
                TakeCommand(received.Envelope);
                break;
            case CoreInput<TCommand>.CommandFound found:
                TakeLookup(found.Record);
                break;
            case CoreInput<TCommand>.CommandNotFound notFound:
                Phase = EntityPhase.Ready;
                Finish(new CommandReply.Unavailable(UnavailableReason.JournalUnavailable, notFound.Message));
                break;
            case CoreInput<TCommand>.Persisted:
                Commit(_work!);
                break;
            case CoreInput<TCommand>.NotPersisted notPersisted:
                Phase = EntityPhase.Ready;
                Finish(new CommandReply.Unavailable(UnavailableReason.JournalFull, notPersisted.Message));
                break;
            case CoreInput<TCommand>.PersistUnknown unknown:
                LoseTrack(unknown.Message);
                break;
            case CoreInput<TCommand>.Woken:
                _wakeAt = null;
                break;
            case CoreInput<TCommand>.QuarantineLifted:
                LiftQuarantine();
                break;
            case CoreInput<TCommand>.Idle:
                PassivateIfIdle();
                break;
            default:
                throw new InvalidOperationException($"The core of {_id} does not know the input {input}.");
        }
    }

    private void CheckProtocol(CoreInput<TCommand> input)
    {
        var fits = input switch
        {
            CoreInput<TCommand>.Offered => IsReading && Head.Sequence == 0 && !_memory.ReadsWholeStream
                || Phase == EntityPhase.Ended,
            CoreInput<TCommand>.Replayed or CoreInput<TCommand>.Unreadable or CoreInput<TCommand>.Recovered =>
                IsReading || Phase == EntityPhase.Ended,
            CoreInput<TCommand>.Received => CanAccept,
            CoreInput<TCommand>.Persisted or CoreInput<TCommand>.NotPersisted or CoreInput<TCommand>.PersistUnknown =>
                Phase == EntityPhase.Persisting,
            CoreInput<TCommand>.CommandFound or CoreInput<TCommand>.CommandNotFound => Phase == EntityPhase.LookingUp,
            _ => Phase is not (EntityPhase.Recovering or EntityPhase.Ended),
        };
        if (!fits)
        {
            throw new InvalidOperationException($"The core of {_id} is {Phase} and does not wait for {input}.");
        }
    }

    private void PassivateIfIdle()
    {
        if (Phase == EntityPhase.Ready && _running.IsEmpty)
        {
            ForgetOldFailures();
            End(new CoreOutput.Passivate());
        }
    }

    private void End(CoreOutput last)
    {
        Phase = EntityPhase.Ended;
        _outputs.Add(last);
    }

    /// <summary>A command under way, with what was decided about it.</summary>
    private sealed class Work(CommandEnvelope<TCommand> envelope, DurableTimer? timer)
    {
        public CommandEnvelope<TCommand> Envelope => envelope;

        /// <summary>The timer that became this command; null when somebody waits for the reply.</summary>
        public DurableTimer? Timer => timer;

        public bool LookedUp { get; set; }

        /// <summary>The state after the command's events.</summary>
        public TState? State { get; set; }

        /// <summary>The head of the stream after them.</summary>
        public StreamHead Head { get; set; }

        public ImmutableArray<ArmedTimer> Timers { get; set; }

        public ImmutableArray<Effect> Effects { get; set; }

        public DateTimeOffset DecidedAt { get; set; }
    }
}
