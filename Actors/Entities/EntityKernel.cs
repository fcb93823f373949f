// The entity kernel: everything that an entity's semantics are, and no I/O. A host owns one kernel per active entity,
// feeds it inputs one at a time, carries out the outputs and feeds the answers back. The built-in host, the simulator
// and any later host drive the same kernel.
//
//   phase        waits for                        leaves to
//   Created      Started                          Loading
//   Loading      SnapshotRead, StreamRead         Ready · Quarantined · Stopped · (decides the command it still holds)
//   Ready        Submitted, AlarmRang, Idle…      Appending · LookingUp · Passivated
//   LookingUp    CommandFound                     Ready · Appending
//   Appending    AppendJudged                     Ready · Loading (conflict) · TakingEpoch (unknown) · Stopped (fenced)
//   TakingEpoch  EpochTaken, EpochRefused         Loading · Stopped
//   Quarantined  QuarantineLifted                 Loading; Submitted is answered with the cause
//   Passivated, Stopped: ends
//
// Invariants: at most one question is open; each submitted command gets exactly one reply; no effect, no reply
// Accepted and no state a reader can see comes before its events are durable. That holds because the new state is
// computed on the side while deciding (so that an event that cannot be folded is never stored) and takes the place of
// the old one only on Appended.
// After Unknown nothing is said until a newer epoch is ours: from then on the old append can no longer become durable,
// so what the stream says is final. The command is decided again unless the stream holds it; the journal takes each
// command id once per stream, so even a command older than the remembered ones cannot happen twice (I18, I19).
// Time comes in with each step; there is no randomness and no hash order, so equal inputs give equal outputs.
using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>What an entity's kernel is waiting for; see the head of its file.</summary>
public enum EntityPhase
{
    /// <summary>Waits to be started.</summary>
    Created,

    /// <summary>Reads snapshot and stream.</summary>
    Loading,

    /// <summary>Serves.</summary>
    Ready,

    /// <summary>Asks the journal whether it knows a command.</summary>
    LookingUp,

    /// <summary>Waits for the journal.</summary>
    Appending,

    /// <summary>Settles an append of unknown outcome.</summary>
    TakingEpoch,

    /// <summary>Out of service, with a cause.</summary>
    Quarantined,

    /// <summary>Ended, nothing in flight.</summary>
    Passivated,

    /// <summary>Ended, because it may not or cannot go on.</summary>
    Stopped,
}

