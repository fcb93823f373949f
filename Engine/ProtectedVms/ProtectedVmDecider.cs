using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Scenarios;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>
/// Decides commands. A user's command first meets <see cref="ProtectedVmOperations.Check"/>, then its arguments are
/// judged. A fact is accepted in every phase; where it changes nothing it gives no events.
/// </summary>
internal static partial class ProtectedVmDecider
{
    private const int MaxDisks = 64;
    private const int MaxNameLength = 64;
    private const long MaxDiskBytes = 32L << 40;

    /// <summary>
    /// Total: events, or a refusal. A request whose id is known changes nothing when it is the same request, and is
    /// refused when it is another.
    /// </summary>
    public static Decision<ProtectedVmEvent> Decide(
        ProtectedVmState state, ProtectedVmCommand command, DecisionContext context)
    {
        if (context.Digest is not { } digest)
        {
            return DecideNew(state, command, context);
        }

        if (state.Accepted.FirstOrDefault(accepted => accepted.Id == context.CommandId) is { } known)
        {
            return string.Equals(known.Digest, digest, StringComparison.Ordinal)
                ? Accept()
                : Decision<ProtectedVmEvent>.Refuse(new CommandIdReused(context.CommandId));
        }

        var decision = DecideNew(state, command, context);
        return decision is Decision<ProtectedVmEvent>.Accepted { Events: [_, ..] events }
            ? Accept([new CommandAccepted(context.Now, context.Actor, context.CommandId, digest), .. events])
            : decision;
    }

    private static Decision<ProtectedVmEvent> DecideNew(
        ProtectedVmState state, ProtectedVmCommand command, DecisionContext context) => command switch
    {
        Enable c => OnEnable(state, c, context),
        Recover c => OnRecover(state, c, context),
        Disable c => OnDisable(state, c, context),
        UpdatePolicy c => OnUpdatePolicy(state, c, context),
        Pause => If(state, Operation.Pause, () => [new ReplicationPaused(context.Now, context.Actor)]),
        Resume => If(state, Operation.Resume, () =>
            [new ReplicationResumed(context.Now, context.Actor), .. Rescheduled(state, context)]),
        StartResync => If(state, Operation.Resync, () => OnStartResync(state, context)),
        MakeRecoveryPoint c => OnMakeRecoveryPoint(state, c, context),
        ProtectedVmCommand.StartTestFailover c => OnStartTestFailover(state, c, context),
        ProtectedVmCommand.CleanUpTestFailover c => If(state, Operation.CleanUpTestFailover, () =>
            [new TestFailoverCleanUpStarted(context.Now, context.Actor, c.Notes, null)]),
        StartPlannedFailover c => OnStartPlannedFailover(state, c, context),
        StartUnplannedFailover c => OnStartUnplannedFailover(state, c, context),
        ChangeRecoveryPoint c => OnChangeRecoveryPoint(state, c, context),
        Commit => If(state, Operation.Commit, () => [new CommitStarted(context.Now, context.Actor)]),
        ProtectedVmCommand.CancelFailover c => OnCancelFailover(state, c, context),
        Reprotect c => OnReprotect(state, c, context),
        Failback => If(state, Operation.Failback, () =>
            [new FailbackStarted(context.Now, context.Actor, state.Term.Next())]),
        RetryJob => If(state, Operation.RetryJob, () => Retried(state, context, _ => true, replication: true)),
        ProtectedVmCommand.TimerDue c => OnTimerDue(state, c, context),
        RecordEffectSucceeded c => OnEffectSucceeded(state, c, context),
        RecordEffectFailed c => OnEffectFailed(state, c, context),
        _ => DecideFact(state, command, context),
    };

