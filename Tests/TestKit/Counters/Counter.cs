using System.Collections.Immutable;
using System.Globalization;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Tests.TestKit.Counters;

/// <summary>A small aggregate that can do, and go wrong in, every way an entity's core must cope with.</summary>
internal sealed class Counter : IAggregate<CounterState, CounterCommand, CounterEvent>
{
    public const long Limit = 1_000_000;

    /// <summary>Work that the counter cannot ask for.</summary>
    private const string Jinxed = "jinx";

    public static string TypeName => "counter";

    public static CounterState Initial { get; } =
        new(0, 0, [], ImmutableSortedDictionary.Create<string, DateTimeOffset>(StringComparer.Ordinal));

    public static Decision<CounterEvent> Decide(CounterState state, CounterCommand command, DecisionContext context) =>
        command switch
        {
            CounterCommand.Add add when add.Amount == 0 => Decision<CounterEvent>.Accept(),
            CounterCommand.Add add when state.Total + add.Amount > Limit =>
                Decision<CounterEvent>.Refuse(new LimitReached(state.Total)),
            CounterCommand.Add add => Decision<CounterEvent>.Accept(new CounterEvent.Added(add.Amount)),
            CounterCommand.AddTwice add => Decision<CounterEvent>.Accept(
                new CounterEvent.Added(add.Amount), new CounterEvent.Added(add.Amount)),
            CounterCommand.AddOnce add => state.Total > 0
                ? Decision<CounterEvent>.Refuse(new LimitReached(state.Total))
                : Decision<CounterEvent>.Accept(new CounterEvent.Added(add.Amount)),
            CounterCommand.StartWork start => Decision<CounterEvent>.Accept(new CounterEvent.WorkStarted(start.Name)),
            CounterCommand.RecordWorkDone done => state.Work.Contains(done.Name)
                ? Decision<CounterEvent>.Accept(new CounterEvent.WorkDone(done.Name))
                : Decision<CounterEvent>.Accept(),
            CounterCommand.SetTimer set => Decision<CounterEvent>.Accept(
                new CounterEvent.TimerSet(set.Name, set.DueAt)),
            CounterCommand.RecordTimerDue due when due.Name.StartsWith("stubborn", StringComparison.Ordinal) =>
                Decision<CounterEvent>.Accept(),
            CounterCommand.RecordTimerDue due when due.Name.StartsWith("wall", StringComparison.Ordinal)
                && context.Now < state.Timers[due.Name] => Decision<CounterEvent>.Accept(),
            CounterCommand.RecordTimerDue due => Decision<CounterEvent>.Accept(new CounterEvent.TimerFired(due.Name)),
            CounterCommand.Explode => throw new InvalidCastException("decide exploded"),
            CounterCommand.Emit emit => Decision<CounterEvent>.Accept(emit.Event),
            _ => throw new InvalidOperationException($"Unknown command {command}."),
        };

    public static CounterState Evolve(CounterState state, CounterEvent @event) => @event switch
    {
        CounterEvent.Added added => state with { Total = state.Total + added.Amount },
        CounterEvent.WorkStarted started => state with { Work = state.Work.Add(started.Name) },
        CounterEvent.WorkDone done => state with { Work = state.Work.Remove(done.Name) },
        CounterEvent.TimerSet set => state with { Timers = state.Timers.SetItem(set.Name, set.DueAt) },
        CounterEvent.TimerFired fired => state with
        {
            Timers = state.Timers.Remove(fired.Name),
            Fired = state.Fired + 1,
        },
        CounterEvent.Jinx => state with { Work = state.Work.Add(Jinxed) },
        _ => throw new ImpossibleEventException($"{@event} cannot follow total {state.Total}."),
    };

    public static ImmutableArray<Effect> Outstanding(CounterState state) =>
        [.. state.Work.Select(name => name == Jinxed ? throw new InvalidCastException("outstanding exploded")
            : new DoWork(name) { Id = new EffectId("work-" + name) })];

    public static ImmutableArray<DurableTimer> Timers(CounterState state) => state.Timers.IsEmpty
        ? []
        : [.. state.Timers.Select(timer => new DurableTimer(timer.Key, timer.Value))];

    public static CounterCommand TimerDue(string name, DateTimeOffset dueAt) => new CounterCommand.RecordTimerDue(name);

    public static void CheckInvariants(CounterState state)
    {
        if (state.Total < 0)
        {
            throw new InvariantViolationException(
                $"The total is {state.Total.ToString(CultureInfo.InvariantCulture)}, below zero.");
        }
    }
}

internal sealed record CounterState(
    long Total, int Fired, ImmutableSortedSet<string> Work, ImmutableSortedDictionary<string, DateTimeOffset> Timers);

internal abstract record CounterCommand
{
    public sealed record Add(long Amount) : CounterCommand;

    public sealed record AddTwice(long Amount) : CounterCommand;

    /// <summary>Refused once anything was added: a duplicate of an accepted one must not be told so.</summary>
    public sealed record AddOnce(long Amount) : CounterCommand;

    public sealed record StartWork(string Name) : CounterCommand;

    public sealed record RecordWorkDone(string Name) : CounterCommand;

    public sealed record SetTimer(string Name, DateTimeOffset DueAt) : CounterCommand;

    public sealed record RecordTimerDue(string Name) : CounterCommand;

    public sealed record Explode : CounterCommand;

    public sealed record Emit(CounterEvent Event) : CounterCommand;
}

internal abstract record CounterEvent
{
    public sealed record Added(long Amount) : CounterEvent;

    public sealed record WorkStarted(string Name) : CounterEvent;

    public sealed record WorkDone(string Name) : CounterEvent;

    public sealed record TimerSet(string Name, DateTimeOffset DueAt) : CounterEvent;

    public sealed record TimerFired(string Name) : CounterEvent;

    /// <summary>Folds well, but Outstanding throws on what it leaves.</summary>
    public sealed record Jinx : CounterEvent;

    /// <summary>Evolve throws on it.</summary>
    public sealed record Impossible : CounterEvent;
}

internal sealed record DoWork(string Name) : Effect;

internal sealed record LimitReached(long Total) : Refusal
{
    public override string Code => "limit-reached";

    public override string Message => $"The total {Total} allows no more; start another counter.";
}