/// <summary>Runs one event-sourced entity as a pure, synchronous state machine. Not safe for concurrent use.</summary>
public sealed partial class EntityKernel<TAggregate, TState, TCommand, TEvent>
    where TAggregate : IAggregate<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    private readonly PersistenceId _id;
    private readonly IEntityCodec<TState, TCommand, TEvent> _codec;
    private readonly EntityKernelOptions _options;
    private readonly RecentCommands _recent;
    private readonly List<EntityOutput> _outputs = new(4);
    private FencingToken _token;
    private EngineInstant _now;
    private Work? _work;
    private string? _quarantineCause;

    /// <summary>Creates a kernel that waits for <see cref="EntityInput{TCommand}.Started"/>.</summary>
    public EntityKernel(
        PersistenceId id, IEntityCodec<TState, TCommand, TEvent> codec, FencingToken token, EntityKernelOptions options)
    {
        _id = id;
        _codec = codec;
        _token = token;
        _options = options;
        _recent = new RecentCommands(options.RememberedCommands);
    }

    /// <summary>What it is waiting for.</summary>
    public EntityPhase Phase { get; private set; }

    /// <summary>Whether a command may be submitted now; until then it waits in the host's mailbox.</summary>
    public bool CanAccept => Phase is EntityPhase.Ready or EntityPhase.Quarantined;

    /// <summary>The durable state; meaningful while <see cref="Phase"/> is Ready, LookingUp or Appending.</summary>
    public TState State { get; private set; } = TAggregate.Initial;

    /// <summary>The last durable event that <see cref="State"/> contains.</summary>
    public StreamHead Head { get; private set; }

    /// <summary>Why it is out of service, when it is.</summary>
    public string? QuarantineCause => _quarantineCause;

    /// <summary>Takes one input and answers what is to be done, in order.</summary>
    /// <param name="input">The input; only one that <see cref="Phase"/> waits for.</param>
    /// <param name="now">The instant.</param>
    /// <returns>The outputs; the list is reused by the next step.</returns>
    /// <exception cref="InvalidOperationException">The host broke the protocol.</exception>
    public IReadOnlyList<EntityOutput> Step(EntityInput<TCommand> input, EngineInstant now)
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
            // Everything called above that can throw is the aggregate or the codec; the supervisor's rule decides.
            Fail(exception);
        }

        return _outputs;
    }

    private void Handle(EntityInput<TCommand> input)
    {
        switch (input)
        {
            case EntityInput<TCommand>.Started started:
                _armed = [.. started.Timers];
                _loadedBefore = !_armed.IsEmpty;
                BeginLoad();
                break;
            case EntityInput<TCommand>.SnapshotRead read:
                TakeSnapshot(read.Snapshot);
                break;
            case EntityInput<TCommand>.StreamRead read:
                TakeSlice(read.Slice);
                break;
            case EntityInput<TCommand>.ReadFailed failed:
                TakeReadFailure(failed.Cause);
                break;
            case EntityInput<TCommand>.Submitted submitted:
                TakeCommand(submitted.Envelope);
                break;
            case EntityInput<TCommand>.AppendJudged judged:
                TakeOutcome(judged.Outcome);
                break;
            case EntityInput<TCommand>.CommandFound found:
                TakeLookup(found.Record);
                break;
            case EntityInput<TCommand>.EpochTaken taken:
                _token = taken.Token;
                BeginLoad();
                break;
            case EntityInput<TCommand>.EpochRefused refused:
                Stop(UnavailableReason.JournalUnavailable, refused.Reason);
                break;
            case EntityInput<TCommand>.AlarmRang:
                _alarm = null;
                break;
            case EntityInput<TCommand>.QuarantineLifted:
                LiftQuarantine();
                break;
            case EntityInput<TCommand>.IdleTimedOut:
                PassivateIfIdle();
                break;
            default:
                throw new InvalidOperationException($"The kernel of {_id} does not know the input {input}.");
        }
    }

    private void CheckProtocol(EntityInput<TCommand> input)
    {
        var fits = input switch
        {
            EntityInput<TCommand>.Started => Phase == EntityPhase.Created,
            EntityInput<TCommand>.SnapshotRead or EntityInput<TCommand>.StreamRead => Phase == EntityPhase.Loading,
            EntityInput<TCommand>.ReadFailed => Phase is EntityPhase.Loading or EntityPhase.LookingUp,
            EntityInput<TCommand>.Submitted => CanAccept,
            EntityInput<TCommand>.AppendJudged => Phase == EntityPhase.Appending,
            EntityInput<TCommand>.CommandFound => Phase == EntityPhase.LookingUp,
            EntityInput<TCommand>.EpochTaken or EntityInput<TCommand>.EpochRefused => Phase == EntityPhase.TakingEpoch,
            _ => Phase is not (EntityPhase.Created or EntityPhase.Passivated or EntityPhase.Stopped),
        };
        if (!fits)
        {
            throw new InvalidOperationException($"The kernel of {_id} is {Phase} and does not wait for {input}.");
        }
    }

    private void PassivateIfIdle()
    {
        if (Phase == EntityPhase.Ready && !_owesEffects)
        {
            Phase = EntityPhase.Passivated;
            _outputs.Add(new EntityOutput.Passivated());
        }
    }

    private void Stop(UnavailableReason reason, string message)
    {
        Finish(new CommandReply.Unavailable(reason, message));
        Phase = EntityPhase.Stopped;
        _outputs.Add(new EntityOutput.Stopped(reason, message));
    }

    /// <summary>A command under way, with what was decided about it.</summary>
    private sealed class Work(CommandEnvelope<TCommand> envelope, DurableTimer? timer)
    {
        public CommandEnvelope<TCommand> Envelope => envelope;

        /// <summary>The timer that became this command; null when somebody waits for the reply.</summary>
        public DurableTimer? Timer => timer;

        public bool LookedUp { get; set; }

        /// <summary>The domain refused it before the journal was asked whether it knows it.</summary>
        public bool Refused { get; set; }

        public int Conflicts { get; set; }

        public ImmutableArray<TEvent> Events { get; set; }

        /// <summary>The state after each of <see cref="Events"/>.</summary>
        public TState[] States { get; set; } = [];

        public Owed Owed { get; set; }

        public AppendRequest? Request { get; set; }
    }

    /// <summary>What a state still owes.</summary>
    private readonly record struct Owed(ImmutableArray<ArmedTimer> Timers, bool Effects);
}
