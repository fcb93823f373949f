using System.Security.Cryptography;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Resync;
using ReplicationEngine.Engine.Identifiers;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Transport.Fakes;

/// <summary>A replica in memory that keeps to the contract, and can lose what was not synced.</summary>
internal sealed class MemorySink : IReplicaSink
{
    private const int Block = IReplicaSink.HashBlockSize;
    private readonly byte[][] _disks;
    private readonly byte[][] _durableDisks;
    private readonly HashSet<(int Disk, int Block)> _touched = [];
    private State _now = new(default, Resyncing: true, Empty: true, EndsAt: null);
    private State _durable = new(default, Resyncing: true, Empty: true, EndsAt: null);
    private int _inside;

    public MemorySink(params long[] sizes)
    {
        _disks = [.. sizes.Select(size => new byte[size])];
        _durableDisks = [.. sizes.Select(size => new byte[size])];
    }

    public Term Term { get; set; } = Term.First;

    public void NameSource(Guid incarnation) => Source = incarnation;

    public Guid? Source { get; private set; }

    public ReplicaPosition Position => new(Term, _durable.Applied, _now.Resyncing, _now.Empty);

    public ChangePosition Applied => _now.Applied;

    public long[] Sizes => [.. _disks.Select(d => (long)d.Length)];

    /// <summary>The points that were sealed: where they lie, and what the disks held.</summary>
    public List<(Lsn Lsn, string Digest)> Points { get; } = [];

    public int SkippedPoints { get; private set; }

    public int Syncs { get; private set; }

    public long ResyncDataBytes { get; private set; }

    public long ResyncZeroBytes { get; private set; }

    public int NotedHashes { get; private set; }

    public int EndResyncs { get; private set; }

    public bool KnowsRoots { get; set; } = true;

    public Action? BeforeApply { get; set; }

    public Action? BeforeSync { get; set; }

    public ReadOnlySpan<byte> Image(int disk) => _disks[disk];

