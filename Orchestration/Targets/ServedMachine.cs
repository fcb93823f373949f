using ReplicationEngine.DataPlane.ReplicaStore.Overlays;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>A recovered machine over a replica store, with its writable disks as they are served.</summary>
/// <param name="Point">The point they stand on.</param>
/// <param name="RpoBound">Every acknowledged write that is not in it is newer than this before the failover
/// (I21).</param>
/// <param name="ReadyAfter">From the request to the disks being served.</param>
/// <param name="Disks">The disks.</param>
/// <param name="Overlay">What was written since, over the point.</param>
/// <param name="Source">The splitter before a failed-over machine's disks; null of a test machine.</param>
public sealed record ServedMachine(
    RecoveryPoint Point, TimeSpan RpoBound, TimeSpan ReadyAfter, IReadOnlyList<RecoveredDisk> Disks,
    ReplicaOverlay Overlay, SourceVolume? Source) : RecoveredMachine(Point, RpoBound, ReadyAfter, Disks)
{
    /// <summary>How much was written to the disks since.</summary>
    public long WrittenBytes => Overlay.WrittenBytes;
}
