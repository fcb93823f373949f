using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Vault.Contracts;

/// <summary>A protected VM: <c>GET /api/v1/vms/{vm}</c>; <c>/api/v1/vms</c> lists all of them.</summary>
/// <param name="Vm">The VM's name.</param>
/// <param name="Phase">The lifecycle phase, kebab case, such as <c>initial-replication</c> or <c>commit-pending</c>. A
/// VM that is out of service is <c>quarantined</c>: the causes give the reason, and no other member is known. <c>POST
/// …/lift-quarantine</c> returns the VM to service and responds with its view, or with 503 and the reason.</param>
/// <param name="Health"><c>normal</c>, <c>warning</c> or <c>critical</c>, independent of the phase (OPS-2); <c>none</c>
/// when the VM is not protected (<c>disabled</c>).</param>
/// <param name="Causes">The reasons for a health that is not normal.</param>
/// <param name="LagBytes">Bytes of accepted writes that are not yet durable on the other side.</param>
/// <param name="LagSeconds">Age of the oldest such write in seconds; 0 when there is none, null when it is not
/// known.</param>
/// <param name="Progress">The progress of the current long-running work (OPS-3); null when there is none.</param>
/// <param name="Next">Forecast of the next transfer: full or incremental, reason, size and duration.</param>
/// <param name="Source">The source side.</param>
/// <param name="Recovered">The recovered machine; null when there is none.</param>
/// <param name="Test">The running test failover; null when there is none.</param>
/// <param name="Settings">The protection settings.</param>
/// <param name="Points">The number of recovery points, and the newest one.</param>
/// <param name="Operations">The operations that are allowed now, named as in <c>POST …/operations/{op}</c>.</param>
/// <param name="Jobs">The running jobs and the most recently ended ones, newest first.</param>
public sealed record VmView(
    string Vm, string Phase, string Health, IReadOnlyList<CauseView> Causes, long LagBytes, double? LagSeconds,
    ProgressView? Progress, NextRunView Next, SourceView Source, RecoveredView? Recovered, RecoveredView? Test,
    SettingsView Settings, PointsView Points, IReadOnlyList<string> Operations, IReadOnlyList<JobView> Jobs)
{
    /// <summary>
    /// Seconds for which the machine's writes have not been replicated to another side: 0 while they are, null when the
    /// VM is not protected. The count starts at the event that interrupted protection (a pause, a resync, an agent that
    /// is away, a source that is not served, a full target, a failover); if the VM was never protected before, at the
    /// <c>protect</c>. While the agent is away, the value is at least the time since its last report. Writes that are
    /// merely in transit are counted by <see cref="LagSeconds"/>.
    /// </summary>
    public double? UnprotectedSeconds { get; init; }
}

/// <summary>A reason for a health that is not normal.</summary>
public sealed record CauseView(string Code, string Severity, string Message, string? Remedy, DateTimeOffset Since);

/// <summary>
/// Progress of long-running work. <paramref name="What"/> is <c>initial-replication</c>, <c>resync</c>,
/// <c>reverse-resync</c> or <c>final-sync</c>.
/// </summary>
public sealed record ProgressView(
    string What, double Percent, long BytesTotal, long BytesDone, long BytesLeft, double BytesPerSecond,
    double? SecondsLeft, long WireBytes);

/// <summary>Forecast of the next transfer. <paramref name="Mode"/> is <c>full</c> or <c>incremental</c>.</summary>
public sealed record NextRunView(string Mode, string Why, long Bytes, double? Seconds);

/// <summary>
/// The source side. <paramref name="Role"/> is <c>primary</c>, <c>quiesced</c>, <c>fenced</c>, <c>reverse-replica</c>
/// or <c>unknown</c>; <paramref name="Capture"/> is <c>logging</c> or <c>dirty-map</c>. <paramref name="WireBytes"/>
/// (compressed and encrypted) and <paramref name="ChangedBytes"/> (before compression) count what was sent since
/// <paramref name="CountedSince"/>. The counters restart when the sending side restarts, is paused or changes its role;
/// they are null while nothing is sent.
/// </summary>
public sealed record SourceView(
    string Agent, bool Connected,
    [property: JsonConverter(typeof(NullIsUnknown<SourceRole>))] SourceRole? Role,
    [property: JsonConverter(typeof(NullIsUnknown<CaptureMode>))] CaptureMode? Capture, long Generation, long Lsn,
    long CacheBytes,
    long DirtyBytes, long WireBytes, long ChangedBytes, IReadOnlyList<DiskView> Disks, DateTimeOffset? CountedSince)
{
    /// <summary>The agent's clock minus the service's, in seconds; null before the first measurement.</summary>
    public double? ClockOffsetSeconds { get; init; }

    /// <summary>
    /// Bytes that a fenced source wrote and the recovered machine does not have; a reprotect with <c>discard</c>
    /// overwrites them. Null when no source was fenced, and until the fenced source has reported.
    /// </summary>
    public long? DivergentBytes { get; init; }
}

