using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicaStore.Bases;
using ReplicationEngine.DataPlane.ReplicaStore.Extents;
using ReplicationEngine.DataPlane.ReplicaStore.Hashes;
using ReplicationEngine.DataPlane.ReplicaStore.Manifests;
using ReplicationEngine.DataPlane.ReplicaStore.Views;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicaStore;

/// <summary>Receiving changes.</summary>
/// <remarks>
/// Two kinds of record stand in the store's log only and never on the wire: 128, the end of a resync (data: i64
/// generation, i64 LSN from which the content is consistent), and 129, a point sealed by the store itself (data as a
/// marker). Their LSN is 0.
/// Until the first resync has ended, resync data for places that no layer touches goes straight into the base image:
/// nothing usable can be harmed, and nothing needs to be folded later. What of it a power cut takes was not
/// acknowledged, shows as a difference (or a damaged chunk, which counts as one) and is sent again.
/// </remarks>
public sealed partial class ReplicaStore
{
    private const ChangeKind ResyncEnded = (ChangeKind)128;
    private const ChangeKind LocalMarker = (ChangeKind)129;

    /// <inheritdoc/>
    public void Apply(ReadOnlyMemory<byte> records)
    {
        lock (_session)
        {
            EnsureWritable();
            if (_sessionTerm != State.Term)
            {
                throw StaleTerm(_sessionTerm);
            }

            var plan = ApplyPlan.Make(records, State.Disks, _log.Stream);
            if (plan.Count == 0)
            {
                return;
            }

            Durably(() =>
            {
                if (_log.FrozenCount > 1)
                {
                    SyncAll();
                }

                Carry(plan);
            });
        }
    }

    /// <inheritdoc/>
    public void NoteBlockHashes(int disk, long firstBlock, ReadOnlySpan<byte> hashes)
    {
        lock (_session)
        {
            for (var i = 0; i * BlockHashes.HashSize < hashes.Length; i++)
            {
                _hashes.NoteArrived(disk, firstBlock + i, Hash256.Read(hashes[(i * BlockHashes.HashSize)..]));
            }
        }
    }

    /// <inheritdoc/>
    public void CompareBlocks(int disk, long firstBlock, ReadOnlySpan<byte> hashes, Span<bool> differs)
    {
        var size = SizeOf(disk);
        if (firstBlock < 0 || firstBlock + differs.Length > ContentDigest.Blocks(size))
        {
            throw new ReplicaRefusedException(
                ReplicaRefusal.OutOfRange,
                    $"Blocks {firstBlock} to {firstBlock + differs.Length} are not inside disk {disk} of {size} "
                        + $"bytes.");
        }

        var buffer = new byte[IReplicaSink.HashBlockSize];
        for (var i = 0; i < differs.Length; i++)
        {
            var theirs = Hash256.Read(hashes[(i * BlockHashes.HashSize)..]);
            differs[i] = !TryHashNewest(disk, firstBlock + i, ContentDigest.LengthOf(size, firstBlock + i), buffer,
                out var ours)
                || ours != theirs;
        }
    }

    /// <inheritdoc/>
    public bool TryReadBlockHashes(int disk, long firstBlock, Span<byte> hashes)
    {
        var size = SizeOf(disk);
        var count = hashes.Length / BlockHashes.HashSize;
        if (firstBlock < 0 || firstBlock + count > ContentDigest.Blocks(size))
        {
            return false;
        }

        var buffer = new byte[IReplicaSink.HashBlockSize];
        for (var i = 0; i < count; i++)
        {
            if (!TryHashNewest(disk, firstBlock + i, ContentDigest.LengthOf(size, firstBlock + i), buffer,
                out var hash))
            {
                return false;
            }

            hash.Write(hashes[(i * BlockHashes.HashSize)..]);
        }

        return true;
    }

