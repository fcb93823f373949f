using System.Diagnostics;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Benchmarks.ReplicaStores;

/// <summary>Makes the records of a source in advance, so that making them is not measured with applying them.</summary>
internal sealed class RecordFeed(long size)
{
    private const long GiB = 1L << 30;
    private readonly Random _random = new(3);
    private readonly byte[] _data = MakeData();
    private long _lsn;
    private long _filled;

    public byte[] Start() => Record(ChangeKind.GenerationStart, 0, default, ++_lsn);

    public byte[] Mark()
    {
        var marker = new byte[PointMarker.Size];
        new PointMarker(new RecoveryPointId(new Guid((int)++_lsn, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
            PointKind.Crash).Write(marker);
        return Record(ChangeKind.Marker, 0, marker, _lsn);
    }

    /// <summary>Fills the next bytes of the disk; returns bytes per second.</summary>
    public double Fill(ReplicaStore store, long bytes, int recordSize)
    {
        var took = TimeSpan.Zero;
        for (var end = _filled + bytes; _filled < end;)
        {
            var batch = new byte[ChangeRecord.EncodedLength(recordSize) * ((4 << 20) / recordSize)];
            for (var at = 0; at < batch.Length; _filled += recordSize)
            {
                at += Encode(ChangeKind.ResyncData, _filled, _data.AsSpan((int)(_filled % 4096), recordSize), 0,
                    batch.AsSpan(at));
            }

            var began = Stopwatch.GetTimestamp();
            store.Apply(batch);
            took += Stopwatch.GetElapsedTime(began);
        }

        return bytes / took.TotalSeconds;
    }

    /// <summary>Writes 4 KiB at random places of the first GiB, 64 writes to a batch.</summary>
    public void Scatter(ReplicaStore store, int writes)
    {
        var batch = new byte[ChangeRecord.EncodedLength(4096) * 64];
        for (var done = 0; done < writes; done += 64)
        {
            var at = 0;
            for (var i = 0; i < 64; i++)
            {
                at += Encode(
                    ChangeKind.Write, _random.NextInt64(Math.Min(size, GiB) / 4096) * 4096,
                        _data.AsSpan(_random.Next(1 << 19), 4096),
                    ++_lsn, batch.AsSpan(at));
            }

            store.Apply(batch);
        }
    }

    private static byte[] MakeData()
    {
        var data = new byte[(1 << 20) + 4096];
        new Random(1).NextBytes(data);
        return data;
    }

    private static byte[] Record(ChangeKind kind, long offset, ReadOnlySpan<byte> data, long lsn)
    {
        var record = new byte[ChangeRecord.EncodedLength(data.Length)];
        Encode(kind, offset, data, lsn, record);
        return record;
    }

    private static int Encode(ChangeKind kind, long offset, ReadOnlySpan<byte> data, long lsn, Span<byte> target)
    {
        var length = kind is ChangeKind.Marker or ChangeKind.GenerationStart ? 0 : data.Length;
        var header = new ChangeHeader(
            kind, 0, new Generation(1), new Lsn(lsn), offset, length, Lsn.None, DateTimeOffset.UnixEpoch, data.Length);
        return ChangeRecord.Encode(header, data, target);
    }
}