/// <summary>A disk. <paramref name="Uri"/> is its NBD URI; null while the disk is not served.</summary>
public sealed record DiskView(string Path, string? Uri, long SizeBytes);

/// <summary>A recovered or test machine.</summary>
public sealed record RecoveredView(
    IReadOnlyList<DiskView> Disks, PointView Point, double RpoSeconds, double RtoSeconds, bool HasWrites);

/// <summary>A VM's protection settings.</summary>
public sealed record SettingsView(string Scenario, string Policy, double RetentionHours, double AppConsistentHours,
    long Term);

/// <summary>The number of recovery points, and the newest one.</summary>
public sealed record PointsView(int Count, PointView? Newest);

/// <summary>
/// A recovery point; <c>GET /api/v1/vms/{vm}/points</c> lists them, newest first. <paramref name="Kind"/> is
/// <c>crash</c> or <c>app</c>. <paramref name="Grade"/> is <c>received</c>, <c>digest-matched</c>,
/// <c>file-system-clean</c>, <c>booted</c> or <c>probed</c>; each grade includes the ones before it.
/// <paramref name="Reason"/> is the reason why the point is not usable.
/// </summary>
public sealed record PointView(
    string Id, DateTimeOffset Time, [property: JsonConverter(typeof(KebabCase<PointKind>))] PointKind Kind,
    long Generation, long Lsn, [property: JsonConverter(typeof(KebabCase<PointGrade>))] PointGrade Grade, bool Usable,
    string? Reason)
{
    /// <summary>Who holds the point, so that it never expires; null when nobody does.</summary>
    public HoldView? Held { get; init; }
}

/// <summary>A user's hold on a recovery point: the user, and since when (UTC).</summary>
public sealed record HoldView(string By, DateTimeOffset Since);

/// <summary>
/// A job; <c>GET /api/v1/jobs</c> lists them, newest first, and <c>/api/v1/jobs/{id}</c> returns one.
/// <paramref name="State"/> is <c>running</c>, <c>succeeded</c>, <c>failed</c> or <c>cancelled</c>.
/// <paramref name="Kind"/> is the name of the operation that the job runs, or <c>initial-replication</c>, which follows
/// <c>protect</c> automatically.
/// </summary>
public sealed record JobView(
    string Id, string Vm, string Kind, string State, string Actor, DateTimeOffset StartedAt, DateTimeOffset? EndedAt,
    IReadOnlyList<JobStepView> Steps, JobErrorView? Error);

/// <summary>A step of a job. <paramref name="State"/> has the values of a job's state, and <c>pending</c>.</summary>
public sealed record JobStepView(string Name, string State, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt,
    string? Detail);

/// <summary>The reason why a job failed, and the remedy.</summary>
public sealed record JobErrorView(string Code, string Message, string? Remedy);

/// <summary>The service's own health, independent of its VMs: <c>GET /api/v1/health</c>.</summary>
/// <param name="Health"><c>normal</c>, <c>warning</c> or <c>critical</c>.</param>
/// <param name="Causes">The reasons for a health that is not normal: <c>journal-trouble</c>, <c>read-model-trouble</c>,
/// <c>quarantined</c> (a VM is out of service).</param>
/// <param name="Projections">The read models.</param>
public sealed record HealthView(
    string Health, IReadOnlyList<CauseView> Causes, IReadOnlyList<ProjectionView> Projections);

