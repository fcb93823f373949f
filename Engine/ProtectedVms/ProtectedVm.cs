using System.Collections.Immutable;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms.Phases;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>
/// The protected VM aggregate: one machine's protection from enabling through replication, failover and failback to
/// disabling. All functions are pure. See <see cref="Phase"/> for the lifecycle and <see cref="ProtectedVmEffect"/> for
/// the work outside the aggregate.
/// </summary>
/// <remarks>
/// The rules are in the namespace <c>Phases</c>, one class for each part of the lifecycle. Each class decides the
/// commands that share a base record (such as <see cref="ReturningCommand"/>), applies the events that share another,
/// and returns the consequence of a finished effect. This class only finds the phase to which a command or an event
/// belongs.
/// </remarks>
public sealed class ProtectedVm : IAggregate<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent>
{
    /// <summary>The actor name of actions that the engine starts itself.</summary>
    public const string EngineActor = "engine";

    private ProtectedVm()
    {
    }

    /// <inheritdoc/>
    public static string TypeName => "protected-vm";

    /// <inheritdoc/>
    public static ProtectedVmState Initial { get; } = new();

    /// <summary>
    /// Decides a command; total, returns events or a refusal. A user's command is first checked by
    /// <see cref="ProtectedVmOperations.Check"/>, then its arguments are validated. A fact is accepted in every phase;
    /// when it changes nothing, the decision has no events. A request with a known id changes nothing when it is the
    /// same request, and is refused when it is another.
    /// </summary>
    public static Decision<ProtectedVmEvent> Decide(
        ProtectedVmState state, ProtectedVmCommand command, DecisionContext context) =>
        Requests.AnswerKnown(state, context)
            ?? Requests.Record(DecideNew(state, command, context), context);

    /// <inheritdoc/>
    public static ProtectedVmState Evolve(ProtectedVmState state, ProtectedVmEvent @event)
    {
        var numbered = state with { EventCount = state.EventCount + 1 };
        return Protection.Note(Effects.DropSettledRetries(Fold(numbered, @event)), @event.At);
    }

    /// <inheritdoc/>
    public static ImmutableArray<Effect> Outstanding(ProtectedVmState state) =>
        ProtectedVmObligations.Outstanding(state);

    /// <inheritdoc/>
    public static ImmutableArray<DurableTimer> Timers(ProtectedVmState state) => ProtectedVmTimers.Of(state);

    /// <inheritdoc/>
    public static ProtectedVmCommand TimerDue(string name, DateTimeOffset dueAt) =>
        new ProtectedVmCommand.TimerDue(name, dueAt);

    /// <inheritdoc/>
    public static void CheckInvariants(ProtectedVmState state) => ProtectedVmInvariants.Check(state);

    private static Decision<ProtectedVmEvent> DecideNew(
        ProtectedVmState state, ProtectedVmCommand command, DecisionContext context) => command switch
    {
        Enable c => Enabling.Decide(state, c, context),
        Recover c => Recovering.Decide(state, c, context),
        ReplicatingCommand c => Replicating.Decide(state, c, context),
        ResynchronizingCommand c => Resynchronizing.Decide(state, c, context),
        PointCommand c => Points.Decide(state, c, context),
        TestingCommand c => Testing.Decide(state, c, context),
        FailingOverCommand c => FailingOver.Decide(state, c, context),
        SettlingCommand c => Settling.Decide(state, c, context),
        ReturningCommand c => Returning.Decide(state, c, context),
        Disable c => Disabling.Decide(state, c, context),
        MonitoringCommand c => Monitoring.Decide(state, c, context),
        EffectCommand c => Effects.Decide(state, c, context),
        _ => throw new ArgumentException($"{command.GetType().Name} is not a command of a protected "
            + "VM.", nameof(command)),
    };

    /// <summary>
    /// Applies an event to a state. Throws for an event that cannot follow the state, because the stream is corrupt
    /// (I17).
    /// </summary>
    private static ProtectedVmState Fold(ProtectedVmState state, ProtectedVmEvent @event) => @event switch
    {
        CommandAccepted e => Requests.Evolve(state, e),
        EnablingEvent e => Enabling.Evolve(state, e),
        ProtectionRecovered e => Recovering.Evolve(state, e),
        ReplicatingEvent e => Replicating.Evolve(state, e),
        ResynchronizingEvent e => Resynchronizing.Evolve(state, e),
        PointEvent e => Points.Evolve(state, e),
        TestingEvent e => Testing.Evolve(state, e),
        FailingOverEvent e => FailingOver.Evolve(state, e),
        SettlingEvent e => Settling.Evolve(state, e),
        ReturningEvent e => Returning.Evolve(state, e),
        DisablingEvent e => Disabling.Evolve(state, e),
        MonitoringEvent e => Monitoring.Evolve(state, e),
        EffectEvent e => Effects.Evolve(state, e),
        _ => throw new ImpossibleEventException($"{@event.GetType().Name} is not an event of a protected VM."),
    };
}
