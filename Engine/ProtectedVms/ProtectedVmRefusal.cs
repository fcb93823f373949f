using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>Why a protected VM refuses a command.</summary>
public abstract record ProtectedVmRefusal : Refusal
{
    private ProtectedVmRefusal()
    {
    }

    /// <summary>The VM is not protected.</summary>
    public sealed record NotProtected(Operation Operation) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "not-protected";

        /// <inheritdoc/>
        public override string Message => $"Cannot {Operation.Verb()}: the VM is not protected; protect it first.";
    }

    /// <summary>The VM is protected already.</summary>
    public sealed record AlreadyProtected(ProtectedVmId Vm, string Phase) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "already-protected";

        /// <inheritdoc/>
        public override string Message =>
            $"VM '{Vm}' is already protected (phase {Phase}); choose another name, or disable its protection first.";
    }

    /// <summary>The operation is not available in the current phase.</summary>
    public sealed record WrongPhase(Operation Operation, string Phase, ValueList<Operation> Offered)
        : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "wrong-phase";

        /// <inheritdoc/>
        public override string Message => $"Cannot {Operation.Verb()} in phase {Phase}; "
            + (Offered.Count == 0 ? "wait until it ends."
                : $"possible now: {string.Join(", ", Offered.Select(o => o.Verb()))}.");
    }

    /// <summary>The scenario does not offer the operation (SCN-11).</summary>
    public sealed record ScenarioForbids(string ScenarioId, string Rule) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "scenario-forbids";

        /// <inheritdoc/>
        public override string Message => $"Scenario {ScenarioId} forbids this: {Rule}.";
    }

    /// <summary>No scenario with this id exists.</summary>
    public sealed record UnknownScenario(string ScenarioId, ValueList<string> Known) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "unknown-scenario";

        /// <inheritdoc/>
        public override string Message =>
            $"Scenario '{ScenarioId}' is unknown; use one of {string.Join(", ", Known)}.";
    }

    /// <summary>The request is invalid, for all the given reasons (ENA-2).</summary>
    public sealed record InvalidRequest(ValueList<string> Problems) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "invalid-request";

        /// <inheritdoc/>
        public override string Message => string.Join(" ", Problems);
    }

    /// <summary>Resources of a failed enabling are still being removed.</summary>
    public sealed record CleanUpInProgress : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "clean-up-in-progress";

        /// <inheritdoc/>
        public override string Message =>
            "The resources of the failed attempt to enable protection are still being removed; "
            + "retry when that is done.";
    }

    /// <summary>A resync is running.</summary>
    public sealed record ResyncInProgress(Operation Operation) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "resync-in-progress";

        /// <inheritdoc/>
        public override string Message => $"Cannot {Operation.Verb()} while a resync runs; wait until it ends"
            + (Operation is Operation.PlannedFailover or Operation.TestFailover ? ", or fail over unplanned." : ".");
    }

    /// <summary>A resync must run first.</summary>
    public sealed record ResyncRequired(Operation Operation) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "resync-required";

        /// <inheritdoc/>
        public override string Message =>
            $"Cannot {Operation.Verb()}: the replica may differ from the source; run a resync first.";
    }

    /// <summary>A user paused replication.</summary>
    public sealed record ReplicationPaused(Operation Operation) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "replication-paused";

        /// <inheritdoc/>
        public override string Message => $"Cannot {Operation.Verb()}: replication is paused; resume it first.";
    }

    /// <summary>Replication is not paused.</summary>
    public sealed record NotPaused : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "not-paused";

        /// <inheritdoc/>
        public override string Message => "Cannot resume: replication is not paused.";
    }

    /// <summary>The operation needs the agent, which is not connected.</summary>
    public sealed record AgentDisconnected(Operation Operation, string Agent) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "agent-disconnected";

        /// <inheritdoc/>
        public override string Message => $"Cannot {Operation.Verb()}: agent '{Agent}' is not connected; start it"
            + (Operation == Operation.PlannedFailover ? ", or fail over unplanned." : ".");
    }

    /// <summary>The agent has no hooks, so applications cannot be frozen for a point.</summary>
    public sealed record NoHooks(string Agent) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "no-hooks";

        /// <inheritdoc/>
        public override string Message =>
            $"Agent '{Agent}' has no hooks, so it cannot make an application-consistent point; start it with "
            + "--hooks DIR, or make a crash-consistent one.";
    }

    /// <summary>Reprotect would overwrite writes that only the old source holds (I16).</summary>
    /// <param name="Bytes">The number of bytes; null when the old source has not reconnected since the
    /// failover.</param>
    /// <param name="Agent">The agent of the old source.</param>
    public sealed record SourceHasWrites(long? Bytes, string Agent) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "source-has-writes";

        /// <inheritdoc/>
        public override string Message => Bytes is { } bytes
            ? $"The old source has written {bytes} bytes that the recovered machine does not have, and a reprotect "
                + "would overwrite them; save them from its disks first, or reprotect with --discard."
            : $"Agent '{Agent}' has not reported since the failover, so the old source may have written data that the "
                + "recovered machine does not have and a reprotect would overwrite; start the agent and check its "
                + "disks first, or reprotect with --discard.";
    }

    /// <summary>
    /// Reprotect would overwrite writes newer than the point from which the recovered machine began (I16).
    /// </summary>
    /// <param name="Point">The recovered machine's point.</param>
    public sealed record SourceIsNewer(RecoveryPointId Point) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "source-is-newer";

        /// <inheritdoc/>
        public override string Message =>
            $"The recovered machine started from point {Point}, which was not the newest: the writes since then are on "
            + "the old source's disks only, and a reprotect would overwrite them; save them first, or reprotect "
            + "with --discard.";
    }

    /// <summary>A planned failover would disconnect clients that may be writing to the source's disks.</summary>
    public sealed record SourceHasWriters(ValueList<string> Writers) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "source-has-writers";

        /// <inheritdoc/>
        public override string Message =>
            $"The source's disks are open for writing by {string.Join(", ", Writers)}; shut the machine down first, "
            + "or use --force; its writes fail from then on.";
    }

    /// <summary>No point to recover to exists.</summary>
    public sealed record NoUsablePoint(string Wanted) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "no-usable-point";

        /// <inheritdoc/>
        public override string Message => $"There is no usable {Wanted}; wait for the next one or choose another.";
    }

    /// <summary>The failover already uses the only usable point.</summary>
    public sealed record NoOtherPoint(RecoveryPointId Point) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "no-other-point";

        /// <inheritdoc/>
        public override string Message =>
            $"The failover uses recovery point {Point}, and no other one is usable; "
            + "commit, or cancel the failover.";
    }

    /// <summary>No point with this id exists.</summary>
    public sealed record UnknownPoint(RecoveryPointId Point) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "unknown-point";

        /// <inheritdoc/>
        public override string Message =>
            $"Recovery point {Point} does not exist; choose one that `drctl points` lists.";
    }

    /// <summary>The point is unusable.</summary>
    public sealed record UnusablePoint(RecoveryPointId Point, string Reason) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "unusable-point";

        /// <inheritdoc/>
        public override string Message => $"Recovery point {Point} is not usable ({Reason}); choose another.";
    }

    /// <summary>The point is held already.</summary>
    /// <param name="Point">The point.</param>
    /// <param name="By">The user who holds it.</param>
    public sealed record AlreadyHeld(RecoveryPointId Point, string By) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "already-held";

        /// <inheritdoc/>
        public override string Message =>
            $"Recovery point {Point} is already held by {By} and does not expire; to hold it as another user, release "
            + "it first.";
    }

    /// <summary>The point is not held.</summary>
    /// <param name="Point">The point; null when none is held.</param>
    public sealed record NotHeld(RecoveryPointId? Point) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "not-held";

        /// <inheritdoc/>
        public override string Message => Point is { } point
            ? $"Recovery point {point} is not held; choose one that `drctl points` shows as held."
            : "No recovery point is held, so there is none to release.";
    }

    /// <summary>The operation would delete a point that a user holds.</summary>
    /// <param name="Operation">The operation.</param>
    /// <param name="Vm">The VM.</param>
    /// <param name="Point">The first held point that would be deleted.</param>
    /// <param name="By">The user who holds it.</param>
    /// <param name="Others">The number of other held points that would be deleted.</param>
    public sealed record PointHeld(
        Operation Operation, ProtectedVmId Vm, RecoveryPointId Point, string By, int Others) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "point-held";

        /// <inheritdoc/>
        public override string Message =>
            $"Cannot {Operation.Verb()}: recovery point {Point}, which {By} holds, would be deleted"
            + (Others == 0 ? "" : $", and {Others} more held points, which `drctl points {Vm}` shows")
            + $"; release it with `drctl release-point {Vm} {Point}`"
            + (Operation == Operation.Disable ? ", or disable with --keep-replica."
                : $", or switch to it with `drctl change-point {Vm} {Point}`.");
    }

    /// <summary>The target already runs on this point.</summary>
    public sealed record SamePoint(RecoveryPointId Point) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "same-point";

        /// <inheritdoc/>
        public override string Message =>
            $"The failover already uses recovery point {Point}; choose another, or commit.";
    }

    /// <summary>A test failover must be cleaned up first.</summary>
    public sealed record TestFailoverActive(Operation Operation) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "test-failover-active";

        /// <inheritdoc/>
        public override string Message => $"Cannot {Operation.Verb()} while a test failover exists; clean it up first.";
    }

    /// <summary>No test failover exists to clean up.</summary>
    public sealed record NoTestFailover(bool CleaningUp) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "no-test-failover";

        /// <inheritdoc/>
        public override string Message => CleaningUp
            ? "The test failover is already being cleaned up."
            : "There is no test failover to clean up.";
    }

    /// <summary>
    /// Undoing the failover (FOV-10), or changing its recovery point, would lose writes of the recovered machine.
    /// </summary>
    /// <param name="Bytes">The number of bytes.</param>
    /// <param name="Asked">The operation: cancel, or change of the recovery point.</param>
    public sealed record TargetHasWrites(long Bytes, Operation Asked) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "target-has-writes";

        /// <inheritdoc/>
        public override string Message =>
            $"The recovered machine has written {Bytes} bytes since the failover, and "
            + (Asked == Operation.ChangeRecoveryPoint
                ? "a change of its recovery point would lose them; commit to keep them, or change the point with "
                    + "--discard."
                : "a cancel would lose them; commit instead, or cancel with --discard.");
    }

    /// <summary>The source runs the machine again, so a failback can only be committed.</summary>
    public sealed record FailbackNotCancellable : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "failback-not-cancellable";

        /// <inheritdoc/>
        public override string Message =>
            "The primary site runs the machine again, so the failback cannot be cancelled; commit it, reprotect, "
            + "and fail over again.";
    }

    /// <summary>The recovered disks are the machine's only disks.</summary>
    public sealed record ReplicaIsPrimary(Operation Operation) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "replica-is-primary";

        /// <inheritdoc/>
        public override string Message => Operation == Operation.Enable
            ? "The machine runs on the recovered disks that are kept under this name; protect it under another name."
            : "The machine runs on the recovered disks, so they cannot be removed; disable with --keep-replica, "
                + "or fail back first.";
    }

    /// <summary>Protection has ended already, and the replica is kept.</summary>
    public sealed record ReplicaIsKept(ProtectedVmId Vm) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "replica-is-kept";

        /// <inheritdoc/>
        public override string Message =>
            "Protection is disabled and the replica is kept already; to delete the replica and its recovery points, "
            + $"use `drctl disable {Vm}` without --keep-replica.";
    }

    /// <summary>No failed work waits for a retry.</summary>
    public sealed record NothingToRetry : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "nothing-to-retry";

        /// <inheritdoc/>
        public override string Message => "No failed work is waiting for a retry.";
    }

    /// <summary>The VM has no such disk.</summary>
    public sealed record UnknownDisk(string Path) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "unknown-disk";

        /// <inheritdoc/>
        public override string Message => $"Disk '{Path}' is not one of the VM's protected disks.";
    }

    /// <summary>The result does not match the effect: a fault in the effect's runner.</summary>
    public sealed record UnexpectedResult(EffectKind Effect, string Result) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "unexpected-result";

        /// <inheritdoc/>
        public override string Message => $"Effect {Effect} cannot end with {Result}; see the effect's contract.";
    }

    /// <summary>No timer with this name exists.</summary>
    public sealed record UnknownTimer(string Name) : ProtectedVmRefusal
    {
        /// <inheritdoc/>
        public override string Code => "unknown-timer";

        /// <inheritdoc/>
        public override string Message => $"Timer '{Name}' does not belong to a protected VM.";
    }
}
