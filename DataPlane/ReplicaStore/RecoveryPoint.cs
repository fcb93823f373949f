using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.DataPlane.ReplicaStore;

/// <summary>A recovery point: the disks as they were when every change up to <see cref="Cut"/> had been made (I4,
/// I6).</summary>
public sealed record RecoveryPoint
{
    /// <summary>Its id.</summary>
    public required RecoveryPointId Id { get; init; }

    /// <summary>When it was asked for (UTC); not before the time of the point before it, unless that lies
    /// ahead.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Crash- or application-consistent.</summary>
    public required PointKind Kind { get; init; }

    /// <summary>The newest change it contains.</summary>
    public required ChangePosition Cut { get; init; }

    /// <summary>The sizes of the disks at that moment, in bytes.</summary>
    public required IReadOnlyList<long> DiskSizes { get; init; }

    /// <summary>How much is known about its content.</summary>
    public PointGrade Grade { get; init; } = PointGrade.Received;

    /// <summary>The root over the SHA-256 of all 64 KiB blocks of all disks; empty until graded.</summary>
    public ReadOnlyMemory<byte> Digest { get; init; }

    /// <summary>Why it must not be used; null when it may.</summary>
    public string? UnusableBecause { get; init; }

    /// <summary>Whether it may be used for a failover.</summary>
    public bool Usable => UnusableBecause is null;

    /// <summary>The reasons for which it is held; a held point is not pruned.</summary>
    public IReadOnlyList<string> Holds { get; init; } = [];
}

/// <summary>A marker that made no point, because the replica was resyncing (I12).</summary>
/// <param name="Id">The id the point would have had.</param>
/// <param name="Time">When the source made the marker.</param>
/// <param name="At">Where in the order it stood.</param>
/// <param name="Why">Why no point was made.</param>
public sealed record SkippedMarker(RecoveryPointId Id, DateTimeOffset Time, ChangePosition At, string Why);

/// <summary>
/// Something that happened in the store and is durable. Facts are numbered; a service that was away asks for those
/// after the last number it has handled (<see cref="ReplicaStore.FactsAfter"/>).
/// </summary>
internal abstract record ReplicaFact
{
    private ReplicaFact()
    {
    }

    /// <summary>A recovery point was sealed.</summary>
    public sealed record PointSealed(RecoveryPoint Point) : ReplicaFact;

    /// <summary>A marker made no point.</summary>
    public sealed record PointSkipped(SkippedMarker Marker) : ReplicaFact;

    /// <summary>A point must not be used any more; its stored bytes do not match their checksums.</summary>
    public sealed record PointUnusable(RecoveryPointId Id, string Why) : ReplicaFact;

    /// <summary>A point's content digest was computed.</summary>
    public sealed record PointGraded(RecoveryPointId Id, ReadOnlyMemory<byte> Digest) : ReplicaFact;

    /// <summary>Points were dropped.</summary>
    public sealed record PointsPruned(IReadOnlyList<RecoveryPointId> Ids) : ReplicaFact;

    /// <summary>The log's durable end was found damaged; the store stands at an earlier position than it had
    /// acknowledged.</summary>
    public sealed record TailDamaged(ChangePosition FellBackTo, string Why) : ReplicaFact;
}

/// <summary>A fact and its number.</summary>
internal readonly record struct NumberedFact(long Number, ReplicaFact Fact);
