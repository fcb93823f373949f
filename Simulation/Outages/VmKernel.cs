using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Simulation.Kernel;
using Input = ReplicationEngine.Actors.Entities.EntityInput<
    ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand>;
using VmEntityKernel = ReplicationEngine.Actors.Entities.EntityKernel<
    ReplicationEngine.Engine.ProtectedVms.ProtectedVm,
    ReplicationEngine.Engine.ProtectedVms.ProtectedVmState,
    ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand,
    ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent>;

namespace ReplicationEngine.Simulation.Outages;

/// <summary>
/// Runs one machine's entity in the engine's own kernel, over a journal in memory. It keeps the newest snapshot and the
/// events after it, which is all that a kernel ever reads back; a year of a hundred machines would not fit otherwise.
/// </summary>
internal sealed class VmKernel
{
    private static readonly ProtectedVmCodec Codec = new();
    private static readonly EntityKernelOptions Options = new();

    private readonly EventQueue _queue;
    private readonly DateTimeOffset _start;
    private readonly PersistenceId _id;
    private readonly List<StoredEvent> _events = [];
    private readonly int _number;
    private StoredSnapshot? _snapshot;
    private StreamHead _head;
    private VmEntityKernel? _kernel;
    private long _commands;
    private long _alarm;
    private long _epoch;
    private CommandReply? _reply;

    public VmKernel(EventQueue queue, DateTimeOffset start, string vm, int number)
    {
        (_queue, _start, _number) = (queue, start, number);
        _id = new PersistenceId(ProtectedVm.TypeName, new VaultId("simulated"), vm);
    }

    /// <summary>Carries out an effect.</summary>
    public required Action<ProtectedVmEffect> Dispatched { get; init; }

    /// <summary>The state became another one: before and after.</summary>
    public required Action<ProtectedVmState, ProtectedVmState> Changed { get; init; }

    /// <summary>An event was stored; null when nobody wants to know.</summary>
    public Action<StoredEvent>? Stored { get; init; }

    /// <summary>The newest durable state, also while the service is down.</summary>
    public ProtectedVmState State { get; private set; } = ProtectedVm.Initial;

    /// <summary>Whether the service runs.</summary>
    public bool Running => _kernel is not null;

    /// <summary>Events stored so far.</summary>
    public long Events => _head.Sequence;

    /// <summary>The seal over all of them.</summary>
    public ChainHash Hash => _head.Hash;

    /// <summary>Commands that the kernel took.</summary>
    public long Commands => _commands;

    private DateTimeOffset Wall => _start + _queue.Now;

    /// <summary>The service starts: the entity is loaded from the journal.</summary>
    public void Start()
    {
        _kernel = new VmEntityKernel(_id, Codec, new FencingToken("simulated", ++_epoch), Options);
        Drive(new Input.Started());
    }

    /// <summary>The service stops where it stands.</summary>
    public void Stop()
    {
        _kernel = null;
        _alarm++;
    }

    /// <summary>Gives a command and takes the reply.</summary>
    public CommandReply Tell(ProtectedVmCommand command, string actor = ProtectedVm.EngineActor)
    {
        if (_kernel is null)
        {
            return new CommandReply.Unavailable(UnavailableReason.NotRunning, "The service is down.");
        }

        var number = ++_commands;
        var id = new CommandId(new Guid(_number, (short)(number >> 48), (short)(number >> 32),
            (byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8), (byte)number, 1, 2, 3, 4));
        _reply = null;
        Drive(new Input.Submitted(new CommandEnvelope<ProtectedVmCommand>(id, actor, command)));
        return _reply ?? throw new InvalidOperationException($"{_id} gave no reply to {command}.");
    }

    private void Drive(Input first)
    {
        var before = State;
        var effects = new List<ProtectedVmEffect>();
        for (Input? next = first; next is not null;)
        {
            Input? answer = null;
            foreach (var output in _kernel!.Step(next, new EngineInstant(Wall, Wall)))
            {
                answer = Answer(output, effects) ?? answer;
            }

            next = answer;
        }

        if (_kernel!.Phase != EntityPhase.Ready)
        {
            throw new InvalidOperationException(
                $"The kernel of {_id} came to {_kernel.Phase}: {_kernel.QuarantineCause ?? _reply?.ToString()}");
        }

        State = _kernel.State;
        effects.ForEach(effect => Dispatched(effect));
        if (!ReferenceEquals(before, State))
        {
            Changed(before, State);
        }
    }

    private Input? Answer(EntityOutput output, List<ProtectedVmEffect> effects)
    {
        switch (output)
        {
            case EntityOutput.ReadSnapshot:
                return new Input.SnapshotRead(_snapshot);
            case EntityOutput.ReadStream read:
                var events = _events.FindAll(stored => stored.Sequence > read.After.Sequence);
                return new Input.StreamRead(new StreamSlice(events, EndOfStream: true));
            case EntityOutput.FindCommand:
                // Every id is used once here, so none is ever known from before.
                return new Input.CommandFound(null);
            case EntityOutput.Append append:
                return new Input.AppendJudged(Append(append.Request));
            case EntityOutput.SaveSnapshot save:
                _snapshot = save.Snapshot;
                _events.RemoveAll(stored => stored.Sequence <= save.Snapshot.Head.Sequence);
                return null;
            case EntityOutput.SetAlarm alarm:
                Arm(alarm.Due);
                return null;
            case EntityOutput.Dispatch dispatch:
                effects.Add((ProtectedVmEffect)dispatch.Effect);
                return null;
            case EntityOutput.Reply reply:
                _reply = reply.Answer;
                return null;
            case EntityOutput.Restarted restarted:
                throw new InvalidOperationException($"{_id} met an exception.", restarted.Cause);
            default:
                return null;
        }
    }

    private AppendOutcome Append(AppendRequest request)
    {
        if (request.Expected != _head)
        {
            return new AppendOutcome.VersionConflict(_head);
        }

        _events.AddRange(request.Events);
        _head = request.NewHead;
        foreach (var stored in request.Events)
        {
            Stored?.Invoke(stored);
        }

        return new AppendOutcome.Appended(new FeedPosition(_head.Sequence));
    }

    private void Arm(DateTimeOffset? due)
    {
        var setting = ++_alarm;
        if (due is { } at)
        {
            _queue.At(at - _start, () =>
            {
                if (setting == _alarm && _kernel is not null)
                {
                    Drive(new Input.AlarmRang());
                }
            });
        }
    }
}
