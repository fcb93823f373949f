using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Scenarios;
using static ReplicationEngine.Engine.ProtectedVms.Phases.Decisions;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms.Phases;

/// <summary>The events that lead from no protection to protection.</summary>
public abstract record EnablingEvent : ProtectedVmEvent
{
    private protected EnablingEvent(DateTimeOffset at)
        : base(at)
    {
    }
}

/// <summary>
/// The rules of enabling, from no protection to protection (ENA-1): prerequisites, source, target, initial replication
/// and final settings. A permanent failure before initial replication abandons enabling.
/// </summary>
internal static class Enabling
{
    private const int MaxDisks = 64;
    private const int MaxNameLength = 64;
    private const long MaxDiskBytes = 32L << 40;

    public static Decision<ProtectedVmEvent> Decide(ProtectedVmState state, Enable command, DecisionContext context)
    {
        if (NotOffered(state, Operation.Enable) is { } refused)
        {
            return refused;
        }

        if (ScenarioCatalog.Find(command.ScenarioId) is not { } scenario)
        {
            return Refuse(new ProtectedVmRefusal.UnknownScenario(
                command.ScenarioId, ScenarioCatalog.All.Select(known => known.Id).ToValueList()));
        }

        ValueList<string> problems =
        [
            .. NameProblems(command.Vm, command.Agent), .. DiskProblems(command.Disks),
            .. command.Policy.Problems(scenario),
        ];
        return problems.Count > 0
            ? Refuse(new ProtectedVmRefusal.InvalidRequest(problems))
            : Accept(new EnableStarted(context.Now, context.Actor, new Enrollment(
                command.Vm, command.Disks, scenario.Id, command.Policy, command.Agent)));
    }

    /// <summary>
    /// Returns the event that follows a finished effect of enabling; null when the result does not belong to the
    /// effect.
    /// </summary>
    public static ProtectedVmEvent? Succeeded(ProtectedVmEffect effect, EffectResult result, DateTimeOffset now) =>
        (effect, result) switch
        {
            (ProtectedVmEffect.CheckPrerequisites, EffectResult.PrerequisitesMet met) =>
                new PrerequisitesChecked(now, met.Disks),
            (ProtectedVmEffect.AttachSource, EffectResult.Done) => new SourceAttached(now),
            (ProtectedVmEffect.PrepareTarget, EffectResult.Done) => new TargetPrepared(now),
            (ProtectedVmEffect.StartInitialReplication, EffectResult.Done) => new InitialReplicationStarted(now),
            (ProtectedVmEffect.FinalizeProtection, EffectResult.Done) => new ProtectionFinalized(now),
            _ => null,
        };

    public static ProtectedVmState Evolve(ProtectedVmState state, EnablingEvent @event) => @event switch
    {
        EnableStarted e => Start(state, e),
        PrerequisitesChecked e => TakeDisks(state, e),
        SourceAttached e =>
            Step(state, e, EnableStep.AttachingSource, EnableStep.PreparingTarget, "Target resources created"),
        TargetPrepared e => Step(
            state, e, EnableStep.PreparingTarget, EnableStep.StartingInitialReplication, "Initial replication started"),
        EnableFailed e => GiveUp(state, e),
        InitialReplicationStarted e => StartInitialReplication(state, e),
        InitialReplicationCompleted e => Finalize(state, e),
        ProtectionFinalized e => BecomeProtected(state, e),
        _ => throw state.Impossible(@event),
    };

