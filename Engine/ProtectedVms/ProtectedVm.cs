using System.Collections.Immutable;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms.Phases;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>
/// The protected VM: one machine's protection from enabling over replication, failover and failback to disabling. Pure
/// functions; see <see cref="Phase"/> for the lifecycle and <see cref="ProtectedVmEffect"/> for what it asks of others.
/// </summary>
/// <remarks>
/// The rules stand in the namespace <c>Phases</c>, one class for each part of the lifecycle: it decides the commands
/// that share a base record (say <see cref="ReturningCommand"/>), folds the events that share another, and says what a
/// finished effect leads to. This class only finds the phase that a command or an event belongs to.
/// </remarks>
public sealed class ProtectedVm : IAggregate<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent>
{
    /// <summary>The actor of what the engine does by itself.</summary>
    public const string EngineActor = "engine";

    private ProtectedVm()
    {
    }

    /// <inheritdoc/>
    public static string TypeName => "protected-vm";

    /// <inheritdoc/>
    public static ProtectedVmState Initial { get; } = new();

    /// <summary>
    /// Total: events, or a refusal. A user's command first meets <see cref="ProtectedVmOperations.Check"/>, then its
    /// arguments are judged. A fact is accepted in every phase; where it changes nothing it gives no events. A request
    /// whose id is known changes nothing when it is the same request, and is refused when it is another.
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

    /// <summary>Throws for an event that cannot follow the state: the stream is corrupt (I17).</summary>
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
