using System.Collections.Immutable;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>
/// The protected VM: one machine's protection from enabling over replication, failover and failback to disabling. Pure
/// functions; see <see cref="Phase"/> for the lifecycle and <see cref="ProtectedVmEffect"/> for what it asks of others.
/// </summary>
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

    /// <inheritdoc/>
    public static Decision<ProtectedVmEvent> Decide(
        ProtectedVmState state, ProtectedVmCommand command, DecisionContext context) =>
        ProtectedVmDecider.Decide(state, command, context);

    /// <inheritdoc/>
    public static ProtectedVmState Evolve(ProtectedVmState state, ProtectedVmEvent @event) =>
        ProtectedVmEvolution.Evolve(state, @event);

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
}
