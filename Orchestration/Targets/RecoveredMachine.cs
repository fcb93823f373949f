using ReplicationEngine.DataPlane.ReplicaStore.Overlays;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>A failed-over or test machine, with its writable disks as they are served.</summary>
/// <param name="Point">The point they stand on.</param>
/// <param name="RpoBound">Every acknowledged write that is not in it is newer than this before the failover
/// (I21).</param>
/// <param name="ReadyAfter">From the request to the disks being served.</param>
/// <param name="Disks">The disks.</param>
/// <param name="Overlay">What was written since, over the point.</param>
/// <param name="Source">The splitter before a failed-over machine's disks; null of a test machine.</param>
public sealed record RecoveredMachine(
    RecoveryPoint Point, TimeSpan RpoBound, TimeSpan ReadyAfter, IReadOnlyList<RecoveredDisk> Disks,
    ReplicaOverlay Overlay, SourceVolume? Source)
{
    /// <summary>How much was written to the disks since.</summary>
    public long WrittenBytes => Overlay.WrittenBytes;
}

/// <summary>One served disk.</summary>
/// <param name="Path">The path of the source's disk it stands for.</param>
/// <param name="Name">The export's name.</param>
/// <param name="Uri">Its NBD URI.</param>
/// <param name="SizeBytes">Its size.</param>
public sealed record RecoveredDisk(string Path, string Name, string Uri, long SizeBytes);
