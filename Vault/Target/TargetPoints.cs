using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.RecoveryPoints;
using StoredPoint = ReplicationEngine.DataPlane.ReplicaStore.RecoveryPoint;
using StoredGrade = ReplicationEngine.DataPlane.ReplicaStore.PointGrade;

namespace ReplicationEngine.Vault.Target;

/// <summary>A replica's recovery points as the domain knows them.</summary>
internal static class TargetPoints
{
    /// <summary>The point.</summary>
    public static RecoveryPoint Describe(StoredPoint point) => new(
        point.Id, point.Time, point.Consistency == PointConsistency.Application ? PointKind.Application
            : PointKind.Crash,
        point.Cut.Generation, point.Cut.Lsn, Grade(point));

    /// <summary>The point's grade; what the store computes is the digest, the others come from elsewhere.</summary>
    public static PointGrade Grade(StoredPoint point) =>
        point.Grade == StoredGrade.DigestMatched ? PointGrade.DigestMatched : PointGrade.Received;
}
