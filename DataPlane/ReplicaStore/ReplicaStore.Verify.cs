using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicaStore.Hashes;
using ReplicationEngine.DataPlane.ReplicaStore.Manifests;
using ReplicationEngine.DataPlane.ReplicaStore.Views;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;

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

/// <summary>Reading a point back.</summary>
public sealed partial class ReplicaStore
{
    /// <summary>
    /// Reads every stored byte of a point and checks all checksums and the content digest (RCP-6). Reports exactly what
    /// is wrong (I14); a point with anything wrong becomes unusable. Replication goes on beside it.
    /// </summary>
    /// <param name="id">The point; it may be unusable already.</param>
    /// <param name="progress">Told the bytes done and the bytes of all disks, every 4 MiB; may be null.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="ReplicaRefusedException">The point does not exist.</exception>
    public VerifyReport Verify(
        RecoveryPointId id, IProgress<(long Done, long Total)>? progress = null,
            CancellationToken cancellationToken = default)
    {
        RecoveryPoint point;
        long layer;
        lock (_session)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            NoteDamage();
            (point, layer) = Find(id);
            Pin(id);
        }

        try
        {
            var scrub = new Scrub(point, ReaderOf(layer), layer, _log, _hashes);
            var report = scrub.Run(progress, cancellationToken);
            lock (_session)
            {
                Note(point, report, scrub);
            }

            return report;
        }
        finally
        {
            Unpin(id);
        }
    }

    private void Note(RecoveryPoint point, VerifyReport report, Scrub scrub)
    {
        foreach (var damage in scrub.Damage)
        {
            _damage.Enqueue((point.Id, damage));
        }

        if (report.Damaged.Count == 0 && !report.IsSound)
        {
            _unrecorded.TryAdd(point.Id, $"{report.Differing.Count} blocks differ from what was sealed.");
        }

        NoteDamage();
        if (report.IsSound && point.Grade == PointGrade.Received && State.IndexOf(point.Id) >= 0)
        {
            Durably(() => _log.Record(new StoreRecord.PointGraded(point.Id, scrub.Digest)));
        }
    }
}

/// <summary>Reads a point's disks block by block.</summary>
internal sealed class Scrub(RecoveryPoint point, LayeredReader reader, long layer, RedoLog log, HashBook hashes)
{
    private const int Block = IReplicaSink.HashBlockSize;
    private const int Piece = ChangeRecord.ChunkSize;
    private readonly byte[] _buffer = new byte[Block];
    private readonly List<DiskRange> _damaged = [];
    private readonly List<DiskRange> _differing = [];
    private readonly List<byte[]> _digests = [];
    private readonly HashSet<(uint, long)> _places = [];
    private long _read;

    /// <summary>One report for each place in the store's files that is damaged.</summary>
    public List<DamagedRangeException> Damage { get; } = [];

    /// <summary>The content's digest; meaningful when nothing is damaged.</summary>
    public byte[] Digest => ContentDigest.Root(_digests);

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

                digest.AppendData(System.Security.Cryptography.SHA256.HashData(page.AsSpan(0,
                    count * BlockHashes.HashSize)));
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
        log.Gate.EnterReadLock();
        try
        {
            var newest = reader.NewestLayer(disk, offset, length, out var zero);
            if (zero)
            {
                return HashBook.ZeroHash(length);
            }

            reader.ReadLocked(disk, offset, _buffer.AsSpan(0, length));
            _read += length;
            var hash = Hash256.Of(_buffer.AsSpan(0, length));
            var page = hashes[disk].Page(block / BlockHashes.BlocksPerPage);
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
            // Which part of the block it is shows below.
        }
        finally
        {
            log.Gate.ExitReadLock();
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
            reader.Read(disk, offset, _buffer.AsSpan(0, length));
            _read += length;
        }
        catch (Exception e) when (e is DamagedRangeException or StorageException)
        {
            if (_damaged.Count > 0 && _damaged[^1] is var last && last.Disk == disk && last.Offset
                + last.Length == offset)
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
