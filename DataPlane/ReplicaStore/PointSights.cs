using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.RecoveryPoints;
using EnginePoint = ReplicationEngine.Engine.RecoveryPoints.RecoveryPoint;
using EngineGrade = ReplicationEngine.Engine.RecoveryPoints.PointGrade;

namespace ReplicationEngine.DataPlane.ReplicaStore;

/// <summary>A replica's recovery points as the domain knows them.</summary>
public static class PointSights
{
    /// <summary>The point; what a store computes of its grade is the digest, the others come from elsewhere.</summary>
    public static EnginePoint Describe(RecoveryPoint point)
    {
        ArgumentNullException.ThrowIfNull(point);
        return new EnginePoint(
            point.Id, point.Time,
            point.Consistency == PointConsistency.Application ? PointKind.Application : PointKind.Crash,
            point.Cut.Generation, point.Cut.Lsn,
            point.Grade == PointGrade.DigestMatched ? EngineGrade.DigestMatched : EngineGrade.Received);
    }

    /// <summary>All of a store's.</summary>
    public static PointsSight Of(IEnumerable<RecoveryPoint> points, IEnumerable<SkippedMarker> skipped) => new(
        [.. points.Select(point => (Describe(point), point.UnusableBecause))],
        [.. skipped.Select(marker => (marker.Id, marker.Why))]);
}
