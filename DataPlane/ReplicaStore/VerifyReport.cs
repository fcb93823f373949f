using ReplicationEngine.DataPlane.ReplicaStore.Views;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicaStore;

/// <summary>What a verification found.</summary>
/// <param name="Point">The point.</param>
/// <param name="BytesRead">Bytes read back and checked; zeroes take no reading.</param>
/// <param name="Damaged">Ranges whose stored bytes do not match their checksums, in 4 KiB pieces joined where they
/// touch.</param>
/// <param name="Differing">Blocks that match their checksums but not the hash taken when the point was graded.</param>
/// <param name="DigestMatches">Whether the whole content has the point's digest; null when it was not graded
/// before.</param>
public sealed record VerifyReport(
    RecoveryPointId Point, long BytesRead, IReadOnlyList<DiskRange> Damaged, IReadOnlyList<DiskRange> Differing,
        bool? DigestMatches)
{
    /// <summary>Whether nothing is wrong.</summary>
    public bool IsSound => Damaged.Count == 0 && Differing.Count == 0 && DigestMatches != false;
}
