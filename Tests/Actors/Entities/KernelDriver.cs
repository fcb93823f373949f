using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.InMemory;
using ReplicationEngine.Tests.Actors.Counters;
using CounterKernel = ReplicationEngine.Actors.Entities.EntityKernel<
    ReplicationEngine.Tests.Actors.Counters.Counter,
    ReplicationEngine.Tests.Actors.Counters.CounterState,
    ReplicationEngine.Tests.Actors.Counters.CounterCommand,
    ReplicationEngine.Tests.Actors.Counters.CounterEvent>;
using Input = ReplicationEngine.Actors.Entities.EntityInput<ReplicationEngine.Tests.Actors.Counters.CounterCommand>;

namespace ReplicationEngine.Tests.Actors.Entities;

internal enum AppendFault
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

    /// <summary>A newer owner exists.</summary>
    Fenced,
}

/// <summary>
/// A host for one kernel: synchronous, over the in-memory store, with faults on demand and virtual time.
/// </summary>
internal sealed class KernelDriver
{
    public static readonly PersistenceId Id = new(Counter.TypeName, new VaultId("vault"), "one");

    private readonly InMemoryLeases _leases = new();
    private readonly EntityKernelOptions _options;
    private int _foreign;
    private bool _killed;
    private TimeSpan _jumped;

    public KernelDriver(EntityKernelOptions? options = null)
    {
        _options = options ?? new EntityKernelOptions();
        Journal = new InMemoryJournal(_leases);
        Kernel = NewKernel();
    }

    public InMemoryJournal Journal { get; }

    public InMemorySnapshots Snapshots { get; } = new();

    public IEntityCodec<CounterState, CounterCommand, CounterEvent> Codec { get; set; } = new CounterCodec();

    public CounterKernel Kernel { get; private set; }

    public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public Queue<AppendFault> Faults { get; } = new();

    /// <summary>Everything the kernel asked for or told, in order.</summary>
    public List<EntityOutput> Outputs { get; } = [];

    public DateTimeOffset? Alarm { get; private set; }

    public bool RefuseEpochs { get; set; }

    public IReadOnlyList<StoredEvent> Stream =>
        Journal.ReadStreamAsync(Id, StreamHead.Start, int.MaxValue, default).Result.Events;

    public IEnumerable<Effect> Dispatched => Outputs.OfType<EntityOutput.Dispatch>().Select(output => output.Effect);

    public static CommandId Command(int number) => new(new Guid(number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));

    public KernelDriver Start()
    {
        Drive(new Input.Started());
        return this;
    }

    /// <summary>Drops the kernel with all it knows, as a crash does, and starts another under a new epoch.</summary>
    public KernelDriver Restart()
    {
        _killed = false;
        _jumped = TimeSpan.Zero;
        Kernel = NewKernel();
        return Start();
    }

    /// <summary>Submits and gives back the reply; null when the process died over it.</summary>
    public CommandReply? Submit(int number, CounterCommand command, string? digest = null)
    {
        var before = Outputs.Count;
        _killed = false;
        Drive(new Input.Submitted(new CommandEnvelope<CounterCommand>(Command(number), "tester", command, digest)));
        var replies = Outputs.Skip(before).OfType<EntityOutput.Reply>().ToList();
        if (_killed)
        {
            Restart();
            return null;
        }

        Assert.Single(replies);
        Assert.Equal(Command(number), replies[0].CommandId);
        return replies[0].Answer;
    }

    public void Drive(Input input)
    {
        for (Input? next = input; next is not null && !_killed;)
        {
            Input? answer = null;
            foreach (var output in Kernel.Step(next, new EngineInstant(Now, Now - _jumped)).ToList())
            {
                Outputs.Add(output);
                answer = Answer(output) ?? answer;
            }

            next = answer;
        }
    }

    /// <summary>Sets the wall clock; the steady one goes on.</summary>
    public void JumpWall(TimeSpan by)
    {
        Now += by;
        _jumped += by;
    }

    /// <summary>Advances time and rings the alarm whenever it is due on the way.</summary>
    public void Advance(TimeSpan by)
    {
        var until = Now + by;
        while (Alarm is { } due && due + _jumped <= until)
        {
            Now = due + _jumped > Now ? due + _jumped : Now;
            Alarm = null;
            Drive(new Input.AlarmRang());
        }

        Now = until;
    }

    public void AppendForeign(long amount)
    {
        var events = Stream;
        var head = events.Count == 0 ? StreamHead.Start : new StreamHead(events[^1].Sequence, events[^1].Hash);
        var context = new DecisionContext(Now, Command(1_000_000 + ++_foreign), "other");
        var token = new FencingToken("counter", _leases.EpochOf("counter"));
        var encoded = Codec.Encode(new CounterEvent.Added(amount));
        var request = AppendRequest.Create(Id, token, head, context, [encoded], WakeMark.None);
        Assert.IsType<AppendOutcome.Appended>(Journal.AppendAsync(request, default).Result);
    }

    private Input? Answer(EntityOutput output)
    {
        switch (output)
        {
            case EntityOutput.ReadSnapshot:
                return new Input.SnapshotRead(Snapshots.LoadAsync(Id, default).Result);
            case EntityOutput.ReadStream read:
                return ReadStream(read.After);
            case EntityOutput.FindCommand find:
                return new Input.CommandFound(Journal.FindCommandAsync(Id, find.CommandId, default).Result);
            case EntityOutput.TakeEpoch when RefuseEpochs:
                return new Input.EpochRefused("the store is gone");
            case EntityOutput.TakeEpoch:
                return new Input.EpochTaken(NewToken());
            case EntityOutput.Append append:
                return Append(append.Request);
            case EntityOutput.SaveSnapshot save:
                Assert.True(Snapshots.SaveAsync(save.Snapshot, default).IsCompletedSuccessfully);
                return null;
            case EntityOutput.SetAlarm alarm:
                Alarm = alarm.Due;
                return null;
            default:
                return null;
        }
    }

    private Input ReadStream(StreamHead after)
    {
        try
        {
            return new Input.StreamRead(Journal.ReadStreamAsync(Id, after, 3, default).Result);
        }
        catch (JournalCorruptException exception)
        {
            return new Input.ReadFailed(exception);
        }
    }

    private Input? Append(AppendRequest request)
    {
        var fault = Faults.Count == 0 ? AppendFault.None : Faults.Dequeue();
        switch (fault)
        {
            case AppendFault.UnknownAndLost:
                return new Input.AppendJudged(new AppendOutcome.Unknown("the connection was lost"));
            case AppendFault.Full:
                return new Input.AppendJudged(new AppendOutcome.JournalFull("no room"));
            case AppendFault.Overtaken:
                AppendForeign(1);
                break;
            case AppendFault.Fenced:
                NewToken();
                break;
        }

        var outcome = Journal.AppendAsync(request, default).Result;
        _killed = fault == AppendFault.KilledAfterWrite;
        return _killed ? null : new Input.AppendJudged(
            fault == AppendFault.UnknownButWritten ? new AppendOutcome.Unknown("the connection was lost") : outcome);
    }

    private CounterKernel NewKernel() => new(Id, Codec, NewToken(), _options);

    private FencingToken NewToken()
    {
        var outcome = _leases.AcquireAsync("counter", "node", Now, DateTimeOffset.MaxValue, default).Result;
        return Assert.IsType<LeaseOutcome.Granted>(outcome).Lease.Token;
    }
}