    /// <inheritdoc/>
    public void EndResync(ChangePosition consistentFrom)
    {
        lock (_session)
        {
            EnsureWritable();
            var stream = _log.Stream;
            if (consistentFrom.Generation.CompareTo(stream.Applied.Generation) > 0)
            {
                throw new ReplicaRefusedException(
                    ReplicaRefusal.Gap,
                    $"The resync of generation {consistentFrom.Generation} cannot end: generation "
                        + $"{stream.Applied.Generation} is applied.");
            }

            if (!stream.Resyncing || consistentFrom.Generation != stream.Applied.Generation)
            {
                return;
            }

            var data = new byte[16];
            BinaryPrimitives.WriteInt64LittleEndian(data, consistentFrom.Generation.Value);
            BinaryPrimitives.WriteInt64LittleEndian(data.AsSpan(8), consistentFrom.Lsn.Value);
            Durably(() =>
            {
                SyncAll();
                Carry([Own(ResyncEnded, DateTimeOffset.MinValue, data)]);
            });
        }
    }

    /// <inheritdoc/>
    public ChangePosition Sync()
    {
        lock (_session)
        {
            EnsureWritable();
            Durably(SyncAll);
            return _durable;
        }
    }

    /// <inheritdoc/>
    public void Resize(int disk, long sizeBytes)
    {
        lock (_session)
        {
            EnsureWritable();
            var size = SizeOf(disk);
            if (sizeBytes < size)
            {
                throw new ReplicaRefusedException(
                    ReplicaRefusal.OutOfRange,
                        $"Disk {disk} cannot shrink from {size} to {sizeBytes} bytes: protect the smaller disk anew.");
            }

            if (sizeBytes > size)
            {
                Durably(() =>
                {
                    SyncAll();
                    _log.Exclusive(() => _base[disk].Grow(sizeBytes));
                    _hashes.Grow(disk, size);
                    _log.Record(new StoreRecord.DiskResized(disk, sizeBytes));
                });
            }
        }
    }

    private long SizeOf(int disk)
    {
        lock (_session)
        {
            return disk >= 0 && disk < State.Disks.Count ? State.Disks[disk].SizeBytes
                : throw new ReplicaRefusedException(
                    ReplicaRefusal.OutOfRange, $"Disk {disk} does not exist: '{Vm}' has {State.Disks.Count} disks.");
        }
    }

    /// <summary>
    /// The log first: content that went straight into the base must not outlive the record of the generation it belongs
    /// to. Then the base, before a point that needs it is listed.
    /// </summary>
    private void SyncAll()
    {
        _log.SyncRecords();
        if (State.BaseTouched && !State.EverSealed)
        {
            _base.Commit();
        }

        _log.SyncRest();
        Settled();
    }

    private void Settled()
    {
        (_durable, _durableMark) = (_log.Stream.Applied, _log.Stream.Mark);
        _recent.Synced(new MarkedPosition(_durable, _durableMark));
    }

    /// <summary>Carries out a judged batch: log, then base, then index. When it throws, nothing of it counts.</summary>
    private void Carry(List<PlannedRecord> plan)
    {
        foreach (var record in plan)
        {
            _recent.Changed(record.Header);
        }

        var direct = ChooseDirect(plan);
        if (direct.Count > 0 && !State.BaseTouched)
        {
            _log.Record(new StoreRecord.BaseTouched());
        }

        var logged = plan.Where((_, i) => !direct.Contains(i)).ToList();
        var (segment, offset) = logged.Count == 0 ? _log.Tail : _log.Append(Spans(logged));
        try
        {
            if (direct.Count > 0)
            {
                _log.Exclusive(() => WriteDirect(plan.Where((_, i) => direct.Contains(i))));
            }
        }
        catch (StorageException)
        {
            _log.Undo(segment, offset);
            throw;
        }

        _log.Exclusive(() => Index(logged, segment, offset));
    }

