using System.Collections.Immutable;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>The durable timers of a state (ERR-3): a pure function of it.</summary>
internal static class ProtectedVmTimers
{
    /// <summary>The next recovery point (RCP-1).</summary>
    public const string Point = "point";

    /// <summary>No recovery point for an hour.</summary>
    public const string NoPoint = "no-point";

    /// <summary>A marked resync's start (RES-6).</summary>
    public const string Resync = "resync";

    /// <summary>The retry after a replication error.</summary>
    public const string ReplicationRetry = "retry/replication";

    /// <summary>Before an effect's name: the retry of the effect.</summary>
    public const string RetryPrefix = "retry/";

    /// <summary>How long a VM may be without a new point before health says so.</summary>
    public static readonly TimeSpan NoPointAfter = TimeSpan.FromMinutes(60);

    /// <summary>The timers armed.</summary>
    public static ImmutableArray<DurableTimer> Of(ProtectedVmState state) => [.. Armed(state)];

    /// <summary>Whether a timer of this name can exist.</summary>
    public static bool IsKnown(string name) => name is Point or NoPoint or Resync or ReplicationRetry
        || (name.StartsWith(RetryPrefix, StringComparison.Ordinal)
            && EffectName.Find(name[RetryPrefix.Length..]) is not null);

    /// <summary>The effect that a retry timer is for.</summary>
    public static EffectKind RetriedBy(string name) =>
        EffectName.Find(name[RetryPrefix.Length..])
            ?? throw new ArgumentException($"Timer '{name}' retries no effect.", nameof(name));

    private static IEnumerable<DurableTimer> Armed(ProtectedVmState state)
    {
        if (MakesPoints(state) && state.PointSchedule.NextAt is { } pointAt)
        {
            yield return new DurableTimer(Point, pointAt);
        }

        if (state is { Phase: Phase.Protected, PointSchedule.LastAt: { } last }
            && !state.Causes.Any(cause => cause.Kind == HealthKind.NoRecentPoint))
        {
            yield return new DurableTimer(NoPoint, last + NoPointAfter);
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

    // While the agent is away nobody could make a point; asking every five minutes would only fill the log.
    private static bool MakesPoints(ProtectedVmState state) =>
        state.Phase is Phase.Protected && state.Replication.Status == ReplicationStatus.Running
        && !state.Causes.Any(cause => cause.Kind == HealthKind.AgentDisconnected);
}
