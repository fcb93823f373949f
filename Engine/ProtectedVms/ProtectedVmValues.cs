using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>Where something goes.</summary>
public enum Direction
{
    /// <summary>From the primary site to the recovery site.</summary>
    ToRecovery = 1,

    /// <summary>From the recovery site back to the primary site.</summary>
    ToPrimary = 2,
}

/// <summary>How a failover began.</summary>
public enum FailoverKind
{
    /// <summary>The source stopped first; nothing is lost (FOV-2).</summary>
    Planned = 1,

    /// <summary>The source may be gone (FOV-3).</summary>
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

    /// <summary>Changes were only marked while log or cache were full.</summary>
    DirtyMap = 7,

    /// <summary>A user asked for it.</summary>
    UserRequest = 8,

    /// <summary>Somebody wrote, replaced or put back a disk while it was not served (RES-3).</summary>
    ChangedOutside = 9,

    /// <summary>Source and replica hold different histories: the source was put back to a snapshot, restored or cloned
    /// (RES-1).</summary>
    HistoryForked = 10,
}

/// <summary>Whether trying again helps.</summary>
public enum ErrorClass
{
    /// <summary>Network, low disk space, low memory: tried again by schedule (ERR-1).</summary>
    Recoverable = 1,

    /// <summary>Authentication, authorization, an invalid replica: a person is needed (ERR-2).</summary>
    NonRecoverable = 2,
}

/// <summary>Why an effect failed.</summary>
/// <param name="Class">Whether trying again helps.</param>
/// <param name="Reasons">Every reason at once (ENA-2), each one sentence; at least one.</param>
/// <param name="Remedy">What a person can do.</param>
public sealed record EffectError(ErrorClass Class, ValueList<string> Reasons, string Remedy)
{
    /// <summary>An error with one reason.</summary>
    public static EffectError Of(ErrorClass @class, string reason, string remedy) => new(@class, [reason], remedy);

    /// <summary>The reasons in one line.</summary>
    public string Message => string.Join(" ", Reasons);
}

/// <summary>A protected disk.</summary>
/// <param name="Path">Its path on the agent's machine.</param>
/// <param name="SizeBytes">Its size; 0 when not known yet.</param>
/// <param name="Identity">Which disk it was when it was protected, as the text of a <see cref="DiskIdentity"/>; empty
/// when not known.</param>
/// <param name="Raw">An image in a format of its own was meant byte by byte.</param>
public sealed record ProtectedDisk(string Path, long SizeBytes, string Identity = "", bool Raw = false);

/// <summary>What a failover recovered to.</summary>
/// <param name="Kind">How it began.</param>
/// <param name="Point">The point the target stands on.</param>
/// <param name="RpoBound">
/// Every acknowledged write that was lost is newer than this long before the failover began (I21).
/// </param>
/// <param name="Exports">How many writable disks the target offers.</param>
/// <param name="StartedAt">When the failover began (UTC).</param>
/// <param name="ReadyAt">When the target was ready (UTC); the difference is the RTO.</param>
public sealed record Recovery(
    FailoverKind Kind, RecoveryPointId Point, TimeSpan RpoBound, int Exports, DateTimeOffset StartedAt,
    DateTimeOffset ReadyAt);

/// <summary>The result of an effect that has more to say than that it is done.</summary>
public abstract record EffectResult
{
    private EffectResult()
    {
    }

    /// <summary>It is done.</summary>
    public sealed record Done : EffectResult;

    /// <summary>Of CheckPrerequisites: all are met; the disks with their true sizes.</summary>
    public sealed record PrerequisitesMet(ValueList<ProtectedDisk> Disks) : EffectResult;

    /// <summary>Of QuiesceSource and QuiesceTarget: no more writes, durably; every write shipped if asked.</summary>
    /// <param name="LastLsn">The last write.</param>
    /// <param name="ConfirmedByAgent">The agent itself confirms the shutdown (SCN-3).</param>
    public sealed record Quiesced(Lsn LastLsn, bool ConfirmedByAgent) : EffectResult;

    /// <summary>Of PrepareFailover and SwitchRecoveredPoint: the target takes writes.</summary>
    /// <param name="Point">The point it stands on, newly sealed or as it was.</param>
    /// <param name="RpoBound">See <see cref="Recovery.RpoBound"/>.</param>
    /// <param name="Exports">How many writable disks it offers.</param>
    public sealed record FailoverReady(RecoveryPoint Point, TimeSpan RpoBound, int Exports) : EffectResult;

    /// <summary>Of StartTestFailover: the copy takes writes.</summary>
    public sealed record TestFailoverReady(RecoveryPoint Point, int Exports) : EffectResult;
}