    /// <summary>The places in the plan of those records that may go straight into the base image.</summary>
    private HashSet<int> ChooseDirect(List<PlannedRecord> plan)
    {
        var chosen = new HashSet<int>();
        if (_log.Stream.EverConsistent || _log.Stream.ConsistentFrom is not null
            || !plan.Exists(r => r.Header.Kind is ChangeKind.ResyncData or ChangeKind.ResyncZeroes))
        {
            return chosen;
        }

        var touched = new ActiveLayer(0);
        for (var i = 0; i < plan.Count; i++)
        {
            var header = plan[i].Header;
            if (header.Length <= 0)
            {
                continue;
            }

            var (first, last) = (Region.Of(header.Offset), Region.Of(header.Offset + header.Length - 1));
            if (header.Kind is ChangeKind.ResyncData or ChangeKind.ResyncZeroes && IsWholeChunks(header)
                && !touched.Touches(header.Disk, first, last)
                    && !_log.Layers.Any(l => l.MayTouch(header.Disk, first, last)))
            {
                chosen.Add(i);
            }
            else
            {
                touched.Put(header.Disk, header.Offset, header.Length, 0, 0);
            }
        }

        return chosen;
    }

    private bool IsWholeChunks(in ChangeHeader header)
    {
        var end = header.Offset + header.Length;
        return header.Offset % BaseDisk.ChunkSize == 0
            && (end % BaseDisk.ChunkSize == 0 || end == State.Disks[header.Disk].SizeBytes);
    }

    private void WriteDirect(IEnumerable<PlannedRecord> records)
    {
        foreach (var record in records)
        {
            var header = record.Header;
            var disk = _base[header.Disk];
            var first = header.Offset / BaseDisk.ChunkSize;
            _hashes.Changed(header.Disk, header.Offset, header.Length);
            if (header.Kind == ChangeKind.ResyncZeroes)
            {
                disk.Zero(first, (header.Length + BaseDisk.ChunkSize - 1) / BaseDisk.ChunkSize);
            }
            else
            {
                WriteChunks(disk, first, record.Data.Span);
                _hashes.Arrived(header.Disk, header.Offset, header.Length);
            }

            _log.Stream = ApplyPlan.Advance(_log.Stream, header);
        }
    }

    private static void WriteChunks(BaseDisk disk, long first, ReadOnlySpan<byte> data)
    {
        var whole = data.Length / BaseDisk.ChunkSize * BaseDisk.ChunkSize;
        disk.Write(first, data[..whole]);
        if (whole < data.Length)
        {
            var last = new byte[BaseDisk.ChunkSize];
            data[whole..].CopyTo(last);
            disk.Write(first + (whole / BaseDisk.ChunkSize), last);
        }
    }

    /// <summary>The records' bytes; those that lie behind one another in one buffer are one span.</summary>
    private static List<ReadOnlyMemory<byte>> Spans(List<PlannedRecord> records)
    {
        var spans = new List<ReadOnlyMemory<byte>>();
        foreach (var record in records)
        {
            if (spans.Count > 0 && MemoryMarshal.TryGetArray(spans[^1], out var last)
                && MemoryMarshal.TryGetArray(record.Bytes, out var next)
                && ReferenceEquals(last.Array, next.Array) && last.Offset + last.Count == next.Offset)
            {
                spans[^1] = last.Array.AsMemory(last.Offset, last.Count + next.Count);
            }
            else
            {
                spans.Add(record.Bytes);
            }
        }

        return spans;
    }

    private void Index(List<PlannedRecord> records, uint segment, long offset)
    {
        foreach (var record in records)
        {
            IndexRecord(record.Header, record.Bytes.Span, segment, offset);
            offset += record.Bytes.Length;
        }

        if (_log.IsActiveFull)
        {
            _log.Freeze(segment, offset);
        }
    }

