using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using static ReplicationEngine.Engine.ProtectedVms.Phases.Decisions;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms.Phases;

/// <summary>The commands about a test failover.</summary>
public abstract record TestingCommand : ProtectedVmCommand
{
    private protected TestingCommand()
    {
    }
}

/// <summary>The events of a test failover.</summary>
public abstract record TestingEvent : ProtectedVmEvent
{
    private protected TestingEvent(DateTimeOffset at)
        : base(at)
    {
    }
}

/// <summary>
/// The rules of a test failover (FOV-1): a writable copy of a point next to the running machine, independent of the
/// lifecycle, until it is cleaned up.
/// </summary>
internal static class Testing
{
    public static Decision<ProtectedVmEvent> Decide(
        ProtectedVmState state, TestingCommand command, DecisionContext context) => command switch
    {
        ProtectedVmCommand.StartTestFailover c => NotOffered(state, Operation.TestFailover)
            ?? (Points.Choose(state, c.Choice, context, out var point) is { } refusal
                ? Refuse(refusal)
                : Accept(new TestFailoverStarted(context.Now, context.Actor, point))),
        ProtectedVmCommand.CleanUpTestFailover c => NotOffered(state, Operation.CleanUpTestFailover)
            ?? Accept(new TestFailoverCleanUpStarted(context.Now, context.Actor, c.Notes, null)),
        _ => Accept(),
    };

    /// <summary>
    /// Returns the events that follow a finished effect of a test failover; null when the result does not belong to the
    /// effect.
    /// </summary>
    public static ValueList<ProtectedVmEvent>? Succeeded(
        ProtectedVmState state, ProtectedVmEffect effect, EffectResult result, DecisionContext context) =>
        (effect, result) switch
        {
            (ProtectedVmEffect.StartTestFailover start, EffectResult.TestFailoverReady ready)
                when ready.Point.Id == start.Point.Id =>
                [
                    .. Points.Sealed(state, ready.Point, context),
                    new TestFailoverReady(context.Now, ready.Point.Id, ready.Exports),
                ],
            (ProtectedVmEffect.CleanUpTestFailover, EffectResult.Done) => [new TestFailoverCleanedUp(context.Now)],
            _ => null,
        };

    public static ProtectedVmState Evolve(ProtectedVmState state, TestingEvent @event) => @event switch
    {
        TestFailoverStarted e => Start(state, e),
        TestFailoverReady e => state.TestFailover is TestFailover.Starting
            ? state with
            {
                TestFailover = new TestFailover.Active(e.Point, e.Exports, e.At),
                Jobs = state.Jobs.End(JobKind.TestFailover, JobOutcome.Succeeded, e.At),
            }
            : throw state.Impossible(e),
        TestFailoverCleanUpStarted e => CleanUp(state, e),
        TestFailoverCleanedUp e => state.TestFailover is TestFailover.CleaningUp
            ? state with
            {
                TestFailover = new TestFailover.None(),
                Jobs = state.Jobs.End(JobKind.TestFailoverCleanUp, JobOutcome.Succeeded, e.At),
            }
            : throw state.Impossible(e),
        _ => throw state.Impossible(@event),
    };

    private static ProtectedVmState Start(ProtectedVmState state, TestFailoverStarted e)
    {
        state.Expect<Phase.Protected>(e);
        return state.TestFailover is TestFailover.None
            ? state.Without(HealthKind.OperationFailed) with
            {
                TestFailover = new TestFailover.Starting(e.Point, state.EventCount),
                Jobs = state.Jobs.Start(
                    state.EventCount, JobKind.TestFailover, e.By, "Copy of the point exported", e.At),
            }
            : throw state.Impossible(e);
    }

    private static ProtectedVmState CleanUp(ProtectedVmState state, TestFailoverCleanUpStarted e)
    {
        if (state.TestFailover is not (TestFailover.Starting or TestFailover.Active))
        {
            throw state.Impossible(e);
        }

        var outcome = e.Error is null ? JobOutcome.Cancelled : JobOutcome.Failed;
        var next = state with
        {
            TestFailover = new TestFailover.CleaningUp(state.EventCount),
            Jobs = state.Jobs.End(JobKind.TestFailover, outcome, e.At, e.Error is null ? e.Notes : e.Error.InWords())
                .Start(state.EventCount, JobKind.TestFailoverCleanUp, e.By, "Copy removed", e.At),
        };
        return e.Error is null ? next : next.RaiseGivenUp("test failover", e.Error, e.At);
    }
}
