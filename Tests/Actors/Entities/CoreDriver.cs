using System.Collections.Immutable;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Tests.TestKit.Counters;
using CounterCore = ReplicationEngine.Actors.Entities.EntityCore<
    ReplicationEngine.Tests.TestKit.Counters.Counter,
    ReplicationEngine.Tests.TestKit.Counters.CounterState,
    ReplicationEngine.Tests.TestKit.Counters.CounterCommand,
    ReplicationEngine.Tests.TestKit.Counters.CounterEvent>;
using Input = ReplicationEngine.Actors.Entities.CoreInput<ReplicationEngine.Tests.TestKit.Counters.CounterCommand>;

namespace ReplicationEngine.Tests.Actors.Entities;

public enum PersistFault
{
    None,

    /// <summary>Not written; the answer is unknown.</summary>
    UnknownAndLost,

    /// <summary>Written; the answer is unknown.</summary>
    UnknownButWritten,

    /// <summary>Somebody else appends first.</summary>
    Overtaken,

    /// <summary>No room.</summary>
    Full,

    /// <summary>Written, and then the process dies before the answer.</summary>
    KilledAfterWrite,
}

/// <summary>
/// A host for one entity's cores: synchronous, over a model of a journal, with faults on demand and virtual time. It
/// recovers a core that asks for it at once. With every step it checks what must hold always: one open question,
/// nothing said before it is durable, effects started once and cancelled only while they run.
/// </summary>
internal sealed class CoreDriver
{
    public static readonly PersistenceId Id = new(Counter.TypeName, new VaultId("vault"), "one");

    private const int MostDeliveries = 8;

    private readonly EntityCoreOptions _options;
    private readonly Dictionary<EffectId, Effect> _running = [];
    private DateTimeOffset _hostStarted;
    private TimeSpan _jumped;
    private bool _killed;
    private bool _restart;

    public CoreDriver(EntityCoreOptions? options = null, CoreJournal? journal = null)
    {
        _options = options ?? new EntityCoreOptions();
        _hostStarted = Now;
        Journal = journal ?? new CoreJournal();
        Core = NewCore();
    }

    public CoreJournal Journal { get; }

    public EntityMemory Memory { get; private set; } = new();

    public IEntityCodec<CounterState, CounterCommand, CounterEvent> Codec { get; set; } = new CounterCodec();

    public CounterCore Core { get; private set; }

    public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public Queue<PersistFault> Faults { get; } = new();

    /// <summary>Whether the journal does not answer questions about commands.</summary>
    public bool IsJournalMute { get; set; }

    /// <summary>Everything the cores asked for or told, in order.</summary>
    public List<CoreOutput> Outputs { get; } = [];

    /// <summary>For each recovery the number of the event behind which it read.</summary>
    public List<long> ReadAfter { get; } = [];

    public DateTimeOffset? Alarm { get; private set; }

    public IReadOnlyList<StoredEvent> Stream => Journal.Events;

    public IEnumerable<Effect> Started => Outputs.OfType<CoreOutput.StartEffect>().Select(output => output.Effect);

    /// <summary>The effects that this core has started and not cancelled.</summary>
    public IReadOnlyCollection<Effect> Running => _running.Values;

    private EngineInstant Instant => new(Now, Now - _jumped) { HostStarted = _hostStarted };

    public static CommandId Command(int number) => new(new Guid(number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));

    public IEnumerable<T> Told<T>()
        where T : CoreOutput => Outputs.OfType<T>();

    /// <summary>Recovers a core with what the last one left.</summary>
    public CoreDriver Start()
    {
        do
        {
            (_restart, Alarm, Core) = (false, null, NewCore());
            _running.Clear();
            foreach (var input in Recovery().ToList())
            {
                Pump(input);
            }
        }
        while (_restart && !_killed);

        return this;
    }

    /// <summary>Drops the core with all the process knows, as a crash does, and starts another process.</summary>
    public CoreDriver Restart()
    {
        (_killed, _jumped, _hostStarted, Memory) = (false, TimeSpan.Zero, Now, new EntityMemory());
        return Start();
    }

    /// <summary>Tells the core that nobody has needed it for a while; whether it went away.</summary>
    public bool Passivate()
    {
        Drive(new Input.Idle());
        return Core.Phase == EntityPhase.Ended;
    }

    /// <summary>Delivers a command once; null when the process died over it.</summary>
    public CommandReply? Send(int number, CounterCommand command, string? digest = null)
    {
        if (Core.Phase == EntityPhase.Ended)
        {
            Start();
        }

        var before = Outputs.Count;
        Drive(new Input.Received(new CommandEnvelope<CounterCommand>(Command(number), "tester", command, digest)));
        var replies = Outputs.Skip(before).OfType<CoreOutput.Reply>().ToList();
        if (_killed)
        {
            Restart();
            return null;
        }

        Assert.Equal(Command(number), Assert.Single(replies).CommandId);
        return replies[0].Answer;
    }

    /// <summary>
    /// Delivers a command as callers do, who send it again while they cannot learn what became of it; null when the
    /// process died over it.
    /// </summary>
    public CommandReply? Submit(int number, CounterCommand command, string? digest = null)
    {
        var reply = Send(number, command, digest);
        for (var delivery = 1; delivery < MostDeliveries && IsUncertain(reply); delivery++)
        {
            reply = Send(number, command, digest);
        }

        return reply;
    }

