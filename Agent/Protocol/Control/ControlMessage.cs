using System.Text.Json.Serialization;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Agent.Protocol.Control;

/// <summary>
/// A message of the control stream between agent and service. The agent opens the stream. The service sends
/// <see cref="Challenge"/>; the agent proves its identity with <see cref="Hello"/>; the service replies with
/// <see cref="Welcome"/> or <see cref="Refused"/>. After that the service sends requests (<see cref="Request"/>), and
/// the agent sends replies (<see cref="Reply"/>) and reports (<see cref="Report"/>). Both ends send a message every few
/// seconds, so silence means a lost connection (<see cref="ControlLimits"/>).
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "message")]
[JsonDerivedType(typeof(Challenge), "challenge")]
[JsonDerivedType(typeof(Hello), "hello")]
[JsonDerivedType(typeof(Welcome), "welcome")]
[JsonDerivedType(typeof(Refused), "refused")]
[JsonDerivedType(typeof(Request), "request")]
[JsonDerivedType(typeof(Reply), "reply")]
[JsonDerivedType(typeof(Report), "report")]
[JsonDerivedType(typeof(Ping), "ping")]
[JsonDerivedType(typeof(Pong), "pong")]
public abstract record ControlMessage
{
    private ControlMessage()
    {
    }

    /// <summary>
    /// The service's first message: its vault's id and a nonce of 32 random bytes in base64, unique to the connection.
    /// The service sends nothing else before the agent has proved its identity (F19).
    /// </summary>
    public sealed record Challenge(int Version, string Vault, string Nonce) : ControlMessage;

    /// <summary>
    /// The agent's first message. <paramref name="PublicKey"/> is the agent's key in base64 (SubjectPublicKeyInfo,
    /// P-256), and <paramref name="Proof"/> the signature over <see cref="ControlProof.Text"/>.
    /// </summary>
    public sealed record Hello(
        int Version, string Agent, AgentProcessInfo Process, string PublicKey, string Proof)
        : ControlMessage;

    /// <summary>
    /// The service accepts the agent. <paramref name="Session"/> is a secret that the agent's data streams must
    /// present.
    /// </summary>
    public sealed record Welcome(string Vault, string Session) : ControlMessage;

    /// <summary>
    /// The service does not accept the agent now. The stream ends; the agent continues to serve its disks and retries.
    /// <paramref name="Code"/>: <c>version</c>, <c>name</c>, <c>proof</c>, <c>identity</c> (the name belongs to another
    /// key), <c>clone</c> (a running process has this identity), <c>busy</c>.
    /// </summary>
    public sealed record Refused(string Code, string Reason) : ControlMessage;

    /// <summary>
    /// A request of the service. The <see cref="Reply"/> has the same id; replies may come in any order.
    /// </summary>
    public sealed record Request(long Id, AgentRequest Body) : ControlMessage;

    /// <summary>The agent's reply to a request: a result or an error.</summary>
    public sealed record Reply(long Id, AgentReply Body) : ControlMessage;

    /// <summary>The agent's observations of its volumes, sent every second and immediately after a change.</summary>
    public sealed record Report(IReadOnlyList<VolumeStatus> Volumes) : ControlMessage;

    /// <summary>The service's keep-alive message, to which the agent replies with a <see cref="Pong"/>.</summary>
    public sealed record Ping(long Id) : ControlMessage;

    /// <summary>The agent's reply to a <see cref="Ping"/>, with the agent's wall-clock time.</summary>
    public sealed record Pong(long Id, DateTimeOffset Now) : ControlMessage;
}

/// <summary>The process that connects as an agent.</summary>
/// <param name="Incarnation">
/// A random value of each process start that is never stored, so a copy of the machine has a different one.
/// </param>
/// <param name="BootId">A value that differs for each boot of the machine.</param>
/// <param name="Host">The machine's host name.</param>
/// <param name="Pid">The process ID on that machine.</param>
public sealed record AgentProcessInfo(string Incarnation, string BootId, string Host, int Pid);

