using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Vault.Contracts;

/// <summary>A protected VM as the service shows it: <c>GET /api/v1/vms/{vm}</c>, and a list of them at
/// <c>/api/v1/vms</c>.</summary>
/// <param name="Vm">Its name.</param>
/// <param name="Phase">Its lifecycle phase, kebab case, such as <c>initial-replication</c> or
/// <c>commit-pending</c>; <c>quarantined</c> while the VM is out of service, with the reason among the causes and
/// nothing else known. <c>POST …/lift-quarantine</c> puts it back into service and answers its view, or 503 with the
/// reason.</param>
/// <param name="Health"><c>normal</c>, <c>warning</c> or <c>critical</c>, apart from the phase (OPS-2); <c>none</c>
/// when the VM is not to be protected (<c>disabled</c>).</param>
/// <param name="Causes">Why the health is not normal.</param>
/// <param name="LagBytes">Bytes of accepted writes that the other side does not durably have.</param>
/// <param name="LagSeconds">Age of the oldest such write; 0 when there is none, null when not known.</param>
/// <param name="Progress">What long work is under way (OPS-3); null when none.</param>
/// <param name="Next">Whether the next transfer is full or incremental, why, how big and how long.</param>
/// <param name="Source">The source side.</param>
/// <param name="Recovered">The failed-over machine; null when there is none.</param>
/// <param name="Test">The running test failover; null when there is none.</param>
/// <param name="Settings">How it is protected.</param>
/// <param name="Points">The number of recovery points, and the newest.</param>
/// <param name="Operations">The operations on offer now, as they stand in <c>POST …/operations/{op}</c>.</param>
/// <param name="Jobs">Running jobs and the last that ended, newest first.</param>
public sealed record VmView(
    string Vm, string Phase, string Health, IReadOnlyList<CauseView> Causes, long LagBytes, double? LagSeconds,
    ProgressView? Progress, NextRunView Next, SourceView Source, RecoveredView? Recovered, RecoveredView? Test,
    SettingsView Settings, PointsView Points, IReadOnlyList<string> Operations, IReadOnlyList<JobView> Jobs)
{
    /// <summary>
    /// For how many seconds what the machine writes has reached no other side: 0 while it does, null when the VM is not
    /// to be protected. It counts from the event that ended protection (a pause, a resync, an agent that is away, a
    /// source that is not served, a full target, a failover) or, before there was any, from the <c>protect</c>; while
    /// the agent is away at least as long as nothing was heard of it. What is merely under way is
    /// <see cref="LagSeconds"/>.
    /// </summary>
    public double? UnprotectedSeconds { get; init; }
}

/// <summary>One reason for a health that is not normal.</summary>
public sealed record CauseView(string Code, string Severity, string Message, string? Remedy, DateTimeOffset Since);

/// <summary>Progress of long work. <paramref name="What"/>: <c>initial-replication</c>, <c>resync</c>,
/// <c>reverse-resync</c>, <c>final-sync</c>.</summary>
public sealed record ProgressView(
    string What, double Percent, long BytesTotal, long BytesDone, long BytesLeft, double BytesPerSecond,
    double? SecondsLeft, long WireBytes);

/// <summary>The next transfer. <paramref name="Mode"/>: <c>full</c> or <c>incremental</c>.</summary>
public sealed record NextRunView(string Mode, string Why, long Bytes, double? Seconds);

/// <summary>
/// The source side. <paramref name="Role"/>: <c>primary</c>, <c>quiesced</c>, <c>fenced</c>, <c>reverse-replica</c>,
/// <c>unknown</c>.
/// <paramref name="Capture"/>: <c>logging</c> or <c>dirty-map</c>. <paramref name="WireBytes"/> (sealed and compressed)
/// and <paramref name="ChangedBytes"/> (before compression) are what was sent since <paramref name="CountedSince"/>:
/// the count begins again when the sending side is restarted, paused, or changes its role; null while nothing is sent.
/// </summary>
public sealed record SourceView(
    string Agent, bool Connected,
    [property: JsonConverter(typeof(NullIsUnknown<SourceRole>))] SourceRole? Role,
    [property: JsonConverter(typeof(NullIsUnknown<CaptureMode>))] CaptureMode? Capture, long Generation, long Lsn,
    long CacheBytes,
    long DirtyBytes, long WireBytes, long ChangedBytes, IReadOnlyList<DiskView> Disks, DateTimeOffset? CountedSince)
{
    /// <summary>The agent's clock minus the service's; null before it was measured.</summary>
    public double? ClockOffsetSeconds { get; init; }

    /// <summary>
    /// Bytes that a fenced source wrote and the recovered machine does not know; a reprotect with <c>discard</c>
    /// overwrites them. Null when no source was fenced, and while it was not heard of.
    /// </summary>
    public long? DivergentBytes { get; init; }
}

/// <summary>A disk; <paramref name="Uri"/> is its NBD URI, null while it is not served.</summary>
public sealed record DiskView(string Path, string? Uri, long SizeBytes);

/// <summary>A failed-over or test machine.</summary>
public sealed record RecoveredView(
    IReadOnlyList<DiskView> Disks, PointView Point, double RpoSeconds, double RtoSeconds, bool HasWrites);

/// <summary>How a VM is protected.</summary>
public sealed record SettingsView(string Scenario, string Policy, double RetentionHours, double AppConsistentHours,
    long Term);

/// <summary>The recovery points in short.</summary>
public sealed record PointsView(int Count, PointView? Newest);

