using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>A VM's health.</summary>
/// <param name="Level">The worst of the causes' levels.</param>
/// <param name="Causes">What is wrong, the worst first.</param>
public sealed record HealthReport(HealthLevel Level, ValueList<HealthCause> Causes);

/// <summary>Derives health from the state: what was found wrong, and what failed and waits (OPS-2).</summary>
public static class ProtectedVmHealth
{
    /// <summary>The VM's health.</summary>
    public static HealthReport Of(ProtectedVmState state)
    {
        var causes = state.Causes
            .Where(cause => cause.Kind != HealthKind.AgentDisconnected || NeedsAgent(state.Phase))
            .Concat(state.Retries.Select(OfRetry))
            .Concat(OfReplication(state.Replication))
            .Concat(state.Points.Where(point => !point.Usable).Select(point => new HealthCause(
                HealthKind.PointUnusable, point.Id.ToString(), HealthLevel.Warning,
                $"Recovery point {point.Id} is not usable: {point.UnusableBecause}", "Choose another point.",
                point.Point.Time)))
            .OrderByDescending(cause => cause.Level)
            .ToValueList();
        return new HealthReport(causes.Count == 0 ? HealthLevel.Normal : causes[0].Level, causes);
    }

    // While the target runs the machine and nothing flows back, an agent that is away is no trouble.
    private static bool NeedsAgent(Phase phase) => phase is Phase.Enabling or Phase.InitialReplication
        or Phase.Finalizing
        or Phase.Protected or Phase.Reprotecting or Phase.ProtectedReverse or Phase.FailingBack
        or Phase.FailbackCommitPending or Phase.CommittingFailback or Phase.FailedBack;

    private static HealthCause OfRetry(Retry retry) => OfError(
        EffectName.Of(retry.Kind), retry.Error, retry.Failures, retry.DueAt, retry.Since,
        waitsForPerson: retry is { Waiting: true, DueAt: null });

    private static IEnumerable<HealthCause> OfReplication(ReplicationState replication)
    {
        if (replication.Fault is { } fault)
        {
            yield return OfError(
                "replication", fault.Error, fault.Failures, fault.RetryAt, fault.Since,
                waitsForPerson: fault.Error.Class == ErrorClass.NonRecoverable && replication.Order is null);
        }

        if (replication.Resync is { } mark)
        {
            var when = mark.Stage != ResyncStage.Required ? "it runs"
                : mark.StartsAt is { } startsAt ? $"it starts by itself at {startsAt:yyyy-MM-dd HH:mm} UTC"
                : "it starts once replication goes on";
            yield return new HealthCause(
                HealthKind.ResyncRequired, "", HealthLevel.Warning,
                $"The replica may differ from the source ({string.Join(", ", mark.Reasons)}); "
                    + $"a resync is needed: {when}.",
                mark.Stage == ResyncStage.Required ? "Start the resync by hand if it cannot wait." : "", mark.MarkedAt);
        }
    }

    private static HealthCause OfError(
        string subject, EffectError error, int failures, DateTimeOffset? dueAt, DateTimeOffset since,
        bool waitsForPerson)
    {
        if (waitsForPerson)
        {
            return new HealthCause(
                HealthKind.NonRecoverableError, subject, HealthLevel.Critical, $"{subject}: {error.Message}",
                $"{error.Remedy} Then retry.".TrimStart(), since);
        }

        var when = dueAt is { } at ? $"tried again at {at:yyyy-MM-dd HH:mm:ss} UTC" : "being tried again";
        return new HealthCause(
            HealthKind.RecoverableError, subject, HealthLevel.Warning,
            $"{subject}: {error.Message} Failed {failures} times; {when}.", error.Remedy, since);
    }
}
