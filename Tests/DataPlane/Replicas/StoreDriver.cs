using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Simulation.Storage;
using Xunit;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Tests.DataPlane.Replicas;

/// <summary>
/// Feeds a store with a random stream and keeps an independent model next to it: the source's disks as plain bytes, and
/// a copy of them for each point. It knows nothing of segments, layers or bases.
/// </summary>
internal sealed class StoreDriver
{
    private readonly Func<IStorageDirectory> _directory;
    private readonly List<byte[]> _sent = [];
    private readonly List<(ChangePosition At, byte[] Record)> _history = [];
    private int _ids;

    public StoreDriver(IStorageDirectory directory, Random random, params int[] sizes)
        : this(() => directory, random, sizes)
    {
    }

    public StoreDriver(SimulatedStorage storage, Random random, params int[] sizes)
        : this(() => storage.Root, random, sizes)
    {
    }

    private StoreDriver(Func<IStorageDirectory> directory, Random random, int[] sizes)
    {
        (_directory, Random) = (directory, random);
        Disks = [.. sizes.Select(s => new byte[s])];
        Specs = [.. sizes.Select((s, i) => new DiskSpec($"/dev/vd{(char)('a' + i)}", s))];
    }

    public static ReplicaStoreOptions Small { get; } = new()
    {
        SegmentBytes = 96 << 10, LayerExtents = 96, LayerBytes = 512 << 10, FoldStepBytes = 256 << 10,
            ManifestBytes = 6 << 10, OverlayLayers = 2,
    };

    public Random Random { get; }

    public ReplicaStore Store { get; private set; } = null!;

    public List<DiskSpec> Specs { get; }

    public List<byte[]> Disks { get; }

    public ChangePosition At { get; private set; } = new(new Generation(0), Lsn.None);

    public Dictionary<RecoveryPointId, byte[][]> Points { get; } = [];

    public void Create() =>
        Store = ReplicaStore.Create(_directory(), new ProtectedVmId("vm"), Specs, Term.First, Small);

    public void Open() => Store = ReplicaStore.Open(_directory(), Small);

    public void Reopen()
    {
        Store.Dispose();
        Open();
    }

    /// <summary>A new generation; afterwards the store resyncs.</summary>
    public void StartGeneration()
    {
        At = new ChangePosition(At.Generation.Next(), At.Lsn.Next());
        Send(Encode(ChangeKind.GenerationStart, 0, 0, 0, default, At.Lsn));
    }

    /// <summary>Copies every block with writes in between, then ends the resync.</summary>
    public void CopyAll(bool writes)
    {
        for (var disk = 0; disk < Disks.Count; disk++)
        {
            for (var at = 0; at < Disks[disk].Length; at += 64 << 10)
            {
                CopyBlock(disk, at);
                if (writes && Random.Next(4) == 0)
                {
                    Write();
                }
            }
        }

        Store.EndResync(At);
    }

    public void CopyBlock(int disk, int at)
    {
        var data = Disks[disk].AsSpan(at, Math.Min(64 << 10, Disks[disk].Length - at));
        var zero = !data.ContainsAnyExcept((byte)0);
        Store.Apply(Encode(
            zero ? ChangeKind.ResyncZeroes : ChangeKind.ResyncData, disk, at, data.Length, zero ? default : data,
                Lsn.None));
        if (!zero && Random.Next(2) == 0)
        {
            Store.NoteBlockHashes(disk, at / (64 << 10), System.Security.Cryptography.SHA256.HashData(data));
        }
    }

    /// <summary>A write of random place, size and kind, applied to the model and sent.</summary>
    public void Write(int count = 1)
    {
        var batch = new List<byte>();
        for (var i = 0; i < count; i++)
        {
            var disk = Random.Next(Disks.Count);
            var length = Random.Next(6) switch
            {
                0 => Random.Next(1, 100),
                1 => 4096,
                2 => Random.Next(1, 90_000),
                3 => Random.Next(200_000, 700_000),
                _ => Random.Next(1, 9000),
            };
            length = Math.Min(length, Disks[disk].Length);
            var offset = Random.Next(Disks[disk].Length - length + 1);
            if (Random.Next(2) == 0)
            {
                offset &= ~4095;
            }

            var isZero = length > 100_000 || Random.Next(5) == 0;
            var data = new byte[length];
            if (!isZero)
            {
                Random.NextBytes(data);
            }

            data.CopyTo(Disks[disk].AsSpan(offset));
            At = At with { Lsn = At.Lsn.Next() };
            var asData = !isZero || Random.Next(8) == 0;
            batch.AddRange(Encode(
                asData ? ChangeKind.Write : ChangeKind.Zeroes, disk, offset, length, asData ? data : default, At.Lsn));
        }

        Send([.. batch]);
    }

