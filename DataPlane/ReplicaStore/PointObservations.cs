using ReplicationEngine.Engine.Observations;
using EnginePoint = ReplicationEngine.Engine.RecoveryPoints.RecoveryPoint;

namespace ReplicationEngine.DataPlane.ReplicaStore;

/// <summary>A replica's recovery points as the domain knows them.</summary>
public static class PointObservations
{
    /// <summary>The point; what a store computes of its grade is the digest, the others come from elsewhere.</summary>
    public static EnginePoint Describe(RecoveryPoint point)
    {
        ArgumentNullException.ThrowIfNull(point);
        return new EnginePoint(
            point.Id, point.Time, point.Kind, point.Cut.Generation, point.Cut.Lsn, point.Grade);
    }

    /// <summary>All of a store's.</summary>
    public static PointsObservation Of(IEnumerable<RecoveryPoint> points, IEnumerable<SkippedMarker> skipped) => new(
        [.. points.Select(point => (Describe(point), point.UnusableBecause))],
        [.. skipped.Select(marker => (marker.Id, marker.Why))]);
}
