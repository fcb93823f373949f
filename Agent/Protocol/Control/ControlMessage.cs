using System.Text.Json.Serialization;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Agent.Protocol.Control;

/// <summary>
/// A message of the control stream between agent and service. The agent calls out. The service says
/// <see cref="Challenge"/>; the agent proves with <see cref="Hello"/> who it is; the service answers with
/// <see cref="Welcome"/> or <see cref="Refused"/>. From then on the service asks (<see cref="Request"/>) and the agent
/// answers (<see cref="Reply"/>) and reports (<see cref="Report"/>). Both ends say something every few seconds, so that
/// silence means a lost connection (<see cref="ControlLimits"/>).
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

    /// <summary>The service's first message: its vault's id, and 32 random bytes in base64 that no other connection
    /// is given. Nothing else is said before the agent has proved who it is (F19).</summary>
    public sealed record Challenge(int Version, string Vault, string Nonce) : ControlMessage;

    /// <summary>
    /// The agent's first message. <paramref name="PublicKey"/> is its key in base64 (SubjectPublicKeyInfo, P-256), and
    /// <paramref name="Proof"/> the signature over <see cref="ControlProof.Text"/>.
    /// </summary>
    public sealed record Hello(
        int Version, string Agent, AgentProcessInfo Process, string PublicKey, string Proof)
        : ControlMessage;

    /// <summary>The service takes the agent on. <paramref name="Session"/> is a secret that the agent's data streams
    /// must show.</summary>
    public sealed record Welcome(string Vault, string Session) : ControlMessage;

    /// <summary>
    /// The service does not, for now; the stream ends, and the agent goes on with what it serves and tries again.
    /// <paramref name="Code"/>: <c>version</c>, <c>name</c>, <c>proof</c>, <c>identity</c> (the name
    /// belongs to another key), <c>clone</c> (a living process has this identity), <c>busy</c>.
    /// </summary>
    public sealed record Refused(string Code, string Reason) : ControlMessage;

    /// <summary>The service asks; answered by the <see cref="Reply"/> of the same id, in any order.</summary>
    public sealed record Request(long Id, AgentRequest Body) : ControlMessage;

    /// <summary>The answer: a result, or an error.</summary>
    public sealed record Reply(long Id, AgentReply Body) : ControlMessage;

    /// <summary>What the agent observes of its volumes, every second and at once when something changes.</summary>
    public sealed record Report(IReadOnlyList<VolumeStatus> Volumes) : ControlMessage;

    /// <summary>The service lives, and asks the agent to show that it does.</summary>
    public sealed record Ping(long Id) : ControlMessage;

    /// <summary>The agent's answer to a <see cref="Ping"/>, with its wall clock's time.</summary>
    public sealed record Pong(long Id, DateTimeOffset Now) : ControlMessage;
}

/// <summary>The process that speaks for an agent.</summary>
/// <param name="Incarnation">Random at each start of the process and stored nowhere: a copy of the machine has another
/// one.</param>
/// <param name="BootId">Another for each start of the machine.</param>
/// <param name="Host">The machine's name.</param>
/// <param name="Pid">The process's number there.</param>
public sealed record AgentProcessInfo(string Incarnation, string BootId, string Host, int Pid);

/// <summary>What the service may ask of an agent. All are idempotent: asked again, they answer the same.</summary>
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

    /// <summary>Looks at disks before anything is created (ENA-2). <paramref name="Raw"/>: an image in a format of its
    /// own is meant byte by byte.</summary>
    public sealed record Inspect(string Vm, IReadOnlyList<string> Disks, bool Raw = false) : AgentRequest;

    /// <summary>Brings a volume into the role that the directive names, and answers when it is there.</summary>
    public sealed record Direct(VolumeDirective Directive) : AgentRequest;

    /// <summary>Marks a recovery point in the replication stream, with the applications frozen around it when its
    /// <paramref name="Kind"/> asks for that (RCP-2, RCP-3).</summary>
    /// <param name="Vm">The VM.</param>
    /// <param name="PointId">The point.</param>
    /// <param name="Kind">How consistent it is to be.</param>
    /// <param name="AskedAt">
    /// The service's time when it asked: the time of the point, because the point holds every write that was answered
    /// before it, and no two clocks need to agree.
    /// </param>
    public sealed record InsertMarker(string Vm, Guid PointId, PointKind Kind, DateTimeOffset AskedAt) : AgentRequest;

    /// <summary>
    /// Reads the agent's clock. The number comes back with every later report, which tells the service a moment of its
    /// own after which the report was made.
    /// </summary>
    public sealed record ProbeClock(long Number) : AgentRequest;
}

