using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Engine.Scenarios;
using ReplicationEngine.Vault.Contracts;

namespace ReplicationEngine.Vault.Api;

/// <summary>A request the API understands: the command it becomes, and the kind of job to watch (null: done at
/// once).</summary>
internal sealed record OperationCommand(ProtectedVmCommand Command, JobKind? Job);

/// <summary>Turns the API's operations into commands of the domain.</summary>
internal static class OperationCommands
{
    /// <summary>The names of all operations, as they stand in the URL.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "protect", "make-point", "test-failover", "planned-failover", "unplanned-failover", "clean-up", "commit",
            "cancel",
        "change-point", "reprotect", "failback", "resync", "pause", "resume", "disable", "retry",
    ];

    /// <summary>The command for an operation.</summary>
    /// <param name="vm">The VM.</param>
    /// <param name="operation">One of <see cref="Names"/>.</param>
    /// <param name="request">Its fields.</param>
    /// <param name="facts">What only the service knows.</param>
    /// <exception cref="BadRequestException">A field is missing or wrong, or the operation is unknown.</exception>
    public static OperationCommand For(string vm, string operation, OperationRequest request, OperationFacts facts) =>
        operation switch
        {
            "protect" => new(Enable(vm, request, facts), JobKind.Enable),
            "make-point" => new(new ProtectedVmCommand.MakeRecoveryPoint(
                request.App == true ? PointKind.App : PointKind.Crash, facts.AgentHasHooks),
                    JobKind.RecoveryPoint),
            "test-failover" => new(new ProtectedVmCommand.StartTestFailover(Choice(request)), JobKind.TestFailover),
            "planned-failover" => new(Planned(request, facts), JobKind.PlannedFailover),
            "unplanned-failover" => new(
                new ProtectedVmCommand.StartUnplannedFailover(Choice(request), TryShutdown: false),
                    JobKind.UnplannedFailover),
            "clean-up" => new(
                new ProtectedVmCommand.CleanUpTestFailover(request.Notes ?? ""), JobKind.TestFailoverCleanUp),
            "commit" => new(new ProtectedVmCommand.Commit(), JobKind.Commit),
            "cancel" => new(
                new ProtectedVmCommand.CancelFailover(facts.TargetWrittenBytes, request.Discard == true),
                    JobKind.Cancel),
            "change-point" => new(new ProtectedVmCommand.ChangeRecoveryPoint(request.Point is null
                ? throw new BadRequestException(
                    "No recovery point was named; use latest, latest-processed, latest-app, or an id.")
                : Choice(request)), JobKind.ChangeRecoveryPoint),
            "reprotect" => new(new ProtectedVmCommand.Reprotect(request.Discard == true), JobKind.Reprotect),
            "failback" => new(new ProtectedVmCommand.Failback(), JobKind.Failback),
            "resync" => new(new ProtectedVmCommand.StartResync(), JobKind.Resync),
            "pause" => new(new ProtectedVmCommand.Pause(), null),
            "resume" => new(new ProtectedVmCommand.Resume(), null),
            "retry" => new(new ProtectedVmCommand.RetryJob(), null),
            "disable" => new(new ProtectedVmCommand.Disable(request.KeepReplica == true), JobKind.Disable),
            _ => throw new BadRequestException(
                $"'{operation}' is not an operation; use one of {string.Join(", ", Names)}."),
        };

    /// <summary>
    /// What tells a request from every other of the same VM: SHA-256 over the operation and the fields that matter, in
    /// hexadecimal digits. A field that is left out is the same as its default.
    /// </summary>
    public static string DigestOf(string operation, OperationRequest request)
    {
        static string Flag(bool? value) => value == true ? "yes" : "no";
        string?[] fields =
        [
            operation, request.Agent, request.Scenario, request.Policy, request.Point ?? "latest", Flag(request.App),
            request.Notes ?? "", Flag(request.Discard), Flag(request.KeepReplica), Flag(request.Raw),
            Flag(request.Force), .. request.Disks ?? [],
        ];
        var text = string.Concat(fields.Select(field => field is null ? "-;" : $"{field.Length}:{field};"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>The name of an operation of the domain.</summary>
    public static string NameOf(Operation operation) => operation switch
    {
        Operation.Enable => "protect",
        Operation.Disable => "disable",
        Operation.UpdatePolicy => "update-policy",
        Operation.Pause => "pause",
        Operation.Resume => "resume",
        Operation.Resync => "resync",
        Operation.MakeRecoveryPoint => "make-point",
        Operation.TestFailover => "test-failover",
        Operation.CleanUpTestFailover => "clean-up",
        Operation.PlannedFailover => "planned-failover",
        Operation.UnplannedFailover => "unplanned-failover",
        Operation.ChangeRecoveryPoint => "change-point",
        Operation.Commit => "commit",
        Operation.CancelFailover => "cancel",
        Operation.Reprotect => "reprotect",
        Operation.Failback => "failback",
        Operation.RetryJob => "retry",
        _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, "Not an operation."),
    };

    /// <summary>
    /// The name of a kind of job: that of the operation it carries out. Only <c>initial-replication</c>, which follows
    /// <c>protect</c> by itself, is no operation.
    /// </summary>
    public static string NameOf(JobKind kind) => kind switch
    {
        JobKind.Enable => NameOf(Operation.Enable),
        JobKind.InitialReplication => "initial-replication",
        JobKind.RecoveryPoint => NameOf(Operation.MakeRecoveryPoint),
        JobKind.Resync => NameOf(Operation.Resync),
        JobKind.TestFailover => NameOf(Operation.TestFailover),
        JobKind.TestFailoverCleanUp => NameOf(Operation.CleanUpTestFailover),
        JobKind.PlannedFailover => NameOf(Operation.PlannedFailover),
        JobKind.UnplannedFailover => NameOf(Operation.UnplannedFailover),
        JobKind.ChangeRecoveryPoint => NameOf(Operation.ChangeRecoveryPoint),
        JobKind.Commit => NameOf(Operation.Commit),
        JobKind.Cancel => NameOf(Operation.CancelFailover),
        JobKind.Reprotect => NameOf(Operation.Reprotect),
        JobKind.Failback => NameOf(Operation.Failback),
        JobKind.Disable => NameOf(Operation.Disable),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a kind of job."),
    };

    private static ProtectedVmCommand.Enable Enable(string vm, OperationRequest request, OperationFacts facts)
    {
        if (request.Disks is not { Count: > 0 } disks)
        {
            throw new BadRequestException("No disk was named; give at least one (--disk PATH).");
        }

        var scenario = request.Scenario ?? ScenarioCatalog.DefaultId;
        if (request.Policy is { } policy && policy != ReplicationPolicy.Default.Name)
        {
            throw new BadRequestException($"Policy '{policy}' is not known; use '{ReplicationPolicy.Default.Name}'.");
        }

        return new ProtectedVmCommand.Enable(
            new ProtectedVmId(vm),
            disks.Select(path => new ProtectedDisk(path, 0, Raw: request.Raw == true)).ToValueList(), scenario,
            ReplicationPolicy.Default, Agent(request, facts));
    }

    private static string Agent(OperationRequest request, OperationFacts facts)
    {
        if (request.Agent is { } named)
        {
            return facts.Agents.Contains(named, StringComparer.Ordinal) ? named : throw new BadRequestException(
                $"Agent '{named}' is not connected; connected: {Listed(facts.Agents)}. Start it, or name another.");
        }

        return facts.Agents.Count switch
        {
            1 => facts.Agents[0],
            0 => throw new BadRequestException("No agent is connected; start one on the machine that has the disks."),
            _ => throw new BadRequestException(
                $"Several agents are connected ({Listed(facts.Agents)}); name one with --agent."),
        };
    }

    private static string Listed(IReadOnlyList<string> agents) => agents.Count == 0 ? "none"
        : string.Join(", ", agents);

    private static ProtectedVmCommand.StartPlannedFailover Planned(OperationRequest request, OperationFacts facts) =>
        request.Point is null or "latest"
            ? new ProtectedVmCommand.StartPlannedFailover
            {
                Writers = facts.Writers.ToValueList(), Force = request.Force == true,
            }
            : throw new BadRequestException(
            $"A planned failover ships the last writes and recovers to them, not to '{request.Point}'; "
            + "leave the point out, or fail over unplanned.");

    private static PointChoice Choice(OperationRequest request) => request.Point switch
    {
        null or "latest" => new PointChoice.Latest(),
        "latest-processed" => new PointChoice.LatestProcessed(),
        "latest-app" => new PointChoice.LatestAppConsistent(),
        _ => new PointChoice.Specific(PointId(request)),
    };

    private static RecoveryPointId PointId(OperationRequest request) =>
        Guid.TryParseExact(request.Point, "N", out var id) ? new RecoveryPointId(id) : throw new BadRequestException(
            $"'{request.Point}' is no recovery point: use latest, latest-processed, latest-app, or an id from the "
                + $"list of points.");
}

/// <summary>What only the service knows when an operation is asked for.</summary>
/// <param name="Agents">The connected agents.</param>
/// <param name="TargetWrittenBytes">Bytes written to the recovered disks since the failover.</param>
/// <param name="AgentHasHooks">Whether the VM's agent has hooks for application-consistent points; null when it did not
/// say.</param>
internal sealed record OperationFacts(
    IReadOnlyList<string> Agents, long TargetWrittenBytes, bool? AgentHasHooks = null)
{
    /// <summary>Who has the source's disks open for writing; none when the agent can stop the machine itself.</summary>
    public IReadOnlyList<string> Writers { get; init; } = [];
}

/// <summary>A request that cannot be understood: 400, with one clear sentence.</summary>
internal sealed class BadRequestException(string message) : Exception(message);