    private static Decision<ProtectedVmEvent> OnEnable(ProtectedVmState state, Enable command, DecisionContext context)
    {
        if (ProtectedVmOperations.Check(state, Operation.Enable) is { } refusal)
        {
            return Refuse(refusal);
        }

        if (ScenarioCatalog.Find(command.ScenarioId) is not { } scenario)
        {
            return Refuse(new ProtectedVmRefusal.UnknownScenario(
                command.ScenarioId, ScenarioCatalog.All.Select(known => known.Id).ToValueList()));
        }

        ValueList<string> problems =
            [.. NameProblems(command), .. DiskProblems(command.Disks), .. command.Policy.Problems(scenario)];
        return problems.Count > 0
            ? Refuse(new ProtectedVmRefusal.InvalidRequest(problems))
            : Accept(new EnableStarted(context.Now, context.Actor, new Enrollment(
                command.Vm, command.Disks, scenario.Id, command.Policy, command.Agent)));
    }

    private static IEnumerable<string> NameProblems(Enable command)
    {
        var name = command.Vm.Value ?? "";
        if (name.Length is 0 or > MaxNameLength || !char.IsAsciiLetterOrDigit(name[0])
            || name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-')))
        {
            yield return $"VM name '{name}' is not 1 to {MaxNameLength} of A-Z, a-z, 0-9, '.', '_', '-', "
                + "first a letter or digit.";
        }

        if (string.IsNullOrWhiteSpace(command.Agent))
        {
            yield return "No agent is named; name the agent on the source's machine.";
        }
    }

    private static IEnumerable<string> DiskProblems(ValueList<ProtectedDisk> disks)
    {
        if (disks.Count is 0 or > MaxDisks)
        {
            yield return $"{disks.Count} disks are given; 1 to {MaxDisks} can be protected.";
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var disk in disks)
        {
            if (string.IsNullOrWhiteSpace(disk.Path))
            {
                yield return "A disk has an empty path; give its path on the agent's machine.";
            }
            else if (!seen.Add(disk.Path))
            {
                yield return $"Disk '{disk.Path}' is given twice; give each disk once.";
            }

            if (disk.SizeBytes is < 0 or > MaxDiskBytes)
            {
                yield return $"Disk '{disk.Path}' has {disk.SizeBytes} bytes; "
                    + $"at most {MaxDiskBytes} (32 TiB) can be protected.";
            }
        }
    }

    private static Decision<ProtectedVmEvent> OnDisable(
        ProtectedVmState state, Disable command, DecisionContext context) =>
        ProtectedVmOperations.Check(state, Operation.Disable) is { } refusal ? Refuse(refusal)
        : !command.KeepReplica && WritablePrimary.Of(state.Phase) == PrimarySide.Target
            ? Refuse(new ProtectedVmRefusal.ReplicaIsPrimary(Operation.Disable))
        : Accept(new DisableStarted(context.Now, context.Actor, command.KeepReplica));

    private static Decision<ProtectedVmEvent> OnUpdatePolicy(
        ProtectedVmState state, UpdatePolicy command, DecisionContext context)
    {
        if (ProtectedVmOperations.Check(state, Operation.UpdatePolicy) is { } refusal)
        {
            return Refuse(refusal);
        }

        var problems = command.Policy.Problems(ProtectedVmOperations.ScenarioOf(state));
        if (problems.Count > 0)
        {
            return Refuse(new ProtectedVmRefusal.InvalidRequest(problems));
        }

        if (command.Policy == state.Enrollment.Policy)
        {
            return Accept();
        }

        var changed = new PolicyChanged(context.Now, context.Actor, command.Policy);
        var after = ProtectedVmEvolution.Evolve(state, changed);
        return Accept([changed, .. Rescheduled(after, context), .. Expired(after, context, together: 1)]);
    }

    private static Decision<ProtectedVmEvent> If(
        ProtectedVmState state, Operation operation, Func<ValueList<ProtectedVmEvent>> events) =>
        ProtectedVmOperations.Check(state, operation) is { } refusal
            ? Refuse(refusal)
            : Decision<ProtectedVmEvent>.Accept(events().Items.AsSpan());

    private static Decision<ProtectedVmEvent> Accept(params ReadOnlySpan<ProtectedVmEvent> events) =>
        Decision<ProtectedVmEvent>.Accept(events);

    private static Decision<ProtectedVmEvent> Refuse(ProtectedVmRefusal refusal) =>
        Decision<ProtectedVmEvent>.Refuse(refusal);
}
