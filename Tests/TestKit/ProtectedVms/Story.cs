using System.Collections.Immutable;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using Xunit;

namespace ReplicationEngine.Tests.TestKit.ProtectedVms;

/// <summary>
/// Plays commands against the aggregate the way a host does: decide, fold, check the invariants, start what is
/// outstanding and was not. Every step also checks what a host builds on: work keeps its id while it is outstanding,
/// unless another phase or a retry asked for begins it again; an id stands for one kind of work; what is gained has an
/// id that none had before.
/// </summary>
internal sealed class Story
{
    public const string User = "alice";

    public static readonly DateTimeOffset Monday = new(2024, 3, 4, 9, 0, 0, TimeSpan.Zero);

    public static readonly ValueList<ProtectedDisk> Disks =
        [new ProtectedDisk("/disks/a.img", 1 << 30), new ProtectedDisk("/disks/b.img", 2 << 20)];

    private readonly HashSet<EffectId> _known = [];

    private int _commands;

    public ProtectedVmState State { get; private set; } = ProtectedVm.Initial;

    public DateTimeOffset Now { get; set; } = Monday;

    public List<ProtectedVmEvent> Events { get; } = [];

    public List<ProtectedVmEffect> Effects { get; } = [];

    public Story Clone()
    {
        var clone = new Story { State = State, Now = Now, _commands = _commands };
        clone._known.UnionWith(_known);
        return clone;
    }

    public DecisionContext Context(string actor = User) => new(Now, new CommandId(Numbered(++_commands)), actor)
    {
        Steady = Steady(Now),
    };

    /// <summary>The host's steady time at an instant; its wall clock is never set.</summary>
    public static SteadyInstant Steady(DateTimeOffset now) => new(Monday, now);

    public Decision<ProtectedVmEvent> Try(ProtectedVmCommand command, string actor = User)
    {
        var decision = ProtectedVm.Decide(State, command, Context(actor));
        if (decision is Decision<ProtectedVmEvent>.Accepted accepted)
        {
            foreach (var @event in accepted.Events)
            {
                Fold(@event);
            }
        }

        return decision;
    }

    /// <summary>Folds events that somebody else has decided.</summary>
    public void Follow(IEnumerable<ProtectedVmEvent> events)
    {
        foreach (var @event in events)
        {
            Fold(@event);
        }
    }

    /// <summary>Sends a command that must be accepted and returns its events.</summary>
    public ImmutableArray<ProtectedVmEvent> Do(ProtectedVmCommand command, string actor = User) =>
        Assert.IsType<Decision<ProtectedVmEvent>.Accepted>(Try(command, actor)).Events;

    /// <summary>Sends a command that must be refused and returns the refusal.</summary>
    public TRefusal Refused<TRefusal>(ProtectedVmCommand command)
        where TRefusal : ProtectedVmRefusal =>
        Assert.IsType<TRefusal>(Assert.IsType<Decision<ProtectedVmEvent>.Refused>(Try(command)).Refusal);

    public ProtectedVmEffect Outstanding(EffectKind kind) =>
        ProtectedVm.Outstanding(State).Cast<ProtectedVmEffect>().Single(effect => effect.Kind == kind);

    public bool Owes(EffectKind kind) =>
        ProtectedVm.Outstanding(State).Cast<ProtectedVmEffect>().Any(effect => effect.Kind == kind);

    public ImmutableArray<ProtectedVmEvent> Succeed(EffectKind kind, EffectResult? result = null) =>
        Do(new RecordEffectSucceeded(Outstanding(kind).Id, result ?? new EffectResult.Done()), ProtectedVm.EngineActor);

    public ImmutableArray<ProtectedVmEvent> Fail(EffectKind kind, EffectError error) =>
        Do(new RecordEffectFailed(Outstanding(kind).Id, error), ProtectedVm.EngineActor);

    /// <summary>Moves the clock to the armed timer of this name and tells of it.</summary>
    public ImmutableArray<ProtectedVmEvent> Fire(string name)
    {
        var timer = Timer(name) ?? throw new InvalidOperationException($"Timer {name} is not armed.");
        Now = timer.DueAt > Now ? timer.DueAt : Now;
        return Do(ProtectedVm.TimerDue(timer.Name, timer.DueAt), ProtectedVm.EngineActor);
    }

    public DurableTimer? Timer(string name) =>
        ProtectedVm.Timers(State).FirstOrDefault(timer => timer.Name == name);

    public Story After(TimeSpan time)
    {
        Now += time;
        return this;
    }

    public static Guid Numbered(int number) => new(number, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]);

    public static RecoveryPoint Point(
        int number, DateTimeOffset time, PointKind kind = PointKind.Crash, long generation = 1) => new(
        new RecoveryPointId(Numbered(1_000_000 + number)), time, kind, new Generation(generation), new Lsn(number),
        PointGrade.Received);

    public static Enable Enabling(string scenario = "SCN-1", ReplicationPolicy? policy = null) =>
        new(new ProtectedVmId("web-1"), Disks, scenario, policy ?? ReplicationPolicy.Default, "agent-1");

    private void Fold(ProtectedVmEvent @event)
    {
        var (before, phase) = (ProtectedVm.Outstanding(State), State.PhaseSince);
        State = ProtectedVm.Evolve(State, @event);
        ProtectedVm.CheckInvariants(State);
        var outstanding = ProtectedVm.Outstanding(State);
        Assert.Equal(outstanding, ProtectedVm.Outstanding(State));
        Assert.Distinct(outstanding.Select(effect => effect.Id));
        var gained = outstanding.Where(effect => before.All(known => known.Id != effect.Id)).ToList();
        var begunAgain = phase != State.PhaseSince || @event is ProtectedVmEvent.ReplicationRetried;
        foreach (var effect in gained)
        {
            if (!_known.Add(effect.Id))
            {
                Assert.Fail($"After {@event} {effect} is outstanding again under an id of the past.");
            }

            if (!begunAgain && before.Any(known => known with { Id = effect.Id } == effect))
            {
                Assert.Fail($"After {@event} {effect} is outstanding as before, but under another id.");
            }
        }

        foreach (var effect in outstanding.Except(gained))
        {
            Assert.Equal(before.Single(known => known.Id == effect.Id).GetType(), effect.GetType());
        }

        Assert.Distinct(ProtectedVm.Timers(State).Select(timer => timer.Name));
        Assert.Distinct(State.Points.Select(point => point.Id));
        Events.Add(@event);
        Effects.AddRange(gained.Cast<ProtectedVmEffect>());
    }
}