    public static string Digest(IEnumerable<byte[]> disks)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var disk in disks)
        {
            hash.AppendData(disk);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <summary>The power goes: only what was synced is left.</summary>
    public void LoseUnsynced()
    {
        foreach (var (disk, block) in _touched)
        {
            var length = Math.Min(Block, _disks[disk].Length - (block * Block));
            _durableDisks[disk].AsSpan(block * Block, length).CopyTo(_disks[disk].AsSpan(block * Block));
        }

        _touched.Clear();
        _now = _durable;
    }

    /// <summary>The end of the last resync did not become durable.</summary>
    public void ForgetEndOfResync() => _durable = _now = _now with { Resyncing = true, EndsAt = null };

    public void Apply(ReadOnlyMemory<byte> records)
    {
        Assert.Equal(1, Interlocked.Increment(ref _inside));
        BeforeApply?.Invoke();
        for (var rest = records; rest.Length > 0;)
        {
            if (!ChangeRecord.TryReadHeader(rest.Span, out var header) || !ChangeRecord.VerifyData(rest.Span, header))
            {
                throw new ReplicaCorruptException("A record does not match its checksum.");
            }

            ApplyOne(header, rest.Span.Slice(ChangeRecord.DataOffset(header.DataLength), header.DataLength));
            rest = rest[header.EncodedLength..];
        }

        Interlocked.Decrement(ref _inside);
    }

    public void NoteBlockHashes(int disk, long firstBlock, ReadOnlySpan<byte> hashes)
    {
        Span<byte> own = stackalloc byte[32];
        for (var i = 0; i < hashes.Length / 32; i++, NotedHashes++)
        {
            BlockHashTree.HashBlock(BlockOf(disk, (int)firstBlock + i), own);
            Assert.True(own.SequenceEqual(hashes.Slice(i * 32, 32)),
                "A noted hash is not that of the block as applied.");
        }
    }

    public void CompareBlocks(int disk, long firstBlock, ReadOnlySpan<byte> hashes, Span<bool> differs)
    {
        Span<byte> own = stackalloc byte[32];
        for (var i = 0; i < differs.Length; i++)
        {
            BlockHashTree.HashBlock(BlockOf(disk, (int)firstBlock + i), own);
            differs[i] = !own.SequenceEqual(hashes.Slice(i * 32, 32));
        }
    }

    public bool TryReadBlockHashes(int disk, long firstBlock, Span<byte> hashes)
    {
        for (var i = 0; KnowsRoots && i < hashes.Length / 32; i++)
        {
            BlockHashTree.HashBlock(BlockOf(disk, (int)firstBlock + i), hashes[(i * 32)..]);
        }

        return KnowsRoots;
    }

    public void EndResync(ChangePosition consistentFrom)
    {
        EndResyncs++;
        _now = _now with { EndsAt = consistentFrom };
        Settle();
    }

    public ChangePosition Sync()
    {
        Assert.Equal(1, Interlocked.Increment(ref _inside));
        BeforeSync?.Invoke();
        foreach (var (disk, block) in _touched)
        {
            BlockOf(disk, block).CopyTo(_durableDisks[disk].AsSpan(block * Block));
        }

        _touched.Clear();
        _durable = _now;
        Syncs++;
        Interlocked.Decrement(ref _inside);
        return _durable.Applied;
    }

    public void Resize(int disk, long sizeBytes)
    {
        Array.Resize(ref _disks[disk], (int)sizeBytes);
        Array.Resize(ref _durableDisks[disk], (int)sizeBytes);
    }

    private ReadOnlySpan<byte> BlockOf(int disk, int block) =>
        _disks[disk].AsSpan(block * Block, Math.Min(Block, _disks[disk].Length - (block * Block)));

    private void ApplyOne(in ChangeHeader header, ReadOnlySpan<byte> data)
    {
        _now = _now with { Empty = false };
        if (header.Kind is ChangeKind.ResyncData or ChangeKind.ResyncZeroes)
        {
            Assert.True(_now.Resyncing, "Blocks came outside a resync.");
            Assert.Equal(_now.Applied.Generation, header.Generation);
            Assert.True(header.CompletedLsn.CompareTo(_now.Applied.Lsn) <= 0,
                "A block stands before the changes it holds.");
            (ResyncDataBytes, ResyncZeroBytes) = (ResyncDataBytes + data.Length, ResyncZeroBytes
                + header.Length - data.Length);
            Put(header, data);
            return;
        }

        var position = new ChangePosition(header.Generation, header.Lsn);
        if (position.CompareTo(_now.Applied) <= 0)
        {
            return;
        }

        if (header.Kind == ChangeKind.GenerationStart)
        {
            _now = _now with { Resyncing = true, EndsAt = null };
        }
        else if (header.Lsn.Value != _now.Applied.Lsn.Value + 1 || header.Generation != _now.Applied.Generation)
        {
            throw new ReplicaRefusedException(ReplicaRefusal.Gap, $"{position} does not follow {_now.Applied}.");
        }
        else if (header.Kind == ChangeKind.Marker)
        {
            SkippedPoints += _now.Resyncing ? 1 : 0;
            if (!_now.Resyncing)
            {
                Points.Add((header.Lsn, Digest(_disks)));
            }
        }
        else
        {
            Put(header, data);
        }

        _now = _now with { Applied = position };
        Settle();
    }

    private void Put(in ChangeHeader header, ReadOnlySpan<byte> data)
    {
        var target = _disks[header.Disk].AsSpan((int)header.Offset, (int)header.Length);
        if (data.IsEmpty)
        {
            target.Clear();
        }
        else
        {
            data.CopyTo(target);
        }

        for (var block = header.Offset / Block; block * Block < header.Offset + header.Length; block++)
        {
            _touched.Add((header.Disk, (int)block));
        }
    }

    private void Settle()
    {
        if (_now.EndsAt is { } end && _now.Applied.CompareTo(end) >= 0)
        {
            _now = _now with { Resyncing = false, EndsAt = null };
        }
    }

    private readonly record struct State(ChangePosition Applied, bool Resyncing, bool Empty, ChangePosition? EndsAt);
}