    public void Drive(Input input)
    {
        Pump(input);
        if (_restart && !_killed)
        {
            Start();
        }
    }

    /// <summary>Sets the wall clock; the steady one goes on.</summary>
    public void JumpWall(TimeSpan by)
    {
        Now += by;
        _jumped += by;
    }

    /// <summary>Advances time and wakes the core whenever it is due on the way.</summary>
    public void Advance(TimeSpan by)
    {
        var until = Now + by;
        while (Alarm is { } due && due + _jumped <= until)
        {
            Now = due + _jumped > Now ? due + _jumped : Now;
            Alarm = null;
            Drive(new Input.Woken());
        }

        Now = until;
    }

    /// <summary>Another owner appends.</summary>
    public void AppendForeign(CounterEvent @event)
    {
        var command = Codec.EncodeCommand(new CounterCommand.Emit(@event));
        var recorded = new RecordedCommand(command.Name, command.Payload, null, null, WakeMark.None);
        Assert.True(Journal.TryAppend([EventChain.Seal(
            Journal.Head, Codec.Encode(@event), Now, "other", Command(1_000_000 + Stream.Count), recorded)]));
    }

    private static bool IsUncertain(CommandReply? reply) =>
        reply is CommandReply.Unavailable { Reason: UnavailableReason.JournalUnavailable };

    private void Pump(Input? next)
    {
        while (next is not null && !_killed)
        {
            Input? answer = null;
            foreach (var output in Core.Step(next, Instant).ToList())
            {
                Outputs.Add(output);
                if (Answer(output) is { } given)
                {
                    Assert.Null(answer);
                    answer = given;
                }
            }

            Assert.True(Core.Head.Sequence <= Stream.Count, "The core shows what is not durable.");
            next = answer;
        }
    }

    private IEnumerable<Input> Recovery()
    {
        var after = 0L;
        if (!Memory.ReadsWholeStream && Journal.Snapshot is { } snapshot)
        {
            after = snapshot.Head.Sequence;
            yield return Journal.SnapshotDamage is { } damage
                ? new Input.Unreadable(new UnreadableRecord("snapshot.v1", damage), IsSnapshot: true)
                : new Input.Offered(snapshot);
        }

        ReadAfter.Add(after);
        for (var i = (int)after; i < Stream.Count; i++)
        {
            yield return Journal.UnreadableAt(i + 1) is { } record
                ? new Input.Unreadable(record, IsSnapshot: false) : new Input.Replayed(Stream[i]);
        }

        yield return new Input.Recovered();
    }

    private Input? Answer(CoreOutput output)
    {
        switch (output)
        {
            case CoreOutput.Persist persist:
                return Persist(persist.Events);
            case CoreOutput.FindCommand when IsJournalMute:
                return new Input.CommandNotFound("the journal is away");
            case CoreOutput.FindCommand find:
                return new Input.CommandFound(Journal.Find(find.CommandId));
            case CoreOutput.Reply { Answer: CommandReply.Accepted accepted }:
                Assert.True(accepted.Sequence <= Stream.Count, "The core has accepted what is not durable.");
                break;
            case CoreOutput.StartEffect start:
                Assert.Contains(start.Effect, Counter.Outstanding(Folded()));
                Assert.True(_running.TryAdd(start.Effect.Id, start.Effect), $"{start.Effect.Id} was started twice.");
                break;
            case CoreOutput.CancelEffect cancel:
                Assert.True(_running.Remove(cancel.EffectId), $"{cancel.EffectId} was cancelled and does not run.");
                break;
            case CoreOutput.SaveSnapshot save:
                (Journal.Snapshot, Journal.SnapshotDamage) = (save.Snapshot, null);
                break;
            case CoreOutput.WakeAt wake:
                Alarm = wake.Due;
                break;
            case CoreOutput.Restart:
                _restart = true;
                break;
        }

        return null;
    }

    private Input? Persist(ImmutableArray<StoredEvent> events)
    {
        EventChain.Verify(Id, Core.Head, events);
        Assert.Single(events.Select(stored => stored.CommandId).Distinct());
        Assert.Equal(events[^1], Assert.Single(events, stored => stored.EndsCommand));

        var fault = Faults.Count == 0 ? PersistFault.None : Faults.Dequeue();
        switch (fault)
        {
            case PersistFault.UnknownAndLost:
                return new Input.PersistUnknown("the connection was lost");
            case PersistFault.Full:
                return new Input.NotPersisted("no room");
            case PersistFault.Overtaken:
                AppendForeign(new CounterEvent.Added(1));
                break;
        }

        var taken = Journal.TryAppend(events);
        _killed = fault == PersistFault.KilledAfterWrite;
        return _killed ? null
            : !taken ? new Input.PersistUnknown("the journal has other events there")
            : fault == PersistFault.UnknownButWritten ? new Input.PersistUnknown("the connection was lost")
            : new Input.Persisted();
    }

    private CounterState Folded() => Stream.Aggregate(
        Counter.Initial, (state, stored) => Counter.Evolve(state, Codec.Decode(stored.Name, stored.Payload)));

    private CounterCore NewCore() => new(Id, Codec, _options, Memory);
}
