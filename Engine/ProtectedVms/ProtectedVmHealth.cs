using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>A VM's health.</summary>
/// <param name="Level">The worst level of the causes; null when the VM is not meant to be protected.</param>
/// <param name="Causes">The health causes, worst first.</param>
public sealed record HealthReport(HealthLevel? Level, ValueList<HealthCause> Causes)
{
    /// <summary>The level as one word: <c>normal</c>, <c>warning</c>, <c>critical</c>, or <c>none</c>.</summary>
    public string Word => Level switch
    {
        null => "none",
        HealthLevel.Normal => "normal",
        HealthLevel.Warning => "warning",
        HealthLevel.Critical => "critical",
        { } unknown => throw new InvalidOperationException($"Level {unknown} has no word."),
    };
}

/// <summary>
/// Derives health from the state and current observations: problems found, failures that wait, and machines that run
/// without protection (OPS-2). Health is normal only when the source is served as its state requires, the agent
/// reports, replication is in sync as the phase requires, and the newest usable point is not older than the policy
/// allows.
/// </summary>
public static class ProtectedVmHealth
{
    /// <summary>Returns the VM's health from its state alone.</summary>
    public static HealthReport Of(ProtectedVmState state) => Of(state, state.Causes);

    /// <summary>
    /// Returns the VM's current health. Observations replace what the state knows of the same kinds of cause.
    /// </summary>
    /// <param name="state">The state of the VM.</param>
    /// <param name="observation">The current observation of the VM.</param>
    /// <param name="now">The service's time (UTC), used as the start of causes that the state does not know
    /// yet.</param>
    public static HealthReport Of(ProtectedVmState state, VmObservation observation, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(observation);
        var observed = ObservedHealth.Of(state, observation);
        if (observation.Agent == AgentPresence.Away)
        {
            observed = observed.Add(AgentAway(state, $"Agent '{state.Enrollment.Agent}' is not connected."));
        }

        return Of(state, state.Causes
            .Where(cause => !ObservedHealth.Kinds.Contains(cause.Kind)
                && (cause.Kind != HealthKind.AgentDisconnected || observation.Agent == AgentPresence.Missed))
            .Concat(observed.Select(cause => cause with
            {
                Since = state.Causes.FirstOrDefault(known => known.Kind == cause.Kind)?.Since ?? now,
            })));
    }

    /// <summary>
    /// Whether a disconnected agent is a problem in a phase. While the target runs the machine and nothing is
    /// replicated back, it is not.
    /// </summary>
    public static bool NeedsAgent(Phase phase) => phase is Phase.Enabling or Phase.InitialReplication
        or Phase.Finalizing
        or Phase.Protected or Phase.Reprotecting or Phase.ProtectedReverse or Phase.FailingBack
        or Phase.FailbackCommitPending or Phase.CommittingFailback or Phase.FailedBack;

    /// <summary>Returns the health cause for a disconnected agent.</summary>
    internal static HealthCause AgentAway(ProtectedVmState state, string why) => new(
        HealthKind.AgentDisconnected, "", HealthLevel.Warning, why,
        $"Start agent '{state.Enrollment.Agent}', or see in its log why it cannot reach the service.", default);

    private static HealthReport Of(ProtectedVmState state, IEnumerable<HealthCause> found)
    {
        if (state.Phase is Phase.NotProtected or Phase.Disabled)
        {
            return new HealthReport(null, []);
        }

        var causes = found
            .Where(cause => cause.Kind != HealthKind.AgentDisconnected || NeedsAgent(state.Phase))
            .Concat(Unprotected(state))
            .Concat(state.Retries.Select(OfRetry))
            .Concat(OfReplication(state))
            .Concat(state.Points.Where(point => !point.Usable).Select(point => new HealthCause(
                HealthKind.PointUnusable, point.Id.ToString(), HealthLevel.Warning,
                $"Recovery point {point.Id} is not usable: {point.UnusableBecause}", "Choose another point.",
                point.Point.Time)))
            .OrderByDescending(cause => cause.Level)
            .ToValueList();
        return new HealthReport(causes.Count == 0 ? HealthLevel.Normal : causes[0].Level, causes);
    }

