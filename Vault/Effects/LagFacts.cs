using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Vault.Effects;

/// <summary>When the loss at risk goes beyond the policy's threshold, and when it is below again (POL-4).</summary>
internal static class LagFacts
{
    /// <summary>The fact to be told now; none when the state knows it, or nothing is known of the lag.</summary>
    /// <param name="state">The VM.</param>
    /// <param name="atRisk">The time whose writes a failover now could lose; null when that is not known.</param>
    /// <param name="bytes">As far as is known, the bytes of changes that are not at the target.</param>
    public static IEnumerable<ProtectedVmCommand> Of(ProtectedVmState state, TimeSpan? atRisk, long bytes)
    {
        var known = state.Causes.Any(cause => cause.Kind == HealthKind.RpoExceeded);
        if (state.Phase is Phase.Protected && atRisk is { } lag && lag > state.Enrollment.Policy.RpoThreshold != known)
        {
            yield return new ProtectedVmCommand.RecordLag(lag, bytes);
        }
    }
}
