using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.ProtectedVms.Phases;

/// <summary>
/// The steps from which the phases' Evolve functions are built. Each returns a changed state or throws.
/// </summary>
internal static class Transitions
{
    /// <summary>Begins a phase, or a step of a phase, with the current event.</summary>
    public static ProtectedVmState Enter(this ProtectedVmState state, Phase phase) =>
        state with { Phase = phase, PhaseSince = state.EventCount };

    /// <summary>Returns the current phase, if it is of the type that the event can follow.</summary>
    /// <exception cref="ImpossibleEventException">The current phase is of another type.</exception>
    public static TPhase Expect<TPhase>(this ProtectedVmState state, ProtectedVmEvent e)
        where TPhase : Phase =>
        state.Phase as TPhase ?? throw state.Impossible(e);

    /// <summary>Creates the exception for an event that cannot follow the state.</summary>
    public static ImpossibleEventException Impossible(this ProtectedVmState state, ProtectedVmEvent e) =>
        new($"Event {state.EventCount} of VM '{state.Enrollment.Vm}', {e.GetType().Name}, cannot happen in phase "
            + $"{PhaseName.Of(state.Phase)}.");

    /// <summary>Changes replication in a phase that has replication.</summary>
    /// <exception cref="ImpossibleEventException">The phase has no replication.</exception>
    public static ProtectedVmState Replicate(
        this ProtectedVmState state, ProtectedVmEvent e, Func<ReplicationState, ReplicationState> change) =>
        state.Replication.Active
            ? state with { Replication = change(state.Replication) } : throw state.Impossible(e);

    /// <summary>Ends replication and the making of points.</summary>
    public static ProtectedVmState StopReplication(this ProtectedVmState state) =>
        state with { Replication = ReplicationState.Idle, PointSchedule = state.PointSchedule.Stopped };

    /// <summary>Adds a health cause, replacing the one of the same kind.</summary>
    public static ProtectedVmState Raise(this ProtectedVmState state, HealthCause cause)
    {
        var index = state.Causes.IndexOf(known => known.Kind == cause.Kind);
        return state with { Causes = index < 0 ? state.Causes.Add(cause) : state.Causes.SetItem(index, cause) };
    }

    /// <summary>Records that an operation was abandoned because of an error.</summary>
    public static ProtectedVmState RaiseGivenUp(
        this ProtectedVmState state, string operation, EffectError error, DateTimeOffset at) =>
        state.Raise(new HealthCause(
            HealthKind.OperationFailed, operation, HealthLevel.Warning,
            $"The {operation} was abandoned: {error.Message}", error.Remedy, at));

    /// <summary>Removes the health causes of the given kinds.</summary>
    public static ProtectedVmState Without(this ProtectedVmState state, params ReadOnlySpan<HealthKind> kinds)
    {
        if (state.Causes.Count == 0)
        {
            return state;
        }

        var gone = kinds.ToArray();
        return state with { Causes = state.Causes.RemoveAll(cause => gone.Contains(cause.Kind)) };
    }

    /// <summary>Returns an error with its remedy, as a job shows it.</summary>
    public static string InWords(this EffectError error) => $"{error.Message} {error.Remedy}".Trim();
}
