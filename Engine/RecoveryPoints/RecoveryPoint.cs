using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Engine.RecoveryPoints;

/// <summary>How consistent a point is (RCP-1, RCP-2).</summary>
public enum PointKind
{
    /// <summary>What was on the disks at that instant.</summary>
    Crash = 1,

    /// <summary>The application was frozen around the instant.</summary>
    App = 2,
}

/// <summary>How much is known of a point's content; each grade includes the ones before it.</summary>
public enum PointGrade
{
    /// <summary>Every change up to the point was received and applied.</summary>
    Received = 1,

    /// <summary>The content matches the digest that the source computed.</summary>
    DigestMatched = 2,

    /// <summary>Its file systems were checked and are clean.</summary>
    FileSystemClean = 3,

    /// <summary>A machine booted from it.</summary>
    Booted = 4,

    /// <summary>The application in a machine booted from it answered a probe.</summary>
    Probed = 5,
}

/// <summary>A recovery point; all but what is known of it is as it was sealed (RCP-6).</summary>
/// <param name="Id">Its id, unique for ever.</param>
/// <param name="Time">
/// The instant (UTC) by the service's clock: when it asked the source for the point, or up to when what it sealed
/// itself is known to be complete. The point holds every write that was answered before (I21). Shown, never used for
/// retention; never before that of an earlier point, even when the service's clock was set back.
/// </param>
/// <param name="Kind">How consistent it is.</param>
/// <param name="Generation">The baseline it belongs to.</param>
/// <param name="Lsn">The last change it holds.</param>
/// <param name="Grade">How much is known of its content; it only rises.</param>
public sealed record RecoveryPoint(
    RecoveryPointId Id, DateTimeOffset Time, PointKind Kind, Generation Generation, Lsn Lsn, PointGrade Grade);

/// <summary>A recovery point that the vault keeps.</summary>
/// <param name="Point">The point.</param>
/// <param name="Age">
/// Its place on the retention clock, which <see cref="RetentionClock"/> advances; only differences of two have a
/// meaning.
/// </param>
/// <param name="UnusableBecause">Why it cannot be recovered from; null when it can.</param>
public sealed record KeptPoint(RecoveryPoint Point, TimeSpan Age, string? UnusableBecause = null)
{
    /// <summary>The point's id.</summary>
    public RecoveryPointId Id => Point.Id;

    /// <summary>Whether the machine can be recovered to it.</summary>
    public bool Usable => UnusableBecause is null;
}
