using System.Security.Cryptography;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Hashes;
using ReplicationEngine.DataPlane.Replicas.Views;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.DataPlane.Replicas.Points;

/// <summary>
/// Reads every stored byte of a point's disks, block by block, and checks it against its checksums and against the hash
/// that was taken when the point was graded.
/// </summary>
/// <remarks>
/// Takes the log's gate for one block at a time, so replication continues concurrently; one thread runs the scrub.
/// </remarks>
internal sealed class Scrub(LayerStack content, RecoveryPoint point, long layer)
{
    private const int Block = IReplicaSink.HashBlockSize;
    private const int Piece = ChangeRecord.ChunkSize;
    private readonly LayeredReader _view = content.ViewAt(layer);
    private readonly byte[] _buffer = new byte[Block];
    private readonly List<DiskRange> _damaged = [];
    private readonly List<DiskRange> _differing = [];
    private readonly List<byte[]> _digests = [];
    private readonly HashSet<(uint, long)> _places = [];
    private long _read;

    /// <summary>The damaged ranges found, one report for each location in the store's files.</summary>
    public List<DamagedRangeException> Damage { get; } = [];

    /// <summary>The content's digest; meaningful only if nothing is damaged.</summary>
    public byte[] Digest => ContentDigest.Root(_digests);

    /// <summary>Reads the whole point; may be called only once.</summary>
    public VerifyReport Run(IProgress<(long Done, long Total)>? progress, CancellationToken cancellationToken)
    {
        var (done, total) = (0L, point.DiskSizes.Sum());
        var page = new byte[BlockHashes.BlocksPerPage * BlockHashes.HashSize];
        for (var disk = 0; disk < point.DiskSizes.Count; disk++)
        {
            var size = point.DiskSizes[disk];
            using var digest = ContentDigest.Begin(size);
            for (var number = 0L; number < ContentDigest.Pages(size); number++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var count = ContentDigest.BlocksIn(size, number);
                for (var i = 0; i < count; i++)
                {
                    var block = (number * BlockHashes.BlocksPerPage) + i;
                    var length = ContentDigest.LengthOf(size, block);
                    Check(disk, block, length).Write(page.AsSpan(i * BlockHashes.HashSize));
                    done += length;
                }

                digest.AppendData(SHA256.HashData(page.AsSpan(0, count * BlockHashes.HashSize)));
                progress?.Report((done, total));
            }

            _digests.Add(digest.GetHashAndReset());
        }

        var known = point.Grade == PointGrade.DigestMatched;
        var matches = known ? _damaged.Count == 0 && Digest.AsSpan().SequenceEqual(point.Digest.Span) : (bool?)null;
        return new VerifyReport(point.Id, _read, _damaged, _differing, matches);
    }

    private Hash256 Check(int disk, long block, int length)
    {
        var offset = block * Block;
        content.Log.Gate.EnterReadLock();
        try
        {
            var newest = _view.NewestLayer(disk, offset, length, out var zero);
            if (zero)
            {
                return HashBook.ZeroHash(length);
            }

            _view.ReadLocked(disk, offset, _buffer.AsSpan(0, length));
            _read += length;
            var hash = Hash256.Of(_buffer.AsSpan(0, length));
            var page = content.Hashes[disk].Page(block / BlockHashes.BlocksPerPage);
            var within = (int)(block % BlockHashes.BlocksPerPage);
            if (length == Block && page.Knows(within) && newest <= page.Layer && page.Layer <= layer
                && Hash256.Read(page.Hash(within).Span) != hash)
            {
                _differing.Add(new DiskRange(disk, offset, length));
            }

            return hash;
        }
        catch (DamagedRangeException)
        {
            // The loop below finds the damaged part of the block.
        }
        finally
        {
            content.Log.Gate.ExitReadLock();
        }

        for (var at = 0; at < length; at += Piece)
        {
            CheckPiece(disk, offset + at, Math.Min(Piece, length - at));
        }

        return default;
    }

    private void CheckPiece(int disk, long offset, int length)
    {
        try
        {
            _view.Read(disk, offset, _buffer.AsSpan(0, length));
            _read += length;
        }
        catch (Exception e) when (e is DamagedRangeException or StorageException)
        {
            if (_damaged.Count > 0 && _damaged[^1] is var last && last.Disk == disk
                && last.Offset + last.Length == offset)
            {
                _damaged[^1] = last with { Length = last.Length + length };
            }
            else
            {
                _damaged.Add(new DiskRange(disk, offset, length));
            }

            if (e is DamagedRangeException damage
                && _places.Add((damage.Place?.Segment ?? 0, damage.Place?.Record ?? offset)))
            {
                Damage.Add(damage);
            }
        }
    }
}
