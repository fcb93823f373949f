using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>A failed-over or test machine as effects report it, whatever carries its disks.</summary>
/// <param name="Point">The point they stand on.</param>
/// <param name="RpoBound">Every acknowledged write that is not in it is newer than this before the failover
/// (I21).</param>
/// <param name="ReadyAfter">From the request to the disks being served.</param>
/// <param name="Disks">The disks.</param>
public record RecoveredMachine(
    RecoveryPoint Point, TimeSpan RpoBound, TimeSpan ReadyAfter, IReadOnlyList<RecoveredDisk> Disks);

/// <summary>A served disk.</summary>
/// <param name="Path">The path of the source's disk that it replaces.</param>
/// <param name="Name">The name of the export.</param>
/// <param name="Uri">The NBD URI.</param>
/// <param name="SizeBytes">The size in bytes.</param>
public sealed record RecoveredDisk(string Path, string Name, string Uri, long SizeBytes);
