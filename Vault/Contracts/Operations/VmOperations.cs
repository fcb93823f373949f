using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Engine.Scenarios;

namespace ReplicationEngine.Vault.Contracts.Operations;

/// <summary>
/// The operations of a VM, one row each: <c>POST /api/v1/vms/{vm}/operations/{name}</c> with the row's arguments as the
/// body. The response is 202 with <see cref="OperationAccepted"/>, or problem+json: 400 for bad input, 404 for an
/// unknown VM, 409 for a refusal (member <c>code</c> is the refusal's code), 503 when the service is temporarily
/// unable.
/// </summary>
public static class VmOperations
{
    /// <summary>The job that follows <c>protect</c> automatically; no operation has this name.</summary>
    public const string InitialReplication = "initial-replication";

    /// <summary>Starts protecting a VM.</summary>
    public static VmOperation<ProtectArguments> Protect { get; } = new(
        "protect", Operation.Enable, JobKind.Enable, OperationPermission.Administer,
        "Protect a VM and print the NBD URI of each disk, for attaching the VM",
        (vm, arguments, facts) => arguments.Command(vm, facts));

    /// <summary>Ends a VM's protection.</summary>
    public static VmOperation<DisableArguments> Disable { get; } = new(
        "disable", Operation.Disable, JobKind.Disable, OperationPermission.Administer, "End the protection of a VM",
        (_, arguments, _) => new ProtectedVmCommand.Disable(arguments.KeepReplica));

    /// <summary>Pauses replication.</summary>
    public static VmOperation<NoArguments> Pause { get; } = new(
        "pause", Operation.Pause, null, OperationPermission.Operate,
        "Pause replication; changed blocks are tracked meanwhile",
        (_, _, _) => new ProtectedVmCommand.Pause());

    /// <summary>Resumes replication.</summary>
    public static VmOperation<NoArguments> Resume { get; } = new(
        "resume", Operation.Resume, null, OperationPermission.Operate, "Resume replication",
        (_, _, _) => new ProtectedVmCommand.Resume());

    /// <summary>Compares both sides and transfers the differences.</summary>
    public static VmOperation<NoArguments> Resync { get; } = new(
        "resync", Operation.Resync, JobKind.Resync, OperationPermission.Operate,
        "Compare both sides by checksums and send the differences",
        (_, _, _) => new ProtectedVmCommand.StartResync());

    /// <summary>Makes a recovery point.</summary>
    public static VmOperation<MakePointArguments> MakePoint { get; } = new(
        "make-point", Operation.MakeRecoveryPoint, JobKind.RecoveryPoint, OperationPermission.Operate,
        "Make a recovery point now",
        (_, arguments, facts) => new ProtectedVmCommand.MakeRecoveryPoint(
            arguments.App ? PointKind.App : PointKind.Crash, facts.AgentHasHooks));

    /// <summary>Recovers a copy of the VM for a test.</summary>
    public static VmOperation<FailoverArguments> TestFailover { get; } = new(
        "test-failover", Operation.TestFailover, JobKind.TestFailover, OperationPermission.Operate,
        "a writable copy, while the source and replication continue",
        (_, arguments, _) => new ProtectedVmCommand.StartTestFailover(PointText.Choice(arguments.Point)));

    /// <summary>Removes the test failover's machine.</summary>
    public static VmOperation<CleanUpArguments> CleanUp { get; } = new(
        "clean-up", Operation.CleanUpTestFailover, JobKind.TestFailoverCleanUp, OperationPermission.Operate,
        "Remove the machine of a test failover",
        (_, arguments, _) => new ProtectedVmCommand.CleanUpTestFailover(arguments.Notes));

    /// <summary>Fails over without loss of data.</summary>
    public static VmOperation<PlannedFailoverArguments> PlannedFailover { get; } = new(
        "planned-failover", Operation.PlannedFailover, JobKind.PlannedFailover, OperationPermission.Operate,
        "stops the source first; no write is lost", (_, arguments, facts) => arguments.Command(facts));

    /// <summary>Fails over without the source.</summary>
    public static VmOperation<FailoverArguments> UnplannedFailover { get; } = new(
        "unplanned-failover", Operation.UnplannedFailover, JobKind.UnplannedFailover, OperationPermission.Operate,
        "works without the source; recent writes may be lost",
        (_, arguments, _) => new ProtectedVmCommand.StartUnplannedFailover(
            PointText.Choice(arguments.Point), TryShutdown: false));

