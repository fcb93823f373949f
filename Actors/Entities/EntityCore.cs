// The entity core: the complete semantics of an entity, without I/O. A host owns one core per active entity, feeds
// it inputs one at a time, runs the outputs and feeds the replies back. The actor and the simulator drive the
// same core.
//
//   phase        waits for                             leaves to
//   Recovering   Offered, Replayed…, Recovered         Ready · Quarantined · Ended (a snapshot that is of no use)
//   Ready        Received, Woken, Idle                 Persisting · LookingUp · Ended (passivated, restarted)
//   LookingUp    CommandFound, CommandNotFound         Ready · Persisting
//   Persisting   Persisted, NotPersisted,              Ready · Ended (unknown)
//                PersistUnknown
//   Quarantined  QuarantineLifted                      Ended; the reply to Received is the cause
//   Ended
//
// Invariants: at most one question is open; each received command gets exactly one reply; no effect, no reply
// Accepted and no state a reader can see comes before its events are durable. That holds because the new state is
// computed on the side while deciding (so that an event that cannot be folded is never stored) and takes the place of
// the old one only on Persisted.
// After PersistUnknown nothing is certain but the journal: the core ends, and the next one reads it. Its caller sends
// the same command id again; the window and, for older ones, the journal know whether it took effect (I18, I19).
// Two owners of one entity can never both append: a journal takes each sequence number of a stream once, and the second
// owner gets PersistUnknown, reads the stream again and decides again.
// What happened to the entity in this run of the host (timers on the steady clock, exceptions) passes from one core
// to the next in the EntityMemory. Time comes in with each step; there is no randomness and no hash order, so equal
// inputs give equal outputs.
//
// The core holds the phases and the one command in progress. Each of its collaborators is a class of its own:
// EntityHistory (the durable state, head and commands), EntityTimers (the alarms), RunningEffects (the effects that the
// host has started), EntityRecovery (what was read, and what was wrong with it). None of them knows the core.
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>Runs one event-sourced entity as a pure, synchronous state machine. Not safe for concurrent use.</summary>
public sealed class EntityCore<TAggregate, TState, TCommand, TEvent>
    where TAggregate : IAggregate<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    private const string EngineActor = "engine";

    private readonly PersistenceId _id;
    private readonly EntityCoreOptions _options;
    private readonly EntityMemory _memory;
    private readonly EntityHistory<TAggregate, TState, TCommand, TEvent> _history;
    private readonly EntityTimers _timers;
    private readonly EntityRecovery<TAggregate, TState, TCommand, TEvent> _recovery;
    private readonly RunningEffects _effects = new();
    private readonly List<CoreOutput> _outputs = new(4);
    private EngineInstant _now;
    private PendingCommand<TState, TCommand>? _pending;

    /// <summary>Creates a core that waits for its recovery.</summary>
    /// <param name="id">The id of the entity's stream.</param>
    /// <param name="codec">The codec between values and stored bytes.</param>
    /// <param name="options">The limits.</param>
    /// <param name="memory">What the entity's previous core left.</param>
    public EntityCore(
        PersistenceId id, IEntityCodec<TState, TCommand, TEvent> codec, EntityCoreOptions options, EntityMemory memory)
    {
        _id = id;
        _options = options;
        _memory = memory;
        _history = new(id, codec, options);
        _timers = new(memory);
        _recovery = new(id, _history, _timers, memory);
    }

    /// <summary>The phase, which determines the inputs that the core accepts.</summary>
    public EntityPhase Phase { get; private set; }

    /// <summary>Whether the core can take a command now. Until then the host keeps commands waiting.</summary>
    public bool CanAccept => Phase is EntityPhase.Ready or EntityPhase.Quarantined;

    /// <summary>The durable state. Meaningful while <see cref="Phase"/> is Ready, LookingUp or Persisting.</summary>
    public TState State => _history.State;

    /// <summary>The last durable event that <see cref="State"/> contains.</summary>
    public StreamHead Head => _history.Head;

    /// <summary>Why the entity is out of service; null while it is in service.</summary>
    public string? QuarantineCause { get; private set; }

    private bool IsReading => Phase == EntityPhase.Recovering && !_recovery.IsOver;

    /// <summary>Processes one input and returns the resulting outputs, in order.</summary>
    /// <param name="input">The input; must be one that <see cref="Phase"/> accepts.</param>
    /// <param name="now">The current instant.</param>
    /// <returns>The outputs. The list is reused by the next step.</returns>
    /// <exception cref="InvalidOperationException">The input is not allowed in the current phase.</exception>
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
                when _recovery.HasFailed || Phase == EntityPhase.Ended:
            case CoreInput<TCommand>.Recovered when Phase == EntityPhase.Ended:
                // What recovery has found already decides the outcome; the host still reads to the end.
                break;
            case CoreInput<TCommand>.Offered offered:
                IgnoreIfUseless(_recovery.Take(offered.Snapshot));
                break;
            case CoreInput<TCommand>.Replayed replayed:
                _recovery.Take(replayed.Event);
                break;
            case CoreInput<TCommand>.Unreadable { IsSnapshot: true } unreadable:
                IgnoreIfUseless(unreadable.Record.Reason);
                break;
            case CoreInput<TCommand>.Unreadable unreadable:
                _recovery.Take(unreadable.Record);
                break;
            case CoreInput<TCommand>.Recovered:
                Begin(_recovery.Finish(_now));
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
                Commit(_pending!);
                break;
            case CoreInput<TCommand>.NotPersisted notPersisted:
                Phase = EntityPhase.Ready;
                Finish(new CommandReply.Unavailable(UnavailableReason.JournalFull, notPersisted.Message));
                break;
            case CoreInput<TCommand>.PersistUnknown unknown:
                LoseTrack(unknown.Message);
                break;
            case CoreInput<TCommand>.Woken:
                _timers.Woken();
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
            throw new InvalidOperationException($"The core of {_id} is {Phase} and does not expect {input}.");
        }
    }

    /// <summary>
    /// Restarts the core without the snapshot when the snapshot is useless. The host has already begun to read after
    /// it.
    /// </summary>
    private void IgnoreIfUseless(string? objection)
    {
        if (objection is not null)
        {
            _memory.ReadsWholeStream = true;
            _outputs.Add(new CoreOutput.SnapshotIgnored(objection));
            End(new CoreOutput.Restart(null));
        }
    }

    private void Begin(ImmutableArray<Effect> outstanding)
    {
        Phase = EntityPhase.Ready;
        _effects.Settle(outstanding, _outputs);
        SaveSnapshotIfDue();
    }

    // Commands, one at a time: found in the window or the journal, or decided and persisted.

    private void TakeCommand(CommandEnvelope<TCommand> envelope)
    {
        if (Phase == EntityPhase.Quarantined)
        {
            _outputs.Add(new CoreOutput.Reply(envelope.Id, new CommandReply.Quarantined(QuarantineCause!)));
            return;
        }

        _pending = new PendingCommand<TState, TCommand>(envelope, timer: null);
        var journalMayTakeItTwice = _memory.IsDoubted(envelope.Id) || _memory.EventsMayBeArchived;
        if (journalMayTakeItTwice && !_history.Commands.CoversStream && _history.Commands.Find(envelope.Id) is null)
        {
            LookUp(_pending);
        }
        else
        {
            Decide(_pending);
        }
    }

    private void Decide(PendingCommand<TState, TCommand> command)
    {
        var envelope = command.Envelope;
        if (_history.Commands.AnswerTo(envelope.Id, envelope.Digest) is { } known)
        {
            Finish(known);
            return;
        }

        var context = new DecisionContext(_now.Wall, envelope.Id, envelope.Actor)
        {
            Steady = _now.InLife, Digest = envelope.Digest,
        };
        var decision = TAggregate.Decide(State, envelope.Command, context);
        switch (decision)
        {
            case Decision<TEvent>.Accepted { Events.IsEmpty: false } accepted:
                Propose(command, context, accepted.Events);
                break;
            case Decision<TEvent>.Refused or Decision<TEvent>.Accepted when MayBeOldNews(command):
                LookUp(command);
                break;
            case Decision<TEvent>.Refused refused:
                FinishForGood(new CommandReply.Refused(refused.Refusal));
                break;
            default:
                FinishForGood(new CommandReply.Accepted(Head.Sequence));
                break;
        }
    }

    /// <summary>
    /// Whether a command that changes nothing must be looked up in the journal before its reply: it may have been
    /// accepted long ago and delivered again. One that changes something needs no lookup: a journal accepts each
    /// command id once per stream, and a command whose persist failed is looked up when it is sent again. Where events
    /// have left the journal, every command is looked up first.
    /// </summary>
    private bool MayBeOldNews(PendingCommand<TState, TCommand> command) =>
        !command.LookedUp && command.Timer is null && !_history.Commands.CoversStream;

    private void LookUp(PendingCommand<TState, TCommand> command)
    {
        command.LookedUp = true;
        Phase = EntityPhase.LookingUp;
        _outputs.Add(new CoreOutput.FindCommand(command.Envelope.Id));
    }

    private void Propose(
        PendingCommand<TState, TCommand> command, DecisionContext context, ImmutableArray<TEvent> events)
    {
        var state = _history.After(events);
        command.State = state;
        command.Timers = _timers.AlarmsOf(TAggregate.Timers(state), _now, recovered: false);
        command.Effects = TAggregate.Outstanding(state);
        command.DecidedAt = context.Now;
        var stored = _history.Seal(
            events, command.Envelope.Command, context,
            new WakeMark(EntityTimers.EarliestDue(command.Timers), !command.Effects.IsEmpty));
        command.Head = stored[^1].Head;
        Phase = EntityPhase.Persisting;
        _outputs.Add(new CoreOutput.Persist(ImmutableCollectionsMarshal.AsImmutableArray(stored)));
    }

    private void Commit(PendingCommand<TState, TCommand> command)
    {
        _history.Advance(command.State!, command.Head, command.DecidedAt);
        _timers.Arm(command.Timers);
        Phase = EntityPhase.Ready;
        FinishForGood(new CommandReply.Accepted(Head.Sequence));
        _effects.Settle(command.Effects, _outputs);
        SaveSnapshotIfDue();
    }

    private void SaveSnapshotIfDue()
    {
        if (_history.SnapshotIfDue() is { } snapshot)
        {
            _outputs.Add(new CoreOutput.SaveSnapshot(snapshot));
        }
    }

    private void TakeLookup(CommandRecord? record)
    {
        var command = _pending!;
        Phase = EntityPhase.Ready;
        if (record is null)
        {
            Decide(command);
        }
        else
        {
            Finish(_history.Commands.Recall(record, command.Envelope.Digest));
        }
    }

    private void LoseTrack(string message)
    {
        if (_pending!.Timer is null)
        {
            _memory.Doubt(_pending.Envelope.Id);
            Finish(new CommandReply.Unavailable(UnavailableReason.JournalUnavailable, message));
        }

        // A timer stays due: the next core checks whether its command took effect and otherwise sends it at once.
        _pending = null;
        End(new CoreOutput.Restart(null));
    }

    /// <summary>
    /// Replies to the current command and records the reply for repeated deliveries. A timer whose command changed
    /// nothing is decided again at its next retry, because the outcome may differ by then.
    /// </summary>
    private void FinishForGood(CommandReply reply)
    {
        if (_pending!.Timer is null)
        {
            _history.Commands.Remember(_pending.Envelope.Id, reply, _pending.Envelope.Digest);
        }

        Finish(reply);
    }

    private void Finish(CommandReply reply)
    {
        if (_pending is not { } command)
        {
            return;
        }

        _pending = null;
        if (command.Timer is null)
        {
            _outputs.Add(new CoreOutput.Reply(command.Envelope.Id, reply));
        }
        else
        {
            _timers.Delay(command.Timer, _now.Steady + _options.TimerRetry);
        }
    }

    // Timers: a due one becomes a command. If the state still holds the same timer afterwards, the command changed
    // nothing, and the timer fires again after EntityCoreOptions.TimerRetry instead of at once in a loop.

    /// <summary>
    /// Turns due timers into commands until one needs the journal, then asks to be woken for the next.
    /// </summary>
    private void SettleTimers()
    {
        while (Phase == EntityPhase.Ready && _pending is null)
        {
            var next = _timers.Next();
            if (next is null || next.Due > _now.Steady)
            {
                Wake(next?.Due);
                return;
            }

            var envelope = new CommandEnvelope<TCommand>(
                EntityTimers.CommandIdOf(next.Timer, _id, Head.Sequence), EngineActor,
                TAggregate.TimerDue(next.Timer.Name, next.Timer.DueAt));
            _pending = new PendingCommand<TState, TCommand>(envelope, next.Timer);
            Decide(_pending);
        }
    }

    private void Wake(DateTimeOffset? due)
    {
        if (_timers.WakeAt(due))
        {
            _outputs.Add(new CoreOutput.WakeAt(due));
        }
    }

    // The end: idle, failed, or out of service.

    private void PassivateIfIdle()
    {
        if (Phase == EntityPhase.Ready && _effects.IsEmpty)
        {
            _memory.ForgetFailures(_now.Steady, _options.RestartWindow);
            End(new CoreOutput.Passivate());
        }
    }

    private void End(CoreOutput last)
    {
        Phase = EntityPhase.Ended;
        _outputs.Add(last);
    }

    private void Fail(Exception cause)
    {
        // Reading damaged or unknown data again cannot help. Any other failure is retried within the budget, from the
        // whole stream.
        var failures = _memory.CountFailure(_now.Steady, _options.RestartWindow);
        var hopeless = cause is JournalCorruptException or UnreadableEventException;
        if (hopeless || failures > _options.RestartBudget)
        {
            Quarantine(cause);
            return;
        }

        _memory.ReadsWholeStream = true;
        Finish(new CommandReply.Unavailable(UnavailableReason.EntityFailed, Describe(cause)));
        End(new CoreOutput.Restart(cause));
    }

    private void Quarantine(Exception cause)
    {
        QuarantineCause = $"{_id} is quarantined: {Describe(cause)}";
        Phase = EntityPhase.Quarantined;
        Finish(new CommandReply.Quarantined(QuarantineCause));
        _effects.Settle([], _outputs);
        _outputs.Add(new CoreOutput.Quarantined(QuarantineCause, cause));
        Wake(null);
    }

    private void LiftQuarantine()
    {
        if (Phase == EntityPhase.Quarantined)
        {
            _memory.ReadsWholeStream = true;
            _memory.ForgetFailures();
            End(new CoreOutput.Restart(null));
        }
    }

    private static string Describe(Exception cause) =>
        cause is JournalCorruptException or UnreadableEventException or ImpossibleEventException
            or InvariantViolationException
            ? cause.Message
            : $"{cause.GetType().Name}: {cause.Message}";
}