    /// <summary>Sends a marker and remembers what the point must hold.</summary>
    public RecoveryPointId Mark()
    {
        var id = NewId();
        var marker = new byte[PointMarker.Size];
        new PointMarker(id, PointKind.Crash).Write(marker);
        At = At with { Lsn = At.Lsn.Next() };
        Points[id] = Copy();
        Send(Encode(ChangeKind.Marker, 0, 0, 0, marker, At.Lsn));
        return id;
    }

    public RecoveryPointId NewId() => new(new Guid(++_ids, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]));

    /// <summary>Sends something again that was sent before.</summary>
    public void Repeat()
    {
        if (_sent.Count > 0)
        {
            Store.Apply(_sent[Random.Next(_sent.Count)]);
        }
    }

    public byte[][] Copy() => [.. Disks.Select(d => d.ToArray())];

    /// <summary>The source goes back to a point (the store was rewound).</summary>
    public void GoTo(byte[][] content, ChangePosition at)
    {
        for (var i = 0; i < Disks.Count; i++)
        {
            Disks[i] = new byte[Specs[i].SizeBytes];
            content[i].CopyTo(Disks[i], 0);
        }

        At = at;
        _sent.Clear();
    }

    public void Grow(int disk, int size)
    {
        var grown = new byte[size];
        Disks[disk].CopyTo(grown, 0);
        Disks[disk] = grown;
        Specs[disk] = Specs[disk] with { SizeBytes = size };
        Store.Resize(disk, size);
    }

    /// <summary>Every listed point has exactly the content that the model remembers.</summary>
    public void CheckPoints()
    {
        foreach (var point in Store.Points)
        {
            CheckPoint(point.Id);
        }
    }

    public void CheckPoint(RecoveryPointId id)
    {
        using var export = Store.OpenPoint(id);
        for (var disk = 0; disk < export.Disks.Count; disk++)
        {
            var expected = Points[id][disk];
            Assert.Equal(expected.Length, export.Disks[disk].Length);
            AssertSame(expected, ReadAll(export.Disks[disk]), $"point {id} disk {disk}");
        }
    }

    public static byte[] ReadAll(ReplicationEngine.DataPlane.Blocks.IBlockDevice device)
    {
        var all = new byte[device.Length];
        device.Read(0, all);
        return all;
    }

    public static void AssertSame(byte[] expected, byte[] actual, string what)
    {
        var at = expected.AsSpan().CommonPrefixLength(actual);
        Assert.True(at == expected.Length && at == actual.Length, $"{what} differs at byte {at}");
    }

    public byte[] Encode(ChangeKind kind, int disk, long offset, long length, ReadOnlySpan<byte> data, Lsn lsn)
    {
        var header = new ChangeHeader(kind, disk, At.Generation, lsn, offset, length, Lsn.None,
            DateTimeOffset.UnixEpoch, data.Length);
        var record = new byte[header.EncodedLength];
        ChangeRecord.Encode(header, data, record);
        return record;
    }

    /// <summary>As a source does after a lost session: sends what the store does not hold, and all blocks if it
    /// resyncs.</summary>
    public void Resume()
    {
        var position = Store.Position;
        foreach (var (at, record) in _history.Where(h => h.At.CompareTo(position.Durable) > 0).ToList())
        {
            Store.Apply(record);
        }

        if (Store.Position.Resyncing)
        {
            CopyAll(writes: false);
        }
    }

    private void Send(byte[] records)
    {
        _sent.Add(records);
        for (var at = 0; at < records.Length;)
        {
            Assert.True(ChangeRecord.TryReadHeader(records.AsSpan(at), out var header));
            _history.Add((new ChangePosition(header.Generation, header.Lsn), records[at..(at + header.EncodedLength)]));
            at += header.EncodedLength;
        }

        Store.Apply(records);
    }
}
