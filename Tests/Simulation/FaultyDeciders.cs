using System.Collections.Immutable;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>The protected VM, but for an event that its live state takes otherwise than it says.</summary>
internal sealed class ForgetfulVm : IAggregate<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent>
{
    public static string TypeName => ProtectedVm.TypeName;

    public static ProtectedVmState Initial => ProtectedVm.Initial;

    public static Decision<ProtectedVmEvent> Decide(
        ProtectedVmState state, ProtectedVmCommand command, DecisionContext context) =>
        ProtectedVm.Decide(state, command, context);

    public static ProtectedVmState Evolve(ProtectedVmState state, ProtectedVmEvent @event)
    {
        var next = ProtectedVm.Evolve(state, @event);
        return @event is ProtectedVmEvent.RecoveryPointSealed
            ? next with { PointSchedule = next.PointSchedule with { LastAt = state.PointSchedule.LastAt } } : next;
    }

    public static ImmutableArray<Effect> Outstanding(ProtectedVmState state) => ProtectedVm.Outstanding(state);

    public static ImmutableArray<DurableTimer> Timers(ProtectedVmState state) => ProtectedVm.Timers(state);

    public static ProtectedVmCommand TimerDue(string name, DateTimeOffset dueAt) => ProtectedVm.TimerDue(name, dueAt);

    public static void CheckInvariants(ProtectedVmState state) => ProtectedVm.CheckInvariants(state);
}

/// <summary>The protected VM, but for a command at which it throws.</summary>
internal sealed class ThrowingVm : IAggregate<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent>
{
    public static string TypeName => ProtectedVm.TypeName;

    public static ProtectedVmState Initial => ProtectedVm.Initial;

    public static Decision<ProtectedVmEvent> Decide(
        ProtectedVmState state, ProtectedVmCommand command, DecisionContext context) =>
        command is ProtectedVmCommand.RecordRecoveryPointsGraded
            ? throw new InvalidOperationException("planted") : ProtectedVm.Decide(state, command, context);

    public static ProtectedVmState Evolve(ProtectedVmState state, ProtectedVmEvent @event) =>
        ProtectedVm.Evolve(state, @event);

    public static ImmutableArray<Effect> Outstanding(ProtectedVmState state) => ProtectedVm.Outstanding(state);

    public static ImmutableArray<DurableTimer> Timers(ProtectedVmState state) => ProtectedVm.Timers(state);

    public static ProtectedVmCommand TimerDue(string name, DateTimeOffset dueAt) => ProtectedVm.TimerDue(name, dueAt);

    public static void CheckInvariants(ProtectedVmState state) => ProtectedVm.CheckInvariants(state);
}