/// <summary>
/// A request that the service may send to an agent. All requests are idempotent: a repeated request has the same
/// result.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "request")]
[JsonDerivedType(typeof(Inspect), "inspect")]
[JsonDerivedType(typeof(Direct), "direct")]
[JsonDerivedType(typeof(InsertMarker), "insert-marker")]
[JsonDerivedType(typeof(ProbeClock), "probe-clock")]
public abstract record AgentRequest
{
    private AgentRequest()
    {
    }

    /// <summary>
    /// Inspects disks before anything is created (ENA-2). <paramref name="Raw"/>: treat an image in another format as
    /// raw bytes.
    /// </summary>
    public sealed record Inspect(string Vm, IReadOnlyList<string> Disks, bool Raw = false) : AgentRequest;

    /// <summary>
    /// Brings a volume into the role that the directive names; the reply is sent when the volume is in that role.
    /// </summary>
    public sealed record Direct(VolumeDirective Directive) : AgentRequest;

    /// <summary>
    /// Inserts a recovery point's marker into the replication stream, with the applications frozen around it if
    /// <paramref name="Kind"/> asks for that (RCP-2, RCP-3).
    /// </summary>
    /// <param name="Vm">The name of the VM.</param>
    /// <param name="PointId">The ID of the recovery point.</param>
    /// <param name="Kind">The requested consistency.</param>
    /// <param name="AskedAt">
    /// The service's time when it sent the request. The point has this time, because it holds every write that was
    /// acknowledged before; the clocks need not agree.
    /// </param>
    public sealed record InsertMarker(string Vm, Guid PointId, PointKind Kind, DateTimeOffset AskedAt) : AgentRequest;

    /// <summary>
    /// Reads the agent's clock. Every later report carries the number, so the service knows that the report was made
    /// after the probe was sent.
    /// </summary>
    public sealed record ProbeClock(long Number) : AgentRequest;
}

/// <summary>The state that the service requires of one VM's source side; a pure function of the VM's state.</summary>
/// <param name="Vm">The name of the VM.</param>
/// <param name="Disks">The disks' paths on the agent's machine.</param>
/// <param name="Role">The required role of the volume.</param>
/// <param name="Term">The fencing term of the role. A term below the highest one obeyed is refused.</param>
/// <param name="Replicating">
/// Whether changes are transferred (sent when primary or quiesced, received when reverse replica).
/// </param>
/// <param name="Key">The VM's 32-byte data key in base64.</param>
/// <param name="CopyId">Names a requested resync: all extents are marked dirty once for each new value.</param>
/// <param name="Cut">
/// When fenced: the last change that the recovered machine holds. Later writes of the source are divergent.
/// </param>
/// <param name="Sequence">
/// The number of the event from which the directive holds. A late directive, behind a newer one of the same or a higher
/// term, changes nothing.
/// </param>
public sealed record VolumeDirective(
    string Vm, IReadOnlyList<string> Disks, SourceRole Role, long Term, bool Replicating, string Key, string? CopyId,
    long Sequence, ChangeCut? Cut)
{
    /// <summary>Whether the agent quiesces the volume even if clients have the disks open for writing (B8).</summary>
    public bool Force { get; init; }
}

/// <summary>A position in the order of changes: the last write of the source that a recovered machine holds.</summary>
public sealed record ChangeCut(long Generation, long Lsn);

/// <summary>The result that an agent returns for a request.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "reply")]
[JsonDerivedType(typeof(Inspected), "inspected")]
[JsonDerivedType(typeof(Directed), "directed")]
[JsonDerivedType(typeof(MarkerInserted), "marker-inserted")]
[JsonDerivedType(typeof(ClockRead), "clock-read")]
[JsonDerivedType(typeof(Failed), "failed")]
public abstract record AgentReply
{
    private AgentReply()
    {
    }

    /// <summary>
    /// The inspected disks. <paramref name="Problems"/> lists every reason why they cannot be protected.
    /// </summary>
    public sealed record Inspected(IReadOnlyList<InspectedDisk> Disks, IReadOnlyList<string> Problems) : AgentReply;