    /// <summary>Returns what is wrong with the names of a VM and of its agent, each as a sentence.</summary>
    public static IEnumerable<string> NameProblems(ProtectedVmId vm, string agent)
    {
        var name = vm.Value ?? "";
        if (name.Length is 0 or > MaxNameLength || !char.IsAsciiLetterOrDigit(name[0])
            || name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-')))
        {
            yield return $"VM name '{name}' must consist of 1 to {MaxNameLength} of A-Z, a-z, 0-9, '.', '_', '-', "
                + "starting with a letter or digit.";
        }

        if (string.IsNullOrWhiteSpace(agent))
        {
            yield return "No agent is given; name the agent on the source's machine.";
        }
    }

    /// <summary>Returns what is wrong with the disks to protect, each as a sentence.</summary>
    public static IEnumerable<string> DiskProblems(ValueList<ProtectedDisk> disks)
    {
        if (disks.Count is 0 or > MaxDisks)
        {
            yield return $"{disks.Count} disks are given; a VM can have 1 to {MaxDisks}.";
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

    private static ProtectedVmState Start(ProtectedVmState state, EnableStarted e)
    {
        if (state.Phase is not (Phase.NotProtected or Phase.Disabled or Phase.EnableFailed))
        {
            throw state.Impossible(e);
        }

        // The term continues from an earlier protection, so that no store ever sees a lower one. Points continue with
        // the replica that holds them; both were forgotten when the replica was deleted.
        return state.Enter(new Phase.Enabling(EnableStep.CheckingPrerequisites)) with
        {
            Enrollment = e.Enrollment,
            Causes = [],
            Finalized = false,
            ReplicaSince = state.ReplicaSince == default ? e.At : state.ReplicaSince,
            Jobs = state.Jobs.Start(state.EventCount, JobKind.Enable, e.By, "Prerequisites checked", e.At),
        };
    }

    private static ProtectedVmState TakeDisks(ProtectedVmState state, PrerequisitesChecked e)
    {
        var next = Step(
            state, e, EnableStep.CheckingPrerequisites, EnableStep.AttachingSource,
            "Agent registered, source attached");
        return next with { Enrollment = next.Enrollment with { Disks = e.Disks } };
    }

    private static ProtectedVmState Step(
        ProtectedVmState state, ProtectedVmEvent e, EnableStep from, EnableStep to, string name) =>
        state.Phase is Phase.Enabling enabling && enabling.Step == from
            ? state.Enter(new Phase.Enabling(to)) with { Jobs = state.Jobs.NextStep(JobKind.Enable, name, e.At) }
            : throw state.Impossible(e);

    private static ProtectedVmState GiveUp(ProtectedVmState state, EnableFailed e)
    {
        state.Expect<Phase.Enabling>(e);
        return state.Enter(new Phase.EnableFailed(e.Error, e.CleanUpOwed)) with
        {
            Jobs = state.Jobs.End(JobKind.Enable, JobOutcome.Failed, e.At, e.Error.InWords()),
        };
    }

    private static ProtectedVmState StartInitialReplication(ProtectedVmState state, InitialReplicationStarted e)
    {
        if (state.Phase is not Phase.Enabling { Step: EnableStep.StartingInitialReplication })
        {
            throw state.Impossible(e);
        }

        return state.Enter(new Phase.InitialReplication()) with
        {
            Replication = ReplicationState.Started,
            Jobs = state.Jobs.End(JobKind.Enable, JobOutcome.Succeeded, e.At)
                .Start(state.EventCount, JobKind.InitialReplication, ProtectedVm.EngineActor, "Initial replication",
                    e.At),
        };
    }

    private static ProtectedVmState Finalize(ProtectedVmState state, InitialReplicationCompleted e)
    {
        state.Expect<Phase.InitialReplication>(e);
        return state.Enter(new Phase.Finalizing()) with
        {
            Jobs = state.Jobs.NextStep(JobKind.InitialReplication, "Protection finalized", e.At),
        };
    }

    private static ProtectedVmState BecomeProtected(ProtectedVmState state, ProtectionFinalized e)
    {
        state.Expect<Phase.Finalizing>(e);
        return state.Enter(new Phase.Protected()) with
        {
            Finalized = true,
            PointSchedule = Points.ScheduleIn(new Phase.Protected(), state, e.At),
            Jobs = state.Jobs.End(JobKind.InitialReplication, JobOutcome.Succeeded, e.At),
        };
    }
}
