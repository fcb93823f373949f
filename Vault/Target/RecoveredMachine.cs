using ReplicationEngine.Vault.Api;

namespace ReplicationEngine.Vault.Target;

/// <summary>The writable disks of a failed-over or test machine as they are served.</summary>
/// <param name="Point">The point they stand on.</param>
/// <param name="RpoBound">Every acknowledged write that is not in it is newer than this before the failover
/// (I21).</param>
/// <param name="ReadyAfter">From the request to the disks being served.</param>
/// <param name="Disks">The disks.</param>
/// <param name="WrittenBytes">How much was written to them since.</param>
internal sealed record RecoveredMachine(
    PointView Point, TimeSpan RpoBound, TimeSpan ReadyAfter, IReadOnlyList<RecoveredDisk> Disks,
        Func<long> WrittenBytes)
{
    /// <summary>Whether anything was written since the failover.</summary>
    public bool HasWrites => WrittenBytes() > 0;
}

/// <summary>One served disk.</summary>
/// <param name="Path">The path of the source's disk it stands for.</param>
/// <param name="Name">The export's name.</param>
/// <param name="Uri">Its NBD URI.</param>
/// <param name="SizeBytes">Its size.</param>
internal sealed record RecoveredDisk(string Path, string Name, string Uri, long SizeBytes);
