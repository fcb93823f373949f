using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Engine.Scenarios;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Vault.Replicas;

/// <summary>The facts about a replica that a recovery needs.</summary>
/// <param name="Vm">The VM's name.</param>
/// <param name="Disks">The VM's disks.</param>
/// <param name="Term">The term below which the replica refuses senders.</param>
/// <param name="Points">The VM's recovery points, oldest first, each with the reason why it must not be used.</param>
/// <param name="MachineOn">The point under the disks of a recovered machine; null when there are none.</param>
internal sealed record ReplicaFacts(
    string Vm, ValueList<ProtectedDisk> Disks, Term Term,
    ValueList<(RecoveryPoint Point, string? UnusableBecause)> Points, RecoveryPointId? MachineOn);

/// <summary>The operator's additions to the facts found in the replicas.</summary>
/// <param name="Agent">The agent of VMs whose directory does not name it.</param>
/// <param name="Primary">The side on which such a VM ran last; null when it was not given.</param>
/// <param name="Term">A term that is known to have been used; the new term is above it.</param>
public sealed record RecoveryHints(string? Agent, PrimarySide? Primary, long Term);

/// <summary>
/// Decides the form in which each VM is recovered; pure. A side that was not writable stays so, unless the operator had
/// decided otherwise before the journal was lost (<see cref="RecoveryRule"/>).
/// </summary>
internal static class RecoveryPlan
{
    /// <summary>
    /// The distance of the new term from the highest known one: one for a term that was being assigned when the journal
    /// was lost, and one to be above it.
    /// </summary>
    public const int TermsAbove = 2;

    /// <summary>Returns the command that starts a VM's new history.</summary>
    /// <exception cref="VaultRefusedException">The operator has to give more information.</exception>
    public static ProtectedVmCommand.Recover For(ReplicaFacts facts, ReplicaIdentity? identity, RecoveryHints hints)
    {
        var points = facts.Points.Select(p => p.Point).ToValueList();
        var stand = facts.MachineOn ?? facts.Points.LastOrDefault(p => p.UnusableBecause is null).Point?.Id;
        var form = Possible(FormOf(facts, identity, hints), facts, stand);
        var term = Math.Max(Math.Max(facts.Term.Value, identity?.Term ?? 0), hints.Term);
        var needsPoint = form is RecoveredAs.CommitPending or RecoveredAs.FailedOver or RecoveredAs.Reprotecting;
        return new ProtectedVmCommand.Recover(
            EnrollmentOf(facts, identity, hints), new Term(term + TermsAbove), form, needsPoint ? stand : null, points);
    }

    private static RecoveredAs FormOf(ReplicaFacts facts, ReplicaIdentity? identity, RecoveryHints hints)
    {
        if (identity is not null)
        {
            return facts.MachineOn is null ? identity.WithoutMachine : identity.WithMachine;
        }

        return (facts.MachineOn, hints.Primary) switch
        {
            (null, PrimarySide.Target) => RecoveredAs.CommitPending,
            (null, _) => RecoveredAs.Protected,
            (_, PrimarySide.Target) => RecoveredAs.CommitPending,
            (_, PrimarySide.Source) => RecoveredAs.FailbackCommitPending,
            _ => throw new VaultRefusedException(
                $"'{facts.Vm}' was failed over once, and its directory does not record which side ran last. Give it "
                + "with --primary source or --primary target; a wrong choice makes a second machine writable."),
        };
    }

    // A form whose preconditions are missing is replaced by the next form that makes no additional side writable.
    private static RecoveredAs Possible(RecoveredAs form, ReplicaFacts facts, RecoveryPointId? stand) => form switch
    {
        RecoveredAs.FailedOver when facts.Points.Count != 1 && stand is not null => RecoveredAs.CommitPending,
        RecoveredAs.CommitPending or RecoveredAs.FailedOver or RecoveredAs.Reprotecting when stand is null =>
            throw new VaultRefusedException(
                $"'{facts.Vm}' was failing over, and its replica has no usable recovery point: there is nothing "
                + $"to fail over to. Move its directory away, recover the others, and protect the VM again."),
        RecoveredAs.Protected when facts.Points.Count == 0 => RecoveredAs.InitialReplication,
        _ => form,
    };

    private static Enrollment EnrollmentOf(ReplicaFacts facts, ReplicaIdentity? identity, RecoveryHints hints) =>
        identity is not null ? identity.Enrollment with { Disks = DisksOf(facts, identity) } : new Enrollment(
            new ProtectedVmId(facts.Vm), facts.Disks, ScenarioCatalog.DefaultId, ReplicationPolicy.Default,
            hints.Agent ?? throw new VaultRefusedException(
                $"The directory of '{facts.Vm}' does not name the agent of its source; give it with --agent NAME."));

    // The replica knows the sizes. Only the enrollment knows which disk it is and how it is read.
    private static ValueList<ProtectedDisk> DisksOf(ReplicaFacts facts, ReplicaIdentity identity) =>
        facts.Disks.Select(disk => identity.Disks.FirstOrDefault(known => known.Path == disk.Path) is { } known
            ? known with { SizeBytes = disk.SizeBytes } : disk).ToValueList();
}
