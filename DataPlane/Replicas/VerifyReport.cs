using ReplicationEngine.DataPlane.Replicas.Views;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Replicas;

/// <summary>The result of a verification.</summary>
/// <param name="Point">The verified point.</param>
/// <param name="BytesRead">The number of bytes read and checked; zeroes need no reading.</param>
/// <param name="Damaged">
/// The ranges whose stored bytes do not match their checksums, in pieces of 4 KiB; adjacent ranges are joined.
/// </param>
/// <param name="Differing">
/// The blocks that match their checksums but not the hash taken when the point was graded.
/// </param>
/// <param name="DigestMatches">
/// Whether the whole content has the point's digest; null if it was not graded before.
/// </param>
public sealed record VerifyReport(
    RecoveryPointId Point, long BytesRead, IReadOnlyList<DiskRange> Damaged, IReadOnlyList<DiskRange> Differing,
        bool? DigestMatches)
{
    /// <summary>Whether the verification found no damage and no difference.</summary>
    public bool IsSound => Damaged.Count == 0 && Differing.Count == 0 && DigestMatches != false;
}