    /// <summary>Moves a failover to another recovery point.</summary>
    public static VmOperation<ChangePointArguments> ChangePoint { get; } = new(
        "change-point", Operation.ChangeRecoveryPoint, JobKind.ChangeRecoveryPoint, OperationPermission.Operate,
        "Switch an uncommitted failover to another recovery point",
        (_, arguments, facts) => new ProtectedVmCommand.ChangeRecoveryPoint(PointText.Choice(
            arguments.Point ?? throw new BadRequestException(
                "No recovery point is given; use latest, latest-processed, latest-app, or an id.")))
        {
            TargetWrittenBytes = facts.TargetWrittenBytes,
            Discard = arguments.Discard,
        });

    /// <summary>Commits a failover or failback.</summary>
    public static VmOperation<NoArguments> Commit { get; } = new(
        "commit", Operation.Commit, JobKind.Commit, OperationPermission.Operate,
        "Commit the failover and delete the other recovery points", (_, _, _) => new ProtectedVmCommand.Commit());

    /// <summary>Cancels a failover that is not committed.</summary>
    public static VmOperation<DiscardArguments> Cancel { get; } = new(
        "cancel", Operation.CancelFailover, JobKind.Cancel, OperationPermission.Operate,
        "Cancel a failover that has not been committed",
        (_, arguments, facts) => new ProtectedVmCommand.CancelFailover(facts.TargetWrittenBytes, arguments.Discard));

    /// <summary>Replicates from the recovery site back to the source.</summary>
    public static VmOperation<DiscardArguments> Reprotect { get; } = new(
        "reprotect", Operation.Reprotect, JobKind.Reprotect, OperationPermission.Operate,
        "Protect a failed-over VM: replicate the differences back to the source",
        (_, arguments, _) => new ProtectedVmCommand.Reprotect(arguments.Discard));

    /// <summary>Moves the VM back to the source.</summary>
    public static VmOperation<NoArguments> Failback { get; } = new(
        "failback", Operation.Failback, JobKind.Failback, OperationPermission.Operate,
        "Move a reprotected VM back to the source without losing a write",
        (_, _, _) => new ProtectedVmCommand.Failback());

    /// <summary>Retries failed work.</summary>
    public static VmOperation<NoArguments> Retry { get; } = new(
        "retry", Operation.RetryJob, null, OperationPermission.Operate, "Retry failed work now",
        (_, _, _) => new ProtectedVmCommand.RetryJob());

    /// <summary>Holds a recovery point, so that it never expires.</summary>
    public static VmOperation<PointArguments> HoldPoint { get; } = new(
        "hold-point", Operation.HoldRecoveryPoint, null, OperationPermission.Operate,
        "Keep a recovery point until it is released, past its retention",
        (_, arguments, _) => new ProtectedVmCommand.HoldRecoveryPoint(PointText.Id(arguments.Point)));

    /// <summary>Releases a held recovery point.</summary>
    public static VmOperation<PointArguments> ReleasePoint { get; } = new(
        "release-point", Operation.ReleaseRecoveryPoint, null, OperationPermission.Operate,
        "Release a held recovery point: retention applies to it again",
        (_, arguments, _) => new ProtectedVmCommand.ReleaseRecoveryPoint(PointText.Id(arguments.Point)));

    /// <summary>All operations of a VM.</summary>
    public static IReadOnlyList<VmOperation> All { get; } =
    [
        Protect, Disable, Pause, Resume, Resync, MakePoint, TestFailover, CleanUp, PlannedFailover, UnplannedFailover,
        ChangePoint, Commit, Cancel, Reprotect, Failback, Retry, HoldPoint, ReleasePoint,
    ];

    /// <summary>Returns the operation with a name.</summary>
    /// <exception cref="BadRequestException">No operation has this name.</exception>
    public static VmOperation Named(string name) => All.FirstOrDefault(row => row.Name == name)
        ?? throw new BadRequestException(
            $"'{name}' is not an operation; use one of {string.Join(", ", All.Select(row => row.Name))}.");

    /// <summary>
    /// Returns the name of a kind of job: the name of the operation that it runs, or <see cref="InitialReplication"/>.
    /// </summary>
    public static string NameOf(JobKind kind) => kind is JobKind.InitialReplication ? InitialReplication
        : All.First(row => row.Job == kind).Name;
}

/// <summary>The arguments of an operation that takes only a command id.</summary>
public sealed record NoArguments : OperationArguments;

/// <summary>The arguments of <c>protect</c>.</summary>
public sealed record ProtectArguments : OperationArguments
{
    /// <summary>The disks' paths on the agent's machine; at least one.</summary>
    public IReadOnlyList<string> Disks { get; init; } = [];

    /// <summary>The agent's name; null means the only connected agent.</summary>
    public string? Agent { get; init; }