/// <summary>What the service wants of one VM's source side; a pure function of the VM's state.</summary>
/// <param name="Vm">The VM.</param>
/// <param name="Disks">The disks' paths on the agent's machine.</param>
/// <param name="Role">The role.</param>
/// <param name="Term">The fencing term that goes with it; a smaller one than was already obeyed is refused.</param>
/// <param name="Replicating">Whether changes flow (sent when primary or quiesced, received when reverse
/// replica).</param>
/// <param name="Key">The VM's 32-byte data key in base64.</param>
/// <param name="CopyId">Names a resync that was asked for: all extents are marked once for each new value.</param>
/// <param name="Cut">When fenced: the last change the recovered machine holds; what the source wrote after it is
/// divergent.</param>
/// <param name="Sequence">
/// The number of the event after which this holds: a directive that comes late, behind a newer one of the same or a
/// higher term, changes nothing.
/// </param>
public sealed record VolumeDirective(
    string Vm, IReadOnlyList<string> Disks, SourceRole Role, long Term, bool Replicating, string Key, string? CopyId,
    long Sequence, ChangeCut? Cut)
{
    /// <summary>
    /// When quiesced: clients that have the disks open for writing do not keep the agent from it (B8).
    /// </summary>
    public bool Force { get; init; }
}

/// <summary>A place in the order of changes: what a recovered machine holds of the source's writes.</summary>
public sealed record ChangeCut(long Generation, long Lsn);

/// <summary>An agent's answer.</summary>
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

    /// <summary>What the disks are; <paramref name="Problems"/> holds every reason at once why they cannot be
    /// protected.</summary>
    public sealed record Inspected(IReadOnlyList<InspectedDisk> Disks, IReadOnlyList<string> Problems) : AgentReply;

    /// <summary>The volume is in its role.</summary>
    public sealed record Directed(VolumeStatus Status) : AgentReply;

    /// <summary>The marker stands in the stream; <paramref name="Warning"/> says why a point that was to be
    /// application-consistent is only crash-consistent.</summary>
    public sealed record MarkerInserted(
        long Generation, long Lsn, DateTimeOffset Time, PointKind Kind, string? Warning) : AgentReply;

    /// <summary>The agent's clock (UTC).</summary>
    public sealed record ClockRead(DateTimeOffset Now) : AgentReply;

    /// <summary>It could not be done. <paramref name="Recoverable"/>: worth another try later (ERR-1).</summary>
    public sealed record Failed(string Code, string Message, string? Remedy, bool Recoverable) : AgentReply;
}

/// <summary>A disk as the agent found it; <paramref name="Identity"/> is the text of a
/// <see cref="Engine.Identifiers.DiskIdentity"/>.</summary>
public sealed record InspectedDisk(string Path, long SizeBytes, string Identity = "");

/// <summary>A disk as the agent serves it; <paramref name="Uri"/> is null while it does not, and
/// <paramref name="Identity"/> empty while it is not open.</summary>
public sealed record ServedDisk(string Path, long SizeBytes, string? Uri, string Identity = "");

/// <summary>What an agent observes of one volume.</summary>
public sealed record VolumeStatus(
    string Vm, SourceRole Role, long Term, IReadOnlyList<ServedDisk> Disks, CaptureMode Capture, DirtyCause Cause,
    string CauseText, long Generation, long Lsn, long AckedGeneration, long AckedLsn, long LagBytes,
    double? LagSeconds, long DirtyBytes, long CacheBytes,
    long DivergentBytes, TransferStatus? Transfer, IReadOnlyList<VolumeProblem> Problems, DateTimeOffset At)
{
    /// <summary>
    /// Whether the agent has hooks for application-consistent points; null from one that does not say.
    /// </summary>
    public bool? HasHooks { get; init; }

    /// <summary>
    /// When fenced: from where on <see cref="DivergentBytes"/> count; null when the directive had no cut.
    /// </summary>
    public ChangeCut? Cut { get; init; }

    /// <summary>The number of the newest clock probe that came before this was observed; null when none did.</summary>
    public long? Probe { get; init; }

    /// <summary>Who has the disks open.</summary>
    public IReadOnlyList<VolumeClient> Clients { get; init; } = [];

    /// <summary>Whether the agent can stop the machine by itself before it takes the disks away (B8).</summary>
    public bool StopsGuest { get; init; }
}

/// <summary>A client of a volume's disk.</summary>
/// <param name="Disk">The disk's path.</param>
/// <param name="Who">For people: the process, or the address.</param>
/// <param name="ReadOnly">It cannot write.</param>
public sealed record VolumeClient(string Disk, string Who, bool ReadOnly);

/// <summary>A running transfer; <paramref name="WireBytes"/> and <paramref name="ChangedBytes"/> count from
/// <paramref name="CountedSince"/> on, <paramref name="CopiedBytes"/> from the begin of the copy or resync that runs,
/// or ran last.</summary>
public sealed record TransferStatus(
    TransferPhase Phase, bool Connected, long BytesTotal, long BytesDone, double BytesPerSecond, double? SecondsLeft,
    long WireBytes, long ChangedBytes, long CopiedBytes, DateTimeOffset CountedSince);

/// <summary>Something wrong with a volume that its health must show.</summary>
public sealed record VolumeProblem(string Code, string Message, string? Remedy, bool Recoverable);

/// <summary>Source-generated JSON of the control stream.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ControlMessage))]
[JsonSerializable(typeof(VolumeDirective))]
public sealed partial class ControlJson : JsonSerializerContext;
