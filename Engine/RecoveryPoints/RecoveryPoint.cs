using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Engine.RecoveryPoints;

/// <summary>How consistent a point is (RCP-1, RCP-2).</summary>
public enum PointKind
{
    /// <summary>The point holds what was on the disks at that instant.</summary>
    Crash = 1,

    /// <summary>The application was frozen around that instant.</summary>
    App = 2,
}

/// <summary>How far a point's content was verified. Each grade includes the ones before it.</summary>
public enum PointGrade
{
    /// <summary>Every change up to the point was received and applied.</summary>
    Received = 1,

    /// <summary>The content matches the digest that the source computed.</summary>
    DigestMatched = 2,

    /// <summary>The point's file systems were checked and are clean.</summary>
    FileSystemClean = 3,

    /// <summary>A machine booted from the point.</summary>
    Booted = 4,

    /// <summary>The application in a machine booted from the point replied to a probe.</summary>
    Probed = 5,
}

/// <summary>A recovery point. Only its grade changes after it is sealed (RCP-6).</summary>
/// <param name="Id">The id, globally unique.</param>
/// <param name="Time">The instant (UTC) by the service's clock: when the service asked the source for the point, or,
/// for a point that the service sealed itself, up to when it is known to be complete. The point holds every write
/// acknowledged before (I21). For display, never for retention. Never before the time of an earlier point, even when
/// the service's clock was set back.</param>
/// <param name="Kind">How consistent the point is.</param>
/// <param name="Generation">The generation to which the point belongs.</param>
/// <param name="Lsn">The number of the last change that the point holds.</param>
/// <param name="Grade">How far the content was verified; it only rises.</param>
public sealed record RecoveryPoint(
    RecoveryPointId Id, DateTimeOffset Time, PointKind Kind, Generation Generation, Lsn Lsn, PointGrade Grade);

/// <summary>A recovery point that the vault keeps.</summary>
/// <param name="Point">The recovery point.</param>
/// <param name="Age">The position on the retention clock, which <see cref="RetentionClock"/> advances. Only differences
/// between two positions have a meaning.</param>
/// <param name="UnusableBecause">Why the point cannot be recovered from; null when it can.</param>
public sealed record KeptPoint(RecoveryPoint Point, TimeSpan Age, string? UnusableBecause = null)
{
    /// <summary>Who holds the point, so that it never expires; null when nobody does.</summary>
    public PointHold? Hold { get; init; }

    /// <summary>The id of the recovery point.</summary>
    public RecoveryPointId Id => Point.Id;

    /// <summary>Whether the machine can be recovered to the point.</summary>
    public bool Usable => UnusableBecause is null;
}

/// <summary>A user's hold on a recovery point: the point is never deleted until it is released.</summary>
/// <param name="By">The user who holds the point.</param>
/// <param name="At">Since when the user holds it (UTC).</param>
public sealed record PointHold(string By, DateTimeOffset At);
