using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.WireValues;
using Wire = ReplicationEngine.Persistence.Contracts.V1;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

internal static partial class EventForms
{
    private static readonly EventForm[] Lifecycle =
    [
        EventForm.V1<CommandAccepted, Wire.CommandAccepted>(
            "command-accepted",
            e => new() { At = At(e.At), By = e.By, Command = e.Command.ToString(), Digest = e.Digest },
            m => new(Time(m.At), m.By, new CommandId(Guid.ParseExact(m.Command, "N")), m.Digest)),
        EventForm.V1<EnableStarted, Wire.EnableStarted>(
            "enable-started",
            e => new()
            {
                At = At(e.At), By = e.By, Vm = e.Enrollment.Vm.Value, Disks = { e.Enrollment.Disks.Select(To) },
                ScenarioId = e.Enrollment.ScenarioId, Policy = To(e.Enrollment.Policy), Agent = e.Enrollment.Agent,
            },
            m => new(Time(m.At), m.By, new Enrollment(
                new ProtectedVmId(m.Vm), From(m.Disks), m.ScenarioId, From(m.Policy), m.Agent))),
        EventForm.V1<ProtectionRecovered, Wire.ProtectionRecovered>(
            "protection-recovered",
            e => new()
            {
                At = At(e.At), By = e.By, Vm = e.Enrollment.Vm.Value, Disks = { e.Enrollment.Disks.Select(To) },
                ScenarioId = e.Enrollment.ScenarioId, Policy = To(e.Enrollment.Policy), Agent = e.Enrollment.Agent,
                Term = e.Term.Value, RecoveredAs = (Wire.RecoveredAs)e.As, Point = e.Point?.ToString() ?? "",
                Points = { e.Points.Select(To) },
            },
            m => new(
                Time(m.At), m.By,
                new Enrollment(new ProtectedVmId(m.Vm), From(m.Disks), m.ScenarioId, From(m.Policy), m.Agent),
                new Term(m.Term), Known((RecoveredAs)m.RecoveredAs), m.Point.Length == 0 ? null : PointId(m.Point),
                m.Points.Select(From).ToValueList())),
        EventForm.V1<PrerequisitesChecked, Wire.PrerequisitesChecked>(
            "prerequisites-checked",
            e => new() { At = At(e.At), Disks = { e.Disks.Select(To) } },
            m => new(Time(m.At), From(m.Disks))),
        EventForm.V1<SourceAttached, Wire.SourceAttached>(
            "source-attached",
            e => new() { At = At(e.At) },
            m => new(Time(m.At))),
        EventForm.V1<TargetPrepared, Wire.TargetPrepared>(
            "target-prepared",
            e => new() { At = At(e.At) },
            m => new(Time(m.At))),
        EventForm.V1<EnableFailed, Wire.EnableFailed>(
            "enable-failed",
            e => new() { At = At(e.At), Error = To(e.Error), CleanUpOwed = e.CleanUpOwed },
            m => new(Time(m.At), From(m.Error), m.CleanUpOwed)),
        EventForm.V1<InitialReplicationStarted, Wire.InitialReplicationStarted>(
            "initial-replication-started",
            e => new() { At = At(e.At) },
            m => new(Time(m.At))),
        EventForm.V1<InitialReplicationCompleted, Wire.InitialReplicationCompleted>(
            "initial-replication-completed",
            e => new() { At = At(e.At), SentBytes = e.SentBytes },
            m => new(Time(m.At), m.SentBytes)),
        EventForm.V1<ProtectionFinalized, Wire.ProtectionFinalized>(
            "protection-finalized",
            e => new() { At = At(e.At) },
            m => new(Time(m.At))),
        EventForm.V1<DisableStarted, Wire.DisableStarted>(
            "disable-started",
            e => new() { At = At(e.At), By = e.By, KeepReplica = e.KeepReplica },
            m => new(Time(m.At), m.By, m.KeepReplica)),
        EventForm.V1<ProtectionDisabled, Wire.ProtectionDisabled>(
            "protection-disabled",
            e => new() { At = At(e.At) },
            m => new(Time(m.At))),
        EventForm.V1<PolicyChanged, Wire.PolicyChanged>(
            "policy-changed",
            e => new() { At = At(e.At), By = e.By, Policy = To(e.Policy) },
            m => new(Time(m.At), m.By, From(m.Policy))),
        EventForm.V1<EffectConfirmed, Wire.EffectConfirmed>(
            "effect-confirmed",
            e => new() { At = At(e.At), Kind = (Wire.EffectKind)e.Kind },
            m => new(Time(m.At), Known((EffectKind)m.Kind))),
        EventForm.V1<EffectFailed, Wire.EffectFailed>(
            "effect-failed",
            e => new()
            {
                At = At(e.At), Kind = (Wire.EffectKind)e.Kind, Error = To(e.Error), Failures = e.Failures,
                RetryAt = AtOrNone(e.RetryAt),
            },
            m => new(Time(m.At), Known((EffectKind)m.Kind), From(m.Error), m.Failures, TimeOrNone(m.RetryAt))),
        EventForm.V1<EffectRetried, Wire.EffectRetried>(
            "effect-retried",
            e => new() { At = At(e.At), By = e.By, Kind = (Wire.EffectKind)e.Kind },
            m => new(Time(m.At), m.By, Known((EffectKind)m.Kind))),
    ];
}
