using System.Collections.Immutable;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Simulation.Kernel;
using Input = ReplicationEngine.Actors.Entities.CoreInput<ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand>;
using VmEntityCore = ReplicationEngine.Actors.Entities.EntityCore<
    ReplicationEngine.Engine.ProtectedVms.ProtectedVm,
    ReplicationEngine.Engine.ProtectedVms.ProtectedVmState,
    ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand,
    ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent>;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// Runs the entity of one machine in the engine's own core, over a journal in memory. The journal keeps only the newest
/// snapshot and the events after it, because a core reads nothing else; all events of a hundred machines in a year
/// would not fit into memory.
/// </summary>
internal sealed class VmCore
{
    private static readonly ProtectedVmCodec Codec = new();
    private static readonly EntityCoreOptions Options = new();

    private readonly EventQueue _queue;
    private readonly DateTimeOffset _start;
    private readonly PersistenceId _id;
    private readonly List<StoredEvent> _events = [];
    private readonly int _number;
    private EntitySnapshot? _snapshot;
    private StreamHead _head;
    private VmEntityCore? _core;
    private long _commands;
    private long _alarm;
    private CommandReply? _reply;

    public VmCore(EventQueue queue, DateTimeOffset start, string vm, int number)
    {
        (_queue, _start, _number) = (queue, start, number);
        _id = new PersistenceId(ProtectedVm.TypeName, new VaultId("simulated"), vm);
    }

    /// <summary>Called to run an effect.</summary>
    public required Action<ProtectedVmEffect> Started { get; init; }

    /// <summary>Called with the id of an effect when it is no longer outstanding.</summary>
    public required Action<EffectId> Cancelled { get; init; }

    /// <summary>Called when the state has changed, with the state before and after the change.</summary>
    public required Action<ProtectedVmState, ProtectedVmState> Changed { get; init; }

    /// <summary>Called with every event that was stored; may be null.</summary>
    public Action<StoredEvent>? Stored { get; init; }

    /// <summary>The newest durable state, which is known also while the service is down.</summary>
    public ProtectedVmState State { get; private set; } = ProtectedVm.Initial;

    /// <summary>Whether the service runs, so that the entity takes commands.</summary>
    public bool Running => _core is not null;

    /// <summary>The number of events stored so far.</summary>
    public long Events => _head.Sequence;

    /// <summary>The chain hash over all stored events.</summary>
    public ChainHash Hash => _head.Hash;

    /// <summary>The number of commands that the core received.</summary>
    public long Commands => _commands;

    private EngineInstant Now => new(_start + _queue.Now, _start + _queue.Now);

    /// <summary>Loads the entity from the journal, as a start of the service does.</summary>
    public void Start()
    {
        _core = new VmEntityCore(_id, Codec, Options, new EntityMemory());
        if (_snapshot is { } snapshot)
        {
            _core.Step(new Input.Offered(snapshot), Now);
        }

        foreach (var stored in _events)
        {
            _core.Step(new Input.Replayed(stored), Now);
        }

        Drive(new Input.Recovered());
    }

    /// <summary>Drops the entity at once, as a crash of the service does.</summary>
    public void Stop()
    {
        _core = null;
        _alarm++;
    }

    /// <summary>Gives a command to the entity and returns the reply.</summary>
    public CommandReply Tell(ProtectedVmCommand command, string actor = ProtectedVm.EngineActor)
    {
        if (_core is null)
        {
            return new CommandReply.Unavailable(UnavailableReason.NotRunning, "The service is down.");
        }

        var number = ++_commands;
        var id = new CommandId(new Guid(_number, (short)(number >> 48), (short)(number >> 32),
            (byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8), (byte)number, 1, 2, 3, 4));
        _reply = null;
        Drive(new Input.Received(new CommandEnvelope<ProtectedVmCommand>(id, actor, command)));
        return _reply ?? throw new InvalidOperationException($"{_id} gave no reply to {command}.");
    }

    private void Drive(Input first)
    {
        var before = State;
        var effects = new List<ProtectedVmEffect>();
        for (Input? next = first; next is not null;)
        {
            Input? answer = null;
            foreach (var output in _core!.Step(next, Now))
            {
                answer = Answer(output, effects) ?? answer;
            }

            next = answer;
        }

        if (_core!.Phase != EntityPhase.Ready)
        {
            throw new InvalidOperationException(
                $"The core of {_id} came to {_core.Phase}: {_core.QuarantineCause ?? _reply?.ToString()}");
        }

        State = _core.State;
        effects.ForEach(effect => Started(effect));
        if (!ReferenceEquals(before, State))
        {
            Changed(before, State);
        }
    }

    private Input? Answer(CoreOutput output, List<ProtectedVmEffect> effects)
    {
        switch (output)
        {
            case CoreOutput.FindCommand:
                // Each id is used only once here, so no command is known from before.
                return new Input.CommandFound(null);
            case CoreOutput.Persist persist:
                Append(persist.Events);
                return new Input.Persisted();
            case CoreOutput.SaveSnapshot save:
                _snapshot = save.Snapshot;
                _events.RemoveAll(stored => stored.Sequence <= save.Snapshot.Head.Sequence);
                return null;
            case CoreOutput.WakeAt wake:
                Arm(wake.Due);
                return null;
            case CoreOutput.StartEffect start:
                effects.Add((ProtectedVmEffect)start.Effect);
                return null;
            case CoreOutput.CancelEffect cancel:
                Cancelled(cancel.EffectId);
                return null;
            case CoreOutput.Reply reply:
                _reply = reply.Answer;
                return null;
            case CoreOutput.Restart restart:
                throw new InvalidOperationException($"{_id} met an exception.", restart.Cause);
            default:
                return null;
        }
    }

    private void Append(ImmutableArray<StoredEvent> events)
    {
        _events.AddRange(events);
        _head = events[^1].Head;
        foreach (var stored in events)
        {
            Stored?.Invoke(stored);
        }
    }

    private void Arm(DateTimeOffset? due)
    {
        var setting = ++_alarm;
        if (due is { } at)
        {
            _queue.At(at - _start, () =>
            {
                if (setting == _alarm && _core is not null)
                {
                    Drive(new Input.Woken());
                }
            });
        }
    }
}
