using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Applying;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Identifiers;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Splitting;

/// <summary>A replica in memory that keeps the contract to the letter, with the simplest sender there can be.</summary>
internal sealed class FakeReplica(params long[] sizes)
{
    private readonly Lock _gate = new();
    private readonly System.Buffers.ArrayBufferWriter<byte> _buffer = new();
    private ChangePosition _cursor;

    public byte[][] Disks { get; private set; } = [.. sizes.Select(s => new byte[s])];

    public ChangePosition Applied { get; private set; }

    public bool Resyncing { get; private set; }

    public bool Empty { get; private set; } = true;

    public List<(PointMarker Marker, Lsn Lsn, bool Sealed)> Markers { get; } = [];

    public List<ChangeHeader> Records { get; } = [];

    public int Damaged { get; private set; }

    public long CopiedBytes { get; private set; }

    /// <summary>What it knows of its sender's history; null to say nothing of what it changed.</summary>
    public RecentChanges? Recent { get; set; } = new(sizes.Length);

    public HistoryMark Mark { get; private set; }

    public Guid Source { get; private set; }

    public ReplicaPosition Position => new(Term.First, Applied, Resyncing, Empty)
    {
        History = new ReplicaHistory(Mark, Source, null),
    };

    /// <summary>Starts a session.</summary>
    public void Attach(SourceVolume source)
    {
        for (var i = 0; i < Disks.Length; i++)
        {
            Array.Resize(ref Disks[i], (int)source.Disks[i].SizeBytes);
        }

        var changed = Recent?.Since(source.History.Floor);
        _cursor = source.Attach(Position with { History = Position.History with { ChangedSinceFloor = changed } });
        Source = source.History.Incarnation;
    }

    /// <summary>Reads once from the log and applies it; false when there was nothing.</summary>
    public bool Pull(SourceVolume source, int maxBytes = 64 << 10)
    {
        _buffer.ResetWrittenCount();
        int bytes;
        try
        {
            bytes = source.ReadLog(ref _cursor, _buffer, maxBytes);
        }
        catch (ReplicationLogCorruptException)
        {
            Damaged++;
            Attach(source);
            return true;
        }

        Assert.Equal(_buffer.WrittenCount, bytes);
        Apply(_buffer.WrittenSpan);
        Assert.True(bytes == 0 || Applied == _cursor, $"the cursor is at {_cursor}, the last record at {Applied}");
        return bytes > 0;
    }

    /// <summary>Copies one dirty extent; false when none may be copied.</summary>
    public bool CopyExtent(SourceVolume source)
    {
        if (source.IsResyncHeld || source.DirtyExtents() is not [var extent, ..])
        {
            return false;
        }

        Assert.True(Resyncing, "an extent is handed out to a replica that is not resyncing");
        source.WaitForCompletion(_cursor.Lsn);
        source.ReadDisk(extent.Disk, extent.Offset, Disks[extent.Disk].AsSpan((int)extent.Offset, extent.Length));
        CopiedBytes += extent.Length;
        Recent?.Changed(new ChangeHeader(
            ChangeKind.ResyncData, extent.Disk, default, default, extent.Offset, extent.Length, default, default, 0));
        Empty = false;
        source.ClearDirty(extent);
        return true;
    }

    /// <summary>Ends the resync when the source says it may; true when it did.</summary>
    public bool EndResync(SourceVolume source)
    {
        var tail = source.Tail;
        if (!Resyncing || source.IsResyncHeld || source.DirtyExtents().Count > 0 || Applied.CompareTo(tail) < 0)
        {
            return false;
        }

        Resyncing = false;
        return true;
    }

    /// <summary>Does all there is to do until the replica is in step.</summary>
    public void CatchUp(SourceVolume source)
    {
        for (var round = 0; round < 10_000; round++)
        {
            var any = Pull(source, 1 << 20) || CopyExtent(source) || EndResync(source);
            Recent?.Synced(new MarkedPosition(Applied, Mark));
            source.Acknowledge(Applied);
            source.Maintain();
            if (!any && !source.IsResyncHeld)
            {
                return;
            }
        }

        Assert.Fail("the replica does not catch up");
    }

    private void Apply(ReadOnlySpan<byte> records)
    {
        while (!records.IsEmpty)
        {
            Assert.True(ChangeRecord.TryReadHeader(records, out var header));
            Assert.True(ChangeRecord.VerifyData(records, header));
            ApplyOne(header, records.Slice(ChangeRecord.DataOffset(header.DataLength), header.DataLength));
            records = records[header.EncodedLength..];
        }
    }

    private void ApplyOne(in ChangeHeader header, ReadOnlySpan<byte> data)
    {
        var next = new ChangePosition(header.Generation, header.Lsn);
        if (header.Kind == ChangeKind.GenerationStart)
        {
            Assert.True(header.Generation.Value > Applied.Generation.Value, "a generation starts that is not newer");
            Resyncing = true;
        }
        else
        {
            Assert.Equal(new ChangePosition(Applied.Generation, Applied.Lsn.Next()), next);
        }

        Recent?.Changed(header);
        (Applied, Mark) = (next, HistoryMark.Of(header));
        lock (_gate)
        {
            Records.Add(header);
        }

        switch (header.Kind)
        {
            case ChangeKind.Write:
                data.CopyTo(Disks[header.Disk].AsSpan((int)header.Offset));
                Empty = false;
                break;
            case ChangeKind.Zeroes:
                Disks[header.Disk].AsSpan((int)header.Offset, (int)header.Length).Clear();
                break;
            case ChangeKind.Marker:
                Markers.Add((PointMarker.Read(data), header.Lsn, !Resyncing));
                break;
        }
    }
}
