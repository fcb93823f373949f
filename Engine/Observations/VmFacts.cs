using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Engine.Observations;

/// <summary>
/// Derives the commands that bring a VM's state up to date with what is observed. Pure: an up-to-date state yields no
/// commands, so frequent observation costs no events and late observation loses none.
/// </summary>
public static class VmFacts
{
    /// <summary>Returns all commands to deliver now, in order; empty when the state is up to date.</summary>
    public static IReadOnlyList<ProtectedVmCommand> Of(ProtectedVmState state, VmObservation observation)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(observation);
        if (state.Phase is Phase.NotProtected or Phase.Disabled or Phase.EnableFailed)
        {
            return [];
        }

        return
        [
            .. Connection(state, observation.Agent),
            .. Lag(state, observation),
            .. observation.Target?.Points is { } points ? PointFacts.Of(state, points)
                : observation.Target?.LostBecause is { } why ? PointFacts.OfLost(state, why) : [],
            .. observation is { Source: { } source, Target: { } target } ? Replication(state, source, target) : [],
            .. observation.Target is { } replica ? Store(state, replica) : [],
            .. Health(state, observation),
        ];
    }

    // The clock difference is never the same twice, so its presence is reported, not each value.
    private static IEnumerable<ProtectedVmCommand> Health(ProtectedVmState state, VmObservation observation)
    {
        var observed = ObservedHealth.Of(state, observation);
        foreach (var cause in observed)
        {
            var known = state.Causes.FirstOrDefault(one => one.Kind == cause.Kind);
            if (known is null || (known with { Since = default } != cause && cause.Kind != HealthKind.ClockOffset))
            {
                yield return new ProtectedVmCommand.RecordHealthCause(cause);
            }
        }

        foreach (var known in state.Causes)
        {
            if (ObservedHealth.Kinds.Contains(known.Kind) && !observed.Any(cause => cause.Kind == known.Kind)
                && IsKnownRight(known.Kind, observation))
            {
                yield return new ProtectedVmCommand.RecordHealthRestored(known.Kind);
            }
        }
    }

    // A problem that cannot be observed while the agent is away may still exist.
    private static bool IsKnownRight(HealthKind kind, VmObservation observation) => kind switch
    {
        HealthKind.TargetFull => observation.Target is not null,
        HealthKind.NoHooks => observation.Source is not null,
        _ => observation.Agent == AgentPresence.Connected,
    };

    private static IEnumerable<ProtectedVmCommand> Connection(ProtectedVmState state, AgentPresence agent)
    {
        var known = Has(state, HealthKind.AgentDisconnected);
        if (known && agent == AgentPresence.Connected)
        {
            yield return new ProtectedVmCommand.RecordAgentConnected();
        }
        else if (!known && agent == AgentPresence.Away)
        {
            yield return new ProtectedVmCommand.RecordAgentDisconnected(
                $"Agent '{state.Enrollment.Agent}' is not connected.");
        }
    }

    // Reports when the data loss at risk exceeds the policy's threshold, and when it falls below it again (POL-4).
    private static IEnumerable<ProtectedVmCommand> Lag(ProtectedVmState state, VmObservation observation)
    {
        if (state.Phase is Phase.Protected && observation.AtRisk is { } lag
            && lag > state.Enrollment.Policy.RpoThreshold != Has(state, HealthKind.RpoExceeded))
        {
            yield return new ProtectedVmCommand.RecordLag(lag, observation.LagBytes);
        }
    }

    // A disk that shrank is a problem at the source, not a size to protect: only growth is a fact.
    private static IEnumerable<ProtectedVmCommand> Replication(
        ProtectedVmState state, SourceObservation source, TargetObservation target) =>
        !source.IsOpen ? Faults(state, source) :
        [
            .. Capture(state, source),
            .. Progress(state, source, target),
            .. Faults(state, source),
            .. source.Disks.Where(disk => state.Enrollment.Disks.Any(
                    known => known.Path == disk.Path && known.SizeBytes < disk.SizeBytes && known.SizeBytes > 0))
                .Select(disk => new ProtectedVmCommand.RecordDiskResized(disk.Path, disk.SizeBytes)),
        ];

    // Applies to the first copy too: a source that cannot log cannot finish it.
    private static IEnumerable<ProtectedVmCommand> Capture(ProtectedVmState state, SourceObservation source)
    {
        var marking = source.Capture == CaptureMode.DirtyMap;
        if (marking == Has(state, HealthKind.CacheFull)
            || state.Phase is not (Phase.InitialReplication or Phase.Protected
                or Phase.Reprotecting { Direction: Direction.ToRecovery }))
        {
            yield break;
        }

        yield return marking
            ? new ProtectedVmCommand.RecordDirtyMapModeEntered(source.CauseText.Length > 0
                ? source.CauseText
                : "the agent's data directory has no space for the next file of the replication log.")
            : new ProtectedVmCommand.RecordDirtyMapModeLeft();
    }

    private static IEnumerable<ProtectedVmCommand> Progress(
        ProtectedVmState state, SourceObservation source, TargetObservation target) => state.Phase switch
    {
        Phase.InitialReplication or Phase.Reprotecting { Direction: Direction.ToRecovery, Started: true }
            when Synchrony.IsInSync(state, source, target) =>
            [new ProtectedVmCommand.RecordInSync(Direction.ToRecovery, source.WireBytes)],
        Phase.Reprotecting { Direction: Direction.ToPrimary, Started: true }
            when Synchrony.IsInSync(state, source, target) =>
            [new ProtectedVmCommand.RecordInSync(Direction.ToPrimary, target.Reverse?.WireBytes ?? 0)],
        Phase.Protected => ResyncFacts.Of(state, source, target),
        Phase.ProtectedReverse => ResyncFacts.OfReverse(state, target.Reverse),
        Phase.CommitPending or Phase.Committing or Phase.FailedOver
            when source.Role == SourceRole.Fenced && SourceDuty.Of(state)!.IsCutKnownTo(source)
                && (!Has(state, HealthKind.SourceFenced) || state.DivergentBytes != source.DivergentBytes) =>
            [new ProtectedVmCommand.RecordSourceFenced(source.DivergentBytes)],
        _ => [],
    };

    private static IEnumerable<ProtectedVmCommand> Faults(ProtectedVmState state, SourceObservation source)
    {
        if (!state.Replication.Active || state.Replication.Paused)
        {
            yield break;
        }

        if (source.Problems is [var problem, ..] && state.Replication.Fault is null)
        {
            yield return new ProtectedVmCommand.RecordReplicationError(problem);
        }
        else if (source.Problems.Count == 0 && state.Replication.Fault is not null && source.Connected)
        {
            yield return new ProtectedVmCommand.RecordReplicationRecovered();
        }
    }

    private static IEnumerable<ProtectedVmCommand> Store(ProtectedVmState state, TargetObservation target)
    {
        if (target.Trouble is { } fault)
        {
            if (!Has(state, HealthKind.TargetStoreCorrupt))
            {
                yield return new ProtectedVmCommand.RecordTargetStoreCorrupt(
                    fault, "Check the target's storage; if the replica is lost, disable protection and protect again.");
            }
        }
        else if (Has(state, HealthKind.TargetStoreCorrupt))
        {
            yield return new ProtectedVmCommand.RecordTargetStoreRepaired();
        }
    }

    private static bool Has(ProtectedVmState state, HealthKind kind) => state.Causes.Any(cause => cause.Kind == kind);
}
