using System.Collections.Immutable;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>The durable timers of a state (ERR-3), derived by pure functions.</summary>
internal static class ProtectedVmTimers
{
    /// <summary>The timer of the next recovery point (RCP-1).</summary>
    public const string Point = "point";

    /// <summary>
    /// The timer that fires when the newest usable recovery point becomes older than the policy allows.
    /// </summary>
    public const string NoPoint = "no-point";

    /// <summary>The timer that starts a required resync (RES-6).</summary>
    public const string Resync = "resync";

    /// <summary>The timer of the retry after a replication error.</summary>
    public const string ReplicationRetry = "retry/replication";

    /// <summary>The prefix of retry timers, followed by the effect's name.</summary>
    public const string RetryPrefix = "retry/";

    private static readonly TimeSpan LongestWithoutPoint = TimeSpan.FromMinutes(60);

    /// <summary>
    /// Returns how long a VM may be without a new usable point before health reports it: the policy's RPO threshold, at
    /// most one hour, but never less than the interval of two points, which every healthy VM would exceed.
    /// </summary>
    public static TimeSpan NoPointAfter(ReplicationPolicy policy)
    {
        var least = 2 * ReplicationPolicy.CrashConsistentEvery;
        return policy.RpoThreshold < least ? least
            : policy.RpoThreshold > LongestWithoutPoint ? LongestWithoutPoint
            : policy.RpoThreshold;
    }

    /// <summary>Returns the timers armed in a state.</summary>
    public static ImmutableArray<DurableTimer> Of(ProtectedVmState state) => [.. Armed(state)];

    /// <summary>Whether a timer with this name can exist.</summary>
    public static bool IsKnown(string name) => name is Point or NoPoint or Resync or ReplicationRetry
        || (name.StartsWith(RetryPrefix, StringComparison.Ordinal)
            && EffectName.Find(name[RetryPrefix.Length..]) is not null);

    /// <summary>Returns the effect that a retry timer is for.</summary>
    public static EffectKind RetriedBy(string name) =>
        EffectName.Find(name[RetryPrefix.Length..])
            ?? throw new ArgumentException($"Timer '{name}' retries no effect.", nameof(name));

    private static IEnumerable<DurableTimer> Armed(ProtectedVmState state)
    {
        if (MakesPoints(state) && state.PointSchedule.NextAt is { } pointAt)
        {
            yield return new DurableTimer(Point, pointAt);
        }

        if (NewestUsableAt(state) is { } newest && !state.Causes.Any(cause => cause.Kind == HealthKind.NoRecentPoint))
        {
            yield return new DurableTimer(NoPoint, newest + NoPointAfter(state.Enrollment.Policy));
        }

        if (state is { Phase: Phase.Protected or Phase.ProtectedReverse }
            and { Replication: { Paused: false, Resync: { Stage: ResyncStage.Required, StartsAt: { } resyncAt } } })
        {
            yield return new DurableTimer(Resync, resyncAt);
        }

        if (state.Replication is { Active: true, Paused: false, Fault.RetryAt: { } faultAt })
        {
            yield return new DurableTimer(ReplicationRetry, faultAt);
        }

        foreach (var retry in state.Retries)
        {
            if (retry.DueAt is { } dueAt)
            {
                yield return new DurableTimer(RetryPrefix + EffectName.Of(retry.Kind), dueAt);
            }
        }
    }

    // The time since when there was no newer usable point: that of the last seal (or of the start of protection) while
    // the newest point is usable or there is none yet, else the newest usable point's own. It does not matter why no
    // point is made: a pause, a resync and an agent that is away count like any other reason.
    private static DateTimeOffset? NewestUsableAt(ProtectedVmState state)
    {
        if (state is not { Phase: Phase.Protected, PointSchedule.LastAt: { } last })
        {
            return null;
        }

        return state.Points.Count == 0 || state.Points[^1].Usable ? last
            : state.Points.LastOrDefault(point => point.Usable) is { } usable && usable.Point.Time < last
                ? usable.Point.Time
            : last;
    }

    // While the agent is away no point can be made; a request every five minutes would only fill the log.
    private static bool MakesPoints(ProtectedVmState state) =>
        state.Phase is Phase.Protected && state.Replication.Status == ReplicationStatus.Running
        && !state.Causes.Any(cause => cause.Kind == HealthKind.AgentDisconnected);
}