    /// <summary>The scenario's id.</summary>
    public string Scenario { get; init; } = ScenarioCatalog.DefaultId;

    /// <summary>The policy's name.</summary>
    public string Policy { get; init; } = ReplicationPolicy.Default.Name;

    /// <summary>Whether a file in an image format, such as qcow2, is protected byte by byte as a raw disk.</summary>
    public bool Raw { get; init; }

    internal ProtectedVmCommand.Enable Command(string vm, OperationFacts facts)
    {
        if (Disks.Count == 0)
        {
            throw new BadRequestException("No disk is given; give at least one (--disk PATH).");
        }

        if (Policy != ReplicationPolicy.Default.Name)
        {
            throw new BadRequestException($"Policy '{Policy}' is unknown; use '{ReplicationPolicy.Default.Name}'.");
        }

        return new ProtectedVmCommand.Enable(
            new ProtectedVmId(vm), Disks.Select(path => new ProtectedDisk(path, 0, Raw: Raw)).ToValueList(), Scenario,
            ReplicationPolicy.Default, AgentAmong(facts.Agents));
    }

    private string AgentAmong(IReadOnlyList<string> connected)
    {
        var listed = connected.Count == 0 ? "none" : string.Join(", ", connected);
        if (Agent is not null)
        {
            return connected.Contains(Agent, StringComparer.Ordinal) ? Agent : throw new BadRequestException(
                $"Agent '{Agent}' is not connected; connected: {listed}. Start it, or name another.");
        }

        return connected.Count switch
        {
            1 => connected[0],
            0 => throw new BadRequestException("No agent is connected; start one on the machine that has the disks."),
            _ => throw new BadRequestException($"Several agents are connected ({listed}); name one with --agent."),
        };
    }
}

/// <summary>The arguments of <c>disable</c>.</summary>
public sealed record DisableArguments : OperationArguments
{
    /// <summary>Whether the replica's data is kept.</summary>
    public bool KeepReplica { get; init; }
}

/// <summary>The arguments of <c>make-point</c>.</summary>
public sealed record MakePointArguments : OperationArguments
{
    /// <summary>Whether the point is application-consistent.</summary>
    public bool App { get; init; }
}

/// <summary>The arguments of a test failover and of an unplanned failover.</summary>
public sealed record FailoverArguments : OperationArguments
{
    /// <summary>The recovery point: <c>latest</c>, <c>latest-processed</c>, <c>latest-app</c> or an id.</summary>
    public string Point { get; init; } = PointText.Latest;
}

/// <summary>The arguments of a planned failover.</summary>
public sealed record PlannedFailoverArguments : OperationArguments
{
    /// <summary>The recovery point. Only <c>latest</c> is accepted, because the last writes are shipped.</summary>
    public string Point { get; init; } = PointText.Latest;

    /// <summary>
    /// Whether to continue although clients have the source's disks open for writing. Without it the request is refused
    /// (409, code <c>source-has-writers</c>).
    /// </summary>
    public bool Force { get; init; }

    internal ProtectedVmCommand.StartPlannedFailover Command(OperationFacts facts) => Point == PointText.Latest
        ? new ProtectedVmCommand.StartPlannedFailover { Writers = facts.Writers.ToValueList(), Force = Force }
        : throw new BadRequestException(
            $"A planned failover transfers the last writes and recovers to them, not to '{Point}'; "
            + "omit the point, or fail over unplanned.");
}

/// <summary>The arguments of the clean-up after a test failover.</summary>
public sealed record CleanUpArguments : OperationArguments
{
    /// <summary>Notes about the test; the history keeps them.</summary>
    public string Notes { get; init; } = "";
}

/// <summary>The arguments of <c>change-point</c>.</summary>
public sealed record ChangePointArguments : OperationArguments
{
    /// <summary>
    /// The recovery point: <c>latest</c>, <c>latest-processed</c>, <c>latest-app</c> or an id. Required.
    /// </summary>
    public string? Point { get; init; }

    /// <summary>Whether to discard what the recovered machine has written since the failover.</summary>
    public bool Discard { get; init; }
}

/// <summary>The arguments of an operation on one existing recovery point.</summary>
public sealed record PointArguments : OperationArguments
{
    /// <summary>The id of the recovery point. Required.</summary>
    public string? Point { get; init; }
}

/// <summary>The arguments of <c>cancel</c> and <c>reprotect</c>.</summary>
public sealed record DiscardArguments : OperationArguments
{
    /// <summary>
    /// Whether to discard writes: for <c>cancel</c> those of the recovered machine, for <c>reprotect</c> those that
    /// only the old source has.
    /// </summary>
    public bool Discard { get; init; }
}