    // Phases that last until an operator acts. A phase that ends by itself shows its progress instead.
    private static IEnumerable<HealthCause> Unprotected(ProtectedVmState state)
    {
        var vm = state.Enrollment.Vm;
        var since = state.UnprotectedSince ?? default;
        HealthCause? cause = state.Phase switch
        {
            Phase.EnableFailed failed => new HealthCause(
                HealthKind.NotProtected, "", HealthLevel.Critical,
                $"The machine is not protected, because enabling protection failed: {failed.Error.Message}"
                    + (failed.CleanUpOwed ? " What it created at the agent and at the target is still being "
                        + "removed." : ""),
                ($"{failed.Error.Remedy} `drctl protect` retries; " + (state.Points.Count > 0
                    ? $"`drctl disable {vm} --keep-replica` removes the name from the list and keeps the replica and "
                        + "its recovery points."
                    : $"`drctl disable {vm}` removes the name from the list.")).TrimStart(),
                since),
            Phase.CommitPending => Runs("recovered", $"Commit (`drctl commit {vm}`) and then reprotect, or cancel."),
            Phase.FailedOver when CanReprotect(state) => Runs("recovered", $"Reprotect: `drctl reprotect {vm}`."),
            Phase.FailedOver => Runs(
                "recovered", $"Scenario {state.Enrollment.ScenarioId} has no reprotect: `drctl disable {vm} "
                    + "--keep-replica`, then protect the machine under another name where it runs now."),
            Phase.FailbackCommitPending => Runs(
                "returned", $"Commit (`drctl commit {vm}`) and then reprotect (`drctl reprotect {vm}`)."),
            Phase.FailedBack => Runs("returned", $"Reprotect: `drctl reprotect {vm}`."),
            _ => null,
        };
        return cause is null ? [] : [cause];

        HealthCause Runs(string which, string remedy) => new(
            HealthKind.NotProtected, "", HealthLevel.Warning, $"The {which} machine runs unprotected.", remedy, since);
    }

    private static bool CanReprotect(ProtectedVmState state) =>
        ProtectedVmOperations.Check(state, Operation.Reprotect) is null;

    private static HealthCause OfRetry(Retry retry) => OfError(
        EffectName.Of(retry.Kind), retry.Error, retry.Failures, retry.DueAt, retry.Since,
        waitsForPerson: retry is { Waiting: true, DueAt: null });

    private static IEnumerable<HealthCause> OfReplication(ProtectedVmState state)
    {
        var replication = state.Replication;
        if (replication.Paused)
        {
            yield return new HealthCause(
                HealthKind.ReplicationPaused, "", HealthLevel.Warning,
                "Replication is paused: no write reaches the other side.",
                $"Resume replication: `drctl resume {state.Enrollment.Vm}`.", state.UnprotectedSince ?? default);
        }

        if (replication.Fault is { } fault)
        {
            yield return OfError(
                "replication", fault.Error, fault.Failures, fault.RetryAt, fault.Since,
                waitsForPerson: fault.Error.Class == ErrorClass.NonRecoverable && replication.Order is null);
        }

        if (replication.Resync is { } mark)
        {
            var when = mark.Stage != ResyncStage.Required ? "the resync is running"
                : mark.StartsAt is { } startsAt ? $"it starts automatically at {startsAt:yyyy-MM-dd HH:mm} UTC"
                : "it starts when replication resumes";
            yield return new HealthCause(
                HealthKind.ResyncRequired, "", HealthLevel.Warning,
                $"The replica may differ from the source ({string.Join(", ", mark.Reasons)}); "
                    + $"a resync is needed: {when}.",
                mark.Stage == ResyncStage.Required ? "To start the resync now, use `drctl resync`." : "",
                mark.MarkedAt);
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

        var when = dueAt is { } at ? $"the next retry is at {at:yyyy-MM-dd HH:mm:ss} UTC" : "being retried";
        return new HealthCause(
            HealthKind.RecoverableError, subject, HealthLevel.Warning,
            $"{subject}: {error.Message} Failed {failures} times; {when}.", error.Remedy, since);
    }
}