    /// <summary>Enters one record of the log: the same when it is applied and when the log is scanned on
    /// opening.</summary>
    private void IndexRecord(in ChangeHeader header, ReadOnlySpan<byte> bytes, uint segment, long at)
    {
        var end = at + header.EncodedLength;
        _log.Active.Bytes += header.EncodedLength;
        switch (header.Kind)
        {
            case ChangeKind.Write or ChangeKind.ResyncData:
                _log.Active.Put(header.Disk, header.Offset, header.Length, segment, at);
                _hashes.Changed(header.Disk, header.Offset, header.Length);
                if (header.Kind == ChangeKind.ResyncData)
                {
                    _hashes.Arrived(header.Disk, header.Offset, header.Length);
                }

                break;
            case ChangeKind.Zeroes or ChangeKind.ResyncZeroes when !_log.Stream.Empty || State.BaseTouched:
                _log.Active.Put(header.Disk, header.Offset, header.Length, 0, 0);
                _hashes.Changed(header.Disk, header.Offset, header.Length);
                break;
            case ResyncEnded:
                var data = bytes[ChangeRecord.DataOffset(header.DataLength)..];
                var from = new ChangePosition(
                    new Generation(BinaryPrimitives.ReadInt64LittleEndian(data)),
                    new Lsn(BinaryPrimitives.ReadInt64LittleEndian(data[8..])));
                _log.Stream = (_log.Stream with { ConsistentFrom = from }).Settle();
                return;
            case LocalMarker:
                Seal(header, bytes, segment, end);
                return;
            default:
                break;
        }

        _log.Stream = ApplyPlan.Advance(_log.Stream, header);
        if (header.Kind == ChangeKind.Marker)
        {
            Seal(header, bytes, segment, end);
        }
    }

    private void Seal(in ChangeHeader header, ReadOnlySpan<byte> bytes, uint segment, long end)
    {
        var marker = PointMarker.Read(bytes[ChangeRecord.DataOffset(header.DataLength)..]);
        if (State.IndexOf(marker.Id) >= 0
            || _log.Pending.OfType<StoreRecord.PointSealed>().Any(p => p.Point.Id == marker.Id))
        {
            return;
        }

        _log.Freeze(segment, end);
        if (_log.Stream.Resyncing)
        {
            var skipped = new SkippedMarker(marker.Id, header.Time, _log.Stream.Applied,
                "the replica was resyncing and equalled no moment of the source");
            _log.Defer(new StoreRecord.PointSkipped(skipped), segment, end);
            return;
        }

        var point = new RecoveryPoint
        {
            Id = marker.Id,
            Time = CompleteAsOf(header.Time),
            Kind = marker.Kind,
            Cut = _log.Stream.Applied,
            DiskSizes = [.. State.Disks.Select(d => d.SizeBytes)],
        };
        _log.Defer(new StoreRecord.PointSealed(point, _log.LastFrozen), segment, end);
    }

    private PlannedRecord Own(ChangeKind kind, DateTimeOffset time, byte[] data)
    {
        var applied = _log.Stream.Applied;
        var header = new ChangeHeader(kind, 0, applied.Generation, Lsn.None, 0, 0, Lsn.None, time, data.Length);
        var bytes = new byte[header.EncodedLength];
        ChangeRecord.Encode(header, data, bytes);
        return new PlannedRecord(header, bytes);
    }

    /// <summary>The hash of a block of the newest content; false when its bytes are damaged.</summary>
    private bool TryHashNewest(int disk, long block, int length, byte[] buffer, out Hash256 hash)
    {
        if (_hashes.TryNoted(disk, block, out hash))
        {
            return true;
        }

        _log.Gate.EnterReadLock();
        try
        {
            hash = _hashes.HashOf(_newest, long.MaxValue, disk, block, (length, length), buffer);
            _hashes.Note(disk, block, hash);
            return true;
        }
        catch (DamagedRangeException)
        {
            // Damaged bytes equal nothing: the block counts as different and the source sends it again.
            return false;
        }
        finally
        {
            _log.Gate.ExitReadLock();
        }
    }

    private void Recover()
    {
        var lost = _log.Recover((in ChangeHeader header, ReadOnlySpan<byte> record, uint segment, long at) =>
        {
            IndexRecord(header, record, segment, at);
            if (_log.IsActiveFull)
            {
                _log.Freeze(segment, at + header.EncodedLength);
            }
        });
        if (lost is not null)
        {
            if (_log.Stream.Resyncing)
            {
                // Blocks that had been acknowledged are gone and have no number to ask for them by: resync anew.
                _log.Stream = StreamState.Initial with { Empty = false, EverConsistent = _log.Stream.EverConsistent };
            }

            var (segment, offset) = _log.Tail;
            _log.Freeze(segment, offset);
            _log.Defer(new StoreRecord.TailDamaged(_log.Stream.Applied, lost), segment, offset);
        }

        RemoveOrphans();
        SyncAll();
    }
}