/// <summary>
/// A recovery point: <c>GET /api/v1/vms/{vm}/points</c> lists them, newest first. <paramref name="Kind"/>: <c>crash</c>
/// or
/// <c>app</c>; <paramref name="Grade"/>: <c>received</c>, <c>digest-matched</c>, <c>file-system-clean</c>,
/// <c>booted</c> or <c>probed</c>, each including the ones before it; <paramref name="Reason"/> says why not usable.
/// </summary>
public sealed record PointView(
    string Id, DateTimeOffset Time, [property: JsonConverter(typeof(KebabCase<PointKind>))] PointKind Kind,
    long Generation, long Lsn, [property: JsonConverter(typeof(KebabCase<PointGrade>))] PointGrade Grade, bool Usable,
    string? Reason);

/// <summary>
/// A job: <c>GET /api/v1/jobs</c>, newest first; <c>/api/v1/jobs/{id}</c>. <paramref name="State"/>: <c>running</c>,
/// <c>succeeded</c>, <c>failed</c>, <c>cancelled</c>. <paramref name="Kind"/> is the name of the operation
/// it carries out, or <c>initial-replication</c>, which follows <c>protect</c> by itself.
/// </summary>
public sealed record JobView(
    string Id, string Vm, string Kind, string State, string Actor, DateTimeOffset StartedAt, DateTimeOffset? EndedAt,
    IReadOnlyList<JobStepView> Steps, JobErrorView? Error);

/// <summary>A step of a job; <paramref name="State"/> as for jobs, and <c>pending</c>.</summary>
public sealed record JobStepView(string Name, string State, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt,
    string? Detail);

/// <summary>Why a job failed and what to do.</summary>
public sealed record JobErrorView(string Code, string Message, string? Remedy);

/// <summary>
/// The service's own health, apart from that of its VMs: <c>GET /api/v1/health</c>.
/// </summary>
/// <param name="Health"><c>normal</c>, <c>warning</c> or <c>critical</c>.</param>
/// <param name="Causes">
/// Why it is not normal: <c>journal-trouble</c>, <c>read-model-trouble</c>, <c>quarantined</c> (a VM is out of
/// service).
/// </param>
/// <param name="Projections">The read models.</param>
public sealed record HealthView(
    string Health, IReadOnlyList<CauseView> Causes, IReadOnlyList<ProjectionView> Projections);

/// <summary>
/// A read model: <c>GET /api/v1/projections</c>; <c>POST /api/v1/projections/{name}/rebuild</c> has it built again from
/// the journal next to the documents that are read, and answers 202.
/// </summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">The version of what it makes.</param>
/// <param name="Generation">Which time its documents were built.</param>
/// <param name="Activity"><c>following</c>, <c>building</c> (not readable yet) or <c>rebuilding</c>.</param>
/// <param name="Position">The last place of the journal's feed that it has taken.</param>
/// <param name="Behind">How many events it has still to take.</param>
/// <param name="Trouble">Why it does not go on; null while it does.</param>
/// <param name="TroubleSince">Since when (UTC).</param>
public sealed record ProjectionView(
    string Name, int Version, long Generation, string Activity, string Position, long Behind, string? Trouble,
    DateTimeOffset? TroubleSince);

/// <summary>
/// An accepted command of a user: <c>GET /api/v1/audit</c>, newest first, 500 at most; <c>?vm=</c> of one VM,
/// <c>?most=N</c>, <c>?after=ID</c> what came before that entry.
/// </summary>
/// <param name="Id">The entry's id, for <c>?after=</c>.</param>
/// <param name="Time">When it was accepted (UTC).</param>
/// <param name="Vm">The VM.</param>
/// <param name="Actor">Who asked.</param>
/// <param name="Command">The command's stored name.</param>
/// <param name="CommandId">Its id.</param>
/// <param name="Sequence">The last event of the VM's history that it led to.</param>
public sealed record AuditView(
    string Id, DateTimeOffset Time, string Vm, string Actor, string Command, Guid CommandId, long Sequence);

/// <summary>The operation was accepted and is a job now; null for operations that are done at once (pause, resume,
/// retry).</summary>
public sealed record OperationAccepted(string? JobId);

/// <summary>
/// A line of a VM's history: <c>GET /api/v1/vms/{vm}/log</c>, oldest first, 500 at most: <c>?from=SEQ</c> begins with
/// that event, <c>?most=N</c> asks for fewer. <c>?at=SEQ|TIME</c> answers
/// <see cref="StateAtView"/> instead.
/// </summary>
public sealed record LogLineView(long Seq, DateTimeOffset Time, string Type, string Actor, JsonNode Data);

/// <summary>The VM's state as it was after an event.</summary>
public sealed record StateAtView(long Seq, DateTimeOffset Time, string Phase, string Health, JsonNode State);

/// <summary>An agent: <c>GET /api/v1/agents</c> lists those whose name belongs to a key, that were connected since the
/// service started, or whose name another one claims. An agent counts as connected while it was heard of within the
/// last seconds; <paramref name="LastSeen"/> is null when it was not since the service started.
/// <c>DELETE /api/v1/agents/{name}</c> has the next agent that registers the name get it; 409 with code
/// <c>agent-connected</c> while it is connected, 404 for a name that belongs to none.</summary>
public sealed record AgentView(string Name, bool Connected, DateTimeOffset? LastSeen, IReadOnlyList<string> Vms)
{
    /// <summary>The connected process: number, host, address; null while there is none.</summary>
    public string? Process { get; init; }

    /// <summary>Who else has claimed the agent's name or identity lately; null for nobody.</summary>
    public string? Conflict { get; init; }

    /// <summary>The agent's clock minus the service's; null before it was measured.</summary>
    public double? ClockOffsetSeconds { get; init; }
}
