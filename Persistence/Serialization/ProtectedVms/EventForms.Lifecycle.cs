using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.WireValues;
using Wire = ReplicationEngine.Persistence.Contracts.V1;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

internal static partial class EventForms
{
    private static readonly StoredForm<ProtectedVmEvent>[] Lifecycle =
    [
        V1<CommandAccepted, Wire.CommandAccepted>(
            "command-accepted",
            e => new(At(e.At), e.By, e.Command.Value, e.Digest),
            m => new(Time(m.At), Needed(m.By), new CommandId(Needed(m.Command)), Needed(m.Digest))),
        V1<EnableStarted, Wire.EnableStarted>(
            "enable-started",
            e => new(
                At(e.At), e.By, e.Enrollment.Vm.Value, All(e.Enrollment.Disks, To), e.Enrollment.ScenarioId,
                To(e.Enrollment.Policy), e.Enrollment.Agent),
            m => new(Time(m.At), Needed(m.By), EnrollmentOf(m.Vm, m.Disks, m.ScenarioId, m.Policy, m.Agent))),
        V1<ProtectionRecovered, Wire.ProtectionRecovered>(
            "protection-recovered",
            e => new(
                At(e.At), e.By, e.Enrollment.Vm.Value, All(e.Enrollment.Disks, To), e.Enrollment.ScenarioId,
                To(e.Enrollment.Policy), e.Enrollment.Agent, e.Term.Value, e.As, e.Point?.Value, All(e.Points, To)),
            m => new(
                Time(m.At), Needed(m.By), EnrollmentOf(m.Vm, m.Disks, m.ScenarioId, m.Policy, m.Agent),
                new Term(m.Term), Needed(m.RecoveredAs), PointIdOrNone(m.Point), All(m.Points, From))),
        V1<PrerequisitesChecked, Wire.PrerequisitesChecked>(
            "prerequisites-checked",
            e => new(At(e.At), All(e.Disks, To)),
            m => new(Time(m.At), All(m.Disks, From))),
        V1<SourceAttached, Wire.SourceAttached>("source-attached", e => new(At(e.At)), m => new(Time(m.At))),
        V1<TargetPrepared, Wire.TargetPrepared>("target-prepared", e => new(At(e.At)), m => new(Time(m.At))),
        V1<EnableFailed, Wire.EnableFailed>(
            "enable-failed",
            e => new(At(e.At), To(e.Error), e.CleanUpOwed),
            m => new(Time(m.At), From(m.Error), m.CleanUpOwed)),
        V1<InitialReplicationStarted, Wire.InitialReplicationStarted>(
            "initial-replication-started",
            e => new(At(e.At)),
            m => new(Time(m.At))),
        V1<InitialReplicationCompleted, Wire.InitialReplicationCompleted>(
            "initial-replication-completed",
            e => new(At(e.At), e.SentBytes),
            m => new(Time(m.At), m.SentBytes)),
        V1<ProtectionFinalized, Wire.ProtectionFinalized>(
            "protection-finalized",
            e => new(At(e.At)),
            m => new(Time(m.At))),
        V1<DisableStarted, Wire.DisableStarted>(
            "disable-started",
            e => new(At(e.At), e.By, e.KeepReplica),
            m => new(Time(m.At), Needed(m.By), m.KeepReplica)),
        V1<ProtectionDisabled, Wire.ProtectionDisabled>(
            "protection-disabled",
            e => new(At(e.At)),
            m => new(Time(m.At))),
        V1<PolicyChanged, Wire.PolicyChanged>(
            "policy-changed",
            e => new(At(e.At), e.By, To(e.Policy)),
            m => new(Time(m.At), Needed(m.By), From(m.Policy))),
        V1<EffectConfirmed, Wire.EffectConfirmed>(
            "effect-confirmed",
            e => new(At(e.At), e.Kind),
            m => new(Time(m.At), Needed(m.Kind))),
        V1<EffectFailed, Wire.EffectFailed>(
            "effect-failed",
            e => new(At(e.At), e.Kind, To(e.Error), e.Failures, AtOrNone(e.RetryAt)),
            m => new(Time(m.At), Needed(m.Kind), From(m.Error), m.Failures, TimeOrNone(m.RetryAt))),
        V1<EffectRetried, Wire.EffectRetried>(
            "effect-retried",
            e => new(At(e.At), e.By, e.Kind),
            m => new(Time(m.At), Needed(m.By), Needed(m.Kind))),
    ];
}
