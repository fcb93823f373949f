using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.DataPlane.Replicas;

/// <summary>A recovery point: the disks as they were when every change up to <see cref="Cut"/> had been made (I4,
/// I6).</summary>
public sealed record RecoveryPoint
{
    /// <summary>The identifier of the point.</summary>
    public required RecoveryPointId Id { get; init; }

    /// <summary>
    /// The time (UTC) at which the point was requested; not before that of the previous point, unless that is in the
    /// future.
    /// </summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>The consistency of the point: crash- or application-consistent.</summary>
    public required PointKind Kind { get; init; }

    /// <summary>The newest change that the point contains.</summary>
    public required ChangePosition Cut { get; init; }

    /// <summary>The sizes of the disks at that moment, in bytes.</summary>
    public required IReadOnlyList<long> DiskSizes { get; init; }

    /// <summary>The grade of the point: how far its content has been verified.</summary>
    public PointGrade Grade { get; init; } = PointGrade.Received;

    /// <summary>The root over the SHA-256 of all 64 KiB blocks of all disks; empty until graded.</summary>
    public ReadOnlyMemory<byte> Digest { get; init; }

    /// <summary>The reason why the point must not be used; null if it may be used.</summary>
    public string? UnusableBecause { get; init; }

    /// <summary>Whether the point may be used for a failover.</summary>
    public bool Usable => UnusableBecause is null;

    /// <summary>The reasons for which the point is held; a held point is not pruned.</summary>
    public IReadOnlyList<string> Holds { get; init; } = [];
}

/// <summary>A marker that made no point, because the replica was resyncing (I12).</summary>
/// <param name="Id">The id that the point would have had.</param>
/// <param name="Time">The time at which the source made the marker.</param>
/// <param name="At">The position of the marker in the order of changes.</param>
/// <param name="Why">The reason why no point was made.</param>
public sealed record SkippedMarker(RecoveryPointId Id, DateTimeOffset Time, ChangePosition At, string Why);

/// <summary>
/// A durable event of the store. Facts are numbered; a service that was disconnected asks for the facts after the last
/// number it has handled (<see cref="ReplicaStore.FactsAfter"/>).
/// </summary>
internal abstract record ReplicaFact
{
    private ReplicaFact()
    {
    }

    /// <summary>A recovery point was sealed.</summary>
    public sealed record PointSealed(RecoveryPoint Point) : ReplicaFact;

    /// <summary>A marker made no point, because the replica was resyncing.</summary>
    public sealed record PointSkipped(SkippedMarker Marker) : ReplicaFact;

    /// <summary>A point can no longer be used, because its stored bytes do not match their checksums.</summary>
    public sealed record PointUnusable(RecoveryPointId Id, string Why) : ReplicaFact;

    /// <summary>A point's content digest was computed.</summary>
    public sealed record PointGraded(RecoveryPointId Id, ReadOnlyMemory<byte> Digest) : ReplicaFact;

    /// <summary>Points were dropped.</summary>
    public sealed record PointsPruned(IReadOnlyList<RecoveryPointId> Ids) : ReplicaFact;

    /// <summary>
    /// The log's durable end was found damaged; the store fell back to an earlier position than it had acknowledged.
    /// </summary>
    public sealed record TailDamaged(ChangePosition FellBackTo, string Why) : ReplicaFact;
}

/// <summary>A fact and its number.</summary>
internal readonly record struct NumberedFact(long Number, ReplicaFact Fact);