    /// <summary>The volume is in the requested role.</summary>
    public sealed record Directed(VolumeStatus Status) : AgentReply;

    /// <summary>
    /// The marker is in the stream. <paramref name="Warning"/> is the reason why a point requested as
    /// application-consistent is only crash-consistent.
    /// </summary>
    public sealed record MarkerInserted(
        long Generation, long Lsn, DateTimeOffset Time, PointKind Kind, string? Warning) : AgentReply;

    /// <summary>The agent's clock (UTC).</summary>
    public sealed record ClockRead(DateTimeOffset Now) : AgentReply;

    /// <summary>The request failed. <paramref name="Recoverable"/>: a later retry may succeed (ERR-1).</summary>
    public sealed record Failed(string Code, string Message, string? Remedy, bool Recoverable) : AgentReply;
}

/// <summary>
/// A disk as the agent observed it; <paramref name="Identity"/> is the text of a
/// <see cref="Engine.Identifiers.DiskIdentity"/>.
/// </summary>
public sealed record InspectedDisk(string Path, long SizeBytes, string Identity = "");

/// <summary>
/// A disk as the agent serves it; <paramref name="Uri"/> is null while the disk is not served, and
/// <paramref name="Identity"/> is empty while the disk is not open.
/// </summary>
public sealed record ServedDisk(string Path, long SizeBytes, string? Uri, string Identity = "");

/// <summary>An agent's observation of one volume.</summary>
public sealed record VolumeStatus(
    string Vm, SourceRole Role, long Term, IReadOnlyList<ServedDisk> Disks, CaptureMode Capture, DirtyCause Cause,
    string CauseText, long Generation, long Lsn, long AckedGeneration, long AckedLsn, long LagBytes,
    double? LagSeconds, long DirtyBytes, long CacheBytes,
    long DivergentBytes, TransferStatus? Transfer, IReadOnlyList<VolumeProblem> Problems, DateTimeOffset At)
{
    /// <summary>
    /// Whether the agent has hooks for application-consistent points; null if the agent does not report it.
    /// </summary>
    public bool? HasHooks { get; init; }

    /// <summary>
    /// The position from which <see cref="DivergentBytes"/> counts when fenced; null if the directive had no cut.
    /// </summary>
    public ChangeCut? Cut { get; init; }

    /// <summary>The number of the newest clock probe received before the observation; null if there was none.</summary>
    public long? Probe { get; init; }

    /// <summary>The clients that have the disks open.</summary>
    public IReadOnlyList<VolumeClient> Clients { get; init; } = [];

    /// <summary>Whether the agent can stop the machine before it withdraws the disks (B8).</summary>
    public bool StopsGuest { get; init; }
}

/// <summary>A client of a volume's disk.</summary>
/// <param name="Disk">The disk's path.</param>
/// <param name="Who">A description of the client for operators: the process or the address.</param>
/// <param name="ReadOnly">Whether the client cannot write.</param>
public sealed record VolumeClient(string Disk, string Who, bool ReadOnly);

/// <summary>
/// A running transfer. <paramref name="WireBytes"/> and <paramref name="ChangedBytes"/> count from
/// <paramref name="CountedSince"/>; <paramref name="CopiedBytes"/> counts from the start of the running or latest copy
/// or resync.
/// </summary>
public sealed record TransferStatus(
    TransferPhase Phase, bool Connected, long BytesTotal, long BytesDone, double BytesPerSecond, double? SecondsLeft,
    long WireBytes, long ChangedBytes, long CopiedBytes, DateTimeOffset CountedSince);

/// <summary>A problem of a volume that its health must show.</summary>
public sealed record VolumeProblem(string Code, string Message, string? Remedy, bool Recoverable);

/// <summary>Source-generated JSON of the control stream.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ControlMessage))]
[JsonSerializable(typeof(VolumeDirective))]
public sealed partial class ControlJson : JsonSerializerContext;
