using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.Engine.ProtectedVms;

// A machine is protected while replication runs in the direction that its phase requires and no known problem stops it.
// Everything else counts as unprotected, from the event that ended protection to the one that restored it: the initial
// replication, a pause, a resync, an agent that is away, a source that is not served, a target that accepts no data,
// and a failover from its start until the reprotect is done. A lag counts as protected: it has a number of its own.

/// <summary>Decides whether a machine's writes reach another side, and since when they do not.</summary>
public static class Protection
{
    /// <summary>Whether writes reach the other side, as far as the state knows.</summary>
    public static bool Works(ProtectedVmState state) =>
        state.Phase is Phase.Protected or Phase.ProtectedReverse
        && state.Replication is { Active: true, Paused: false, Resync: null, Fault: null }
        && !state.Causes.Any(Stops);

    /// <summary>Whether the VM is meant to be protected in a phase.</summary>
    public static bool IsWanted(Phase phase) => phase is not (Phase.NotProtected or Phase.Disabling or Phase.Disabled);

    /// <summary>
    /// Returns for how long writes have not certainly reached the other side; zero while protection works, null when
    /// the VM is not meant to be protected.
    /// </summary>
    /// <param name="state">The state of the VM.</param>
    /// <param name="observation">The current observation of the VM.</param>
    /// <param name="now">The service's time (UTC).</param>
    public static TimeSpan? UnprotectedFor(ProtectedVmState state, VmObservation observation, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(observation);
        if (!IsWanted(state.Phase))
        {
            return null;
        }

        var stopped = ObservedHealth.Of(state, observation).Any(Stops)
            || (observation.Agent == AgentPresence.Away && ProtectedVmHealth.NeedsAgent(state.Phase));
        var known = state.UnprotectedSince is { } since && now > since ? now - since : TimeSpan.Zero;
        var observed = stopped ? observation.AtRisk ?? TimeSpan.Zero : TimeSpan.Zero;
        return known > observed ? known : observed;
    }

    /// <summary>
    /// Returns the state with an updated start of the unprotected time, after an event at <paramref name="at"/>.
    /// </summary>
    internal static ProtectedVmState Note(ProtectedVmState state, DateTimeOffset at) =>
        Works(state) || !IsWanted(state.Phase)
            ? state.UnprotectedSince is null ? state : state with { UnprotectedSince = null }
            : state.UnprotectedSince is null ? state with { UnprotectedSince = at } : state;

    private static bool Stops(HealthCause cause) => cause.Kind is HealthKind.AgentDisconnected
        or HealthKind.SourceNotServed or HealthKind.ReplicationStalled or HealthKind.CacheFull
        or HealthKind.TargetStoreCorrupt
        || cause is { Kind: HealthKind.TargetFull, Level: HealthLevel.Critical };
}
