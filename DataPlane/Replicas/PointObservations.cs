using ReplicationEngine.Engine.Observations;
using EnginePoint = ReplicationEngine.Engine.RecoveryPoints.RecoveryPoint;

namespace ReplicationEngine.DataPlane.Replicas;

/// <summary>Converts a replica's recovery points to the domain's observations.</summary>
public static class PointObservations
{
    /// <summary>
    /// Converts a point. Of the grades a store computes only the digest; the others are assigned elsewhere.
    /// </summary>
    public static EnginePoint Describe(RecoveryPoint point)
    {
        ArgumentNullException.ThrowIfNull(point);
        return new EnginePoint(
            point.Id, point.Time, point.Kind, point.Cut.Generation, point.Cut.Lsn, point.Grade);
    }

    /// <summary>Converts all points of a store.</summary>
    public static PointsObservation Of(IEnumerable<RecoveryPoint> points, IEnumerable<SkippedMarker> skipped) => new(
        [.. points.Select(point => (Describe(point), point.UnusableBecause))],
        [.. skipped.Select(marker => (marker.Id, marker.Why))]);
}
