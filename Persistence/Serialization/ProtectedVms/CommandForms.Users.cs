using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.WireValues;
using Wire = ReplicationEngine.Persistence.Contracts.V1;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

internal static partial class CommandForms
{
    private static readonly StoredForm<ProtectedVmCommand>[] Users =
    [
        V1<Enable, Wire.Enable>(
            "enable",
            c => new(c.Vm.Value, All(c.Disks, To), c.ScenarioId, To(c.Policy), c.Agent),
            m => new(
                new ProtectedVmId(Needed(m.Vm)), All(m.Disks, From), Needed(m.ScenarioId), From(m.Policy),
                Needed(m.Agent))),
        V1<Recover, Wire.Recover>(
            "recover",
            c => new(
                c.Enrollment.Vm.Value, All(c.Enrollment.Disks, To), c.Enrollment.ScenarioId, To(c.Enrollment.Policy),
                c.Enrollment.Agent, c.Term.Value, c.As, c.Point?.Value, All(c.Points, To)),
            m => new(
                EnrollmentOf(m.Vm, m.Disks, m.ScenarioId, m.Policy, m.Agent), new Term(m.Term), Needed(m.RecoveredAs),
                PointIdOrNone(m.Point), All(m.Points, From))),
        V1<Disable, Wire.Disable>("disable", c => new(c.KeepReplica), m => new(m.KeepReplica)),
        V1<UpdatePolicy, Wire.UpdatePolicy>("update-policy", c => new(To(c.Policy)), m => new(From(m.Policy))),
        V1<Pause, Wire.Pause>("pause", c => new(), m => new()),
        V1<Resume, Wire.Resume>("resume", c => new(), m => new()),
        V1<StartResync, Wire.StartResync>("start-resync", c => new(), m => new()),
        V1<MakeRecoveryPoint, Wire.MakeRecoveryPoint>(
            "make-recovery-point",
            c => new(c.Kind, c.AgentHasHooks),
            m => new(Needed(m.Kind), m.AgentHasHooks)),
        V1<StartTestFailover, Wire.StartTestFailover>(
            "start-test-failover",
            c => new(To(c.Choice)),
            m => new(From(m.Choice))),
        V1<CleanUpTestFailover, Wire.CleanUpTestFailover>(
            "clean-up-test-failover",
            c => new(c.Notes),
            m => new(Needed(m.Notes))),
        V1<StartPlannedFailover, Wire.StartPlannedFailover>(
            "start-planned-failover",
            c => new([.. c.Writers], c.Force),
            m => new() { Writers = All(m.Writers, Needed), Force = m.Force }),
        V1<StartUnplannedFailover, Wire.StartUnplannedFailover>(
            "start-unplanned-failover",
            c => new(To(c.Choice), c.TryShutdown),
            m => new(From(m.Choice), m.TryShutdown)),
        V1<ChangeRecoveryPoint, Wire.ChangeRecoveryPoint>(
            "change-recovery-point",
            c => new(To(c.Choice)),
            m => new(From(m.Choice))),
        V1<Commit, Wire.Commit>("commit", c => new(), m => new()),
        V1<CancelFailover, Wire.CancelFailover>(
            "cancel-failover",
            c => new(c.TargetWrittenBytes, c.Discard),
            m => new(m.TargetWrittenBytes, m.Discard)),
        V1<Reprotect, Wire.Reprotect>("reprotect", c => new(c.Discard), m => new(m.Discard)),
        V1<Failback, Wire.Failback>("failback", c => new(), m => new()),
        V1<RetryJob, Wire.RetryJob>("retry-job", c => new(), m => new()),
        V1<TimerDue, Wire.TimerDue>(
            "timer-due",
            c => new(c.Name, At(c.DueAt)),
            m => new(Needed(m.Name), Time(m.DueAt))),
    ];
}
