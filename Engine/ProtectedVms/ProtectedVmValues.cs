using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>The direction of replication.</summary>
public enum Direction
{
    /// <summary>From the primary site to the recovery site.</summary>
    ToRecovery = 1,

    /// <summary>From the recovery site back to the primary site.</summary>
    ToPrimary = 2,
}

/// <summary>The kind of a failover.</summary>
public enum FailoverKind
{
    /// <summary>The source stopped first, so nothing is lost (FOV-2).</summary>
    Planned = 1,

    /// <summary>The source may be unreachable, so data may be lost (FOV-3).</summary>
    Unplanned = 2,
}

/// <summary>Why a resync is needed.</summary>
public enum ResyncReason
{
    /// <summary>Transfers failed so that order or content cannot be proven (RES-1).</summary>
    TransferFailed = 1,

    /// <summary>The source was shut down by force (RES-2).</summary>
    ForcedShutdown = 2,

    /// <summary>The configuration changed (RES-3).</summary>
    ConfigurationChanged = 3,

    /// <summary>The change log reached half of the disk's size (RES-4).</summary>
    LogHalfOfDisk = 4,

    /// <summary>A pause outgrew the change log (REP-10).</summary>
    PauseOutgrewLog = 5,

    /// <summary>A disk was resized (RES-3).</summary>
    DiskResized = 6,

    /// <summary>Changes were only marked while the log or the cache was full.</summary>
    DirtyMap = 7,

    /// <summary>A user requested the resync.</summary>
    UserRequest = 8,

    /// <summary>A disk was written, replaced or reverted while it was not served (RES-3).</summary>
    ChangedOutside = 9,

    /// <summary>
    /// Source and replica have different histories: the source was reverted to a snapshot, restored or cloned (RES-1).
    /// </summary>
    HistoryForked = 10,
}

/// <summary>Whether a retry can help.</summary>
public enum ErrorClass
{
    /// <summary>Network, low disk space or low memory: retried on a schedule (ERR-1).</summary>
    Recoverable = 1,

    /// <summary>Authentication, authorization or an invalid replica: an operator must intervene (ERR-2).</summary>
    NonRecoverable = 2,
}

/// <summary>Why an effect failed.</summary>
/// <param name="Class">Whether a retry can help.</param>
/// <param name="Reasons">All reasons (ENA-2), each one sentence; at least one.</param>
/// <param name="Remedy">What an operator can do.</param>
public sealed record EffectError(ErrorClass Class, ValueList<string> Reasons, string Remedy)
{
    /// <summary>Creates an error with one reason.</summary>
    public static EffectError Of(ErrorClass @class, string reason, string remedy) => new(@class, [reason], remedy);

    /// <summary>The reasons in one line.</summary>
    public string Message => string.Join(" ", Reasons);
}

/// <summary>A protected disk.</summary>
/// <param name="Path">The path on the agent's machine.</param>
/// <param name="SizeBytes">The size in bytes; 0 when not known yet.</param>
/// <param name="Identity">The identity of the disk when it was protected, as the text of a <see cref="DiskIdentity"/>;
/// empty when unknown.</param>
/// <param name="Raw">Whether the user asked to protect an image file that has a format of its own byte by byte.</param>
public sealed record ProtectedDisk(string Path, long SizeBytes, string Identity = "", bool Raw = false);

/// <summary>The result of a failover.</summary>
/// <param name="Kind">The kind of the failover.</param>
/// <param name="Point">The point on which the target runs.</param>
/// <param name="RpoBound">The upper bound of the data loss: every acknowledged write that was lost is newer than this
/// long before the failover started (I21).</param>
/// <param name="Exports">The number of writable disks that the target offers.</param>
/// <param name="StartedAt">When the failover started (UTC).</param>
/// <param name="ReadyAt">When the target was ready (UTC); the difference is the RTO.</param>
public sealed record Recovery(
    FailoverKind Kind, RecoveryPointId Point, TimeSpan RpoBound, int Exports, DateTimeOffset StartedAt,
    DateTimeOffset ReadyAt);

/// <summary>The result of a successful effect.</summary>
public abstract record EffectResult
{
    private EffectResult()
    {
    }

    /// <summary>The effect is done and returns no data.</summary>
    public sealed record Done : EffectResult;

    /// <summary>
    /// The result of CheckPrerequisites: all prerequisites are met, and the disks have these actual sizes.
    /// </summary>
    public sealed record PrerequisitesMet(ValueList<ProtectedDisk> Disks) : EffectResult;

    /// <summary>
    /// The result of QuiesceSource and QuiesceTarget: no more writes are accepted, durably, and every write was shipped
    /// if requested.
    /// </summary>
    /// <param name="LastLsn">The number of the last write.</param>
    /// <param name="ConfirmedByAgent">Whether the agent itself confirms the shutdown (SCN-3).</param>
    public sealed record Quiesced(Lsn LastLsn, bool ConfirmedByAgent) : EffectResult;

    /// <summary>The result of PrepareFailover and SwitchRecoveredPoint: the target accepts writes.</summary>
    /// <param name="Point">The point on which the target runs, newly sealed or existing.</param>
    /// <param name="RpoBound">See <see cref="Recovery.RpoBound"/>.</param>
    /// <param name="Exports">The number of writable disks that the target offers.</param>
    public sealed record FailoverReady(RecoveryPoint Point, TimeSpan RpoBound, int Exports) : EffectResult;

    /// <summary>The result of StartTestFailover: the copy accepts writes.</summary>
    public sealed record TestFailoverReady(RecoveryPoint Point, int Exports) : EffectResult;
}