/// <summary>
/// The response to a probe, which needs no token: <c>GET /health/live</c> and <c>GET /health/ready</c>; status 200 when
/// it is fine, otherwise 503.
/// </summary>
/// <param name="Ok">Whether the service lives, or is ready.</param>
/// <param name="Reasons">Why not.</param>
public sealed record ReadinessView(bool Ok, IReadOnlyList<ReadinessReason> Reasons);

/// <summary>A reason why a service is not alive or not ready.</summary>
/// <param name="Code"><c>removed-from-cluster</c>, <c>stopping</c>, <c>joining-cluster</c>, <c>opening-replicas</c> or
/// <c>journal-trouble</c>.</param>
/// <param name="Message">The reason as a sentence.</param>
public sealed record ReadinessReason(string Code, string Message);

/// <summary>
/// A read model: <c>GET /api/v1/projections</c>. <c>POST /api/v1/projections/{name}/rebuild</c> responds with 202 and
/// rebuilds it from the journal; the current documents stay readable meanwhile.
/// </summary>
/// <param name="Name">The read model's name.</param>
/// <param name="Version">The version of the documents' form.</param>
/// <param name="Generation">The number of the build that made the documents.</param>
/// <param name="Activity"><c>following</c>, <c>building</c> (not readable yet) or <c>rebuilding</c>.</param>
/// <param name="Position">The last position of the journal's feed that was applied.</param>
/// <param name="Behind">The number of events still to be applied.</param>
/// <param name="Trouble">The reason why no events are applied; null while there is no problem.</param>
/// <param name="TroubleSince">The start of that problem (UTC).</param>
public sealed record ProjectionView(
    string Name, int Version, long Generation, string Activity, string Position, long Behind, string? Trouble,
    DateTimeOffset? TroubleSince);

/// <summary>
/// An accepted command of a user: <c>GET /api/v1/audit</c>, newest first, at most 500. <c>?vm=</c> selects a VM,
/// <c>?most=N</c> limits the number, and <c>?after=ID</c> returns the entries before that one.
/// </summary>
/// <param name="Id">The entry's id, for <c>?after=</c>.</param>
/// <param name="Time">The time of acceptance (UTC).</param>
/// <param name="Vm">The VM.</param>
/// <param name="Actor">The user who sent the command.</param>
/// <param name="Command">The command's stored name.</param>
/// <param name="CommandId">The command's id.</param>
/// <param name="Sequence">The last event that the command produced in the VM's history.</param>
public sealed record AuditView(
    string Id, DateTimeOffset Time, string Vm, string Actor, string Command, Guid CommandId, long Sequence);

/// <summary>
/// The operation was accepted. <paramref name="JobId"/> is its job; null for operations that complete immediately
/// (pause, resume, retry).
/// </summary>
public sealed record OperationAccepted(string? JobId);

/// <summary>
/// An event of a VM's history: <c>GET /api/v1/vms/{vm}/log</c>, oldest first, at most 500. <c>?from=SEQ</c> starts at
/// that event, and <c>?most=N</c> limits the number. <c>?at=SEQ|TIME</c> returns a <see cref="StateAtView"/> instead.
/// </summary>
public sealed record LogLineView(long Seq, DateTimeOffset Time, string Type, string Actor, JsonNode Data);

/// <summary>The VM's state after an event.</summary>
public sealed record StateAtView(long Seq, DateTimeOffset Time, string Phase, string Health, JsonNode State);

/// <summary>
/// An agent: <c>GET /api/v1/agents</c> lists the agents whose name is bound to a key, that have connected since the
/// service started, or whose name another process claims. An agent is connected while it has sent something within the
/// last seconds; <paramref name="LastSeen"/> is null if it has not connected since the service started. <c>DELETE
/// /api/v1/agents/{name}</c> releases the name to the next agent that registers it; it returns 409 with code
/// <c>agent-connected</c> while the agent is connected, and 404 if the name is not bound.
/// </summary>
public sealed record AgentView(string Name, bool Connected, DateTimeOffset? LastSeen, IReadOnlyList<string> Vms)
{
    /// <summary>The connected process: number, host, address; null while there is none.</summary>
    public string? Process { get; init; }

    /// <summary>Another process that recently claimed the agent's name or identity; null when there is none.</summary>
    public string? Conflict { get; init; }

    /// <summary>The agent's clock minus the service's, in seconds; null before the first measurement.</summary>
    public double? ClockOffsetSeconds { get; init; }
}
