using ReplicationEngine.DataPlane.Replicas.Overlays;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>A recovered machine over a replica store, with its writable disks as served.</summary>
/// <param name="Point">The point on which the disks are based.</param>
/// <param name="RpoBound">The upper bound of the data loss: every acknowledged write that is missing is newer than this
/// long before the failover (I21).</param>
/// <param name="ReadyAfter">The time from the request until the disks were served.</param>
/// <param name="Disks">The served disks.</param>
/// <param name="Overlay">The writes since, stored over the point.</param>
/// <param name="Source">The splitter in front of a failed-over machine's disks; null for a test machine.</param>
public sealed record ServedMachine(
    RecoveryPoint Point, TimeSpan RpoBound, TimeSpan ReadyAfter, IReadOnlyList<RecoveredDisk> Disks,
    ReplicaOverlay Overlay, SourceVolume? Source) : RecoveredMachine(Point, RpoBound, ReadyAfter, Disks)
{
    /// <summary>The number of bytes written to the disks since.</summary>
    public long WrittenBytes => Overlay.WrittenBytes;
}
