using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>A failed-over or test machine as effects report it, independent of how its disks are stored.</summary>
/// <param name="Point">The point on which the disks are based.</param>
/// <param name="RpoBound">The upper bound of the data loss: every acknowledged write that is missing is newer than this
/// long before the failover (I21).</param>
/// <param name="ReadyAfter">The time from the request until the disks were served.</param>
/// <param name="Disks">The disks.</param>
public record RecoveredMachine(
    RecoveryPoint Point, TimeSpan RpoBound, TimeSpan ReadyAfter, IReadOnlyList<RecoveredDisk> Disks);

/// <summary>A served disk.</summary>
/// <param name="Path">The path of the source's disk that it replaces.</param>
/// <param name="Name">The name of the export.</param>
/// <param name="Uri">The NBD URI.</param>
/// <param name="SizeBytes">The size in bytes.</param>
public sealed record RecoveredDisk(string Path, string Name, string Uri, long SizeBytes);
