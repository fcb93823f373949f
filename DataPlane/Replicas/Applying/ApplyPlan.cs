using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Manifests;

namespace ReplicationEngine.DataPlane.Replicas.Applying;

/// <summary>A record to apply.</summary>
/// <param name="Header">The header of the record.</param>
/// <param name="Bytes">
/// The record's encoded form for the log; a record of zero bytes has become one without data.
/// </param>
internal readonly record struct PlannedRecord(ChangeHeader Header, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>The data of the record.</summary>
    public ReadOnlyMemory<byte> Data => Bytes.Slice(ChangeRecord.DataOffset(Header.DataLength), Header.DataLength);
}

/// <summary>
/// Checks a batch of records before any of it is applied: checksums, positions, order. Pure. The order rules (I5): a
/// logged record follows the one before it in its generation without a gap; one at or below the applied LSN, or of an
/// older generation, is a repetition and skipped; only a generation start moves to a newer generation. Records of
/// initial replication and resync belong to the generation that is being resynced; one that was read before all applied
/// changes were on the source's disk is refused, because it could restore older content.
/// </summary>
internal sealed class ApplyPlan
{
    private readonly IReadOnlyList<DiskSpec> _disks;
    private StreamState _stream;

    private ApplyPlan(IReadOnlyList<DiskSpec> disks, StreamState stream) => (_disks, _stream) = (disks, stream);

    public List<PlannedRecord> Records { get; } = [];

    /// <exception cref="ReplicaCorruptException">A record's checksum does not match.</exception>
    /// <exception cref="ReplicaRefusedException">
    /// The order has a gap, or a record names a disk or range that does not exist.
    /// </exception>
    public static List<PlannedRecord> Make(ReadOnlyMemory<byte> records, IReadOnlyList<DiskSpec> disks,
        StreamState stream)
    {
        var plan = new ApplyPlan(disks, stream);
        for (var at = 0; at < records.Length;)
        {
            var rest = records[at..];
            if (!ChangeRecord.TryReadHeader(rest.Span, out var header) || rest.Length < header.EncodedLength
                || !ChangeRecord.VerifyData(rest.Span, header))
            {
                throw new ReplicaCorruptException(
                    $"The record at byte {at} of the {records.Length} received is damaged.");
            }

            plan.Judge(header, rest[..header.EncodedLength]);
            at += header.EncodedLength;
        }

        return plan.Records;
    }

    /// <summary>Returns the stream's state after a record.</summary>
    public static StreamState Advance(StreamState stream, in ChangeHeader header)
    {
        if (header.Kind is ChangeKind.GenerationStart or ChangeKind.Write or ChangeKind.Zeroes or ChangeKind.Marker)
        {
            stream = stream with
            {
                Applied = new ChangePosition(header.Generation, header.Lsn), Mark = HistoryMark.Of(header),
            };
        }

        return header.Kind switch
        {
            ChangeKind.GenerationStart => stream with { Resyncing = true, ConsistentFrom = null },
            ChangeKind.Write => (stream with { Empty = false, Bytes = stream.Bytes + header.Length }).Settle(),
            ChangeKind.Zeroes => (stream with { Bytes = stream.Bytes + header.Length }).Settle(),
            ChangeKind.Marker => stream.Settle(),
            ChangeKind.ResyncData => stream with { Empty = false, Bytes = stream.Bytes + header.Length },
            _ => stream with { Bytes = stream.Bytes + header.Length },
        };
    }

    private void Judge(in ChangeHeader header, ReadOnlyMemory<byte> bytes)
    {
        var wanted = header.Kind switch
        {
            ChangeKind.GenerationStart => IsNewGeneration(header),
            ChangeKind.Write or ChangeKind.Zeroes or ChangeKind.Marker => IsNext(header),
            ChangeKind.ResyncData or ChangeKind.ResyncZeroes => IsOfThisResync(header),
            _ => throw new ReplicaRefusedException(
                ReplicaRefusal.OutOfRange,
                    $"Change kind {(int)header.Kind} is unknown; upgrade the replica's side."),
        };
        if (!wanted)
        {
            return;
        }

        CheckPlace(header);
        var planned = WithoutZeroData(header, bytes);
        _stream = Advance(_stream, planned.Header);
        Records.Add(planned);
    }

    private bool IsNewGeneration(in ChangeHeader header) =>
        header.Generation.CompareTo(_stream.Applied.Generation) > 0
        || (header.Generation == _stream.Applied.Generation && header.Lsn.CompareTo(_stream.Applied.Lsn) > 0
            ? throw Gap(header) : false);

    private bool IsNext(in ChangeHeader header)
    {
        var order = header.Generation.CompareTo(_stream.Applied.Generation);
        if (order < 0 || (order == 0 && header.Lsn.CompareTo(_stream.Applied.Lsn) <= 0))
        {
            return false;
        }

        return order == 0 && header.Lsn == _stream.Applied.Lsn.Next() ? true : throw Gap(header);
    }

    private bool IsOfThisResync(in ChangeHeader header)
    {
        var order = header.Generation.CompareTo(_stream.Applied.Generation);
        if (order > 0)
        {
            throw Gap(header);
        }

        if (order < 0 || !_stream.Resyncing)
        {
            return false;
        }

        return header.CompletedLsn.Value == 0 || header.CompletedLsn.CompareTo(_stream.Applied.Lsn) >= 0 ? true
            : throw Gap(header);
    }

    private ReplicaRefusedException Gap(in ChangeHeader header) => new(
        ReplicaRefusal.Gap,
        $"A {header.Kind} of generation {header.Generation}, LSN {header.Lsn} (completed {header.CompletedLsn}) "
            + $"does not follow "
        + $"generation {_stream.Applied.Generation}, LSN {_stream.Applied.Lsn}; resend from there.");

    private void CheckPlace(in ChangeHeader header)
    {
        if (header.Kind is ChangeKind.Marker or ChangeKind.GenerationStart)
        {
            if (header.Kind == ChangeKind.Marker && header.DataLength < PointMarker.Size)
            {
                throw new ReplicaRefusedException(
                    ReplicaRefusal.OutOfRange,
                        $"The marker at LSN {header.Lsn} carries {header.DataLength} bytes, not {PointMarker.Size}.");
            }

            return;
        }

        var carriesData = header.Kind is ChangeKind.Write or ChangeKind.ResyncData;
        if (header.Disk >= _disks.Count || header.Offset < 0 || header.Length <= 0
            || header.Offset > _disks[header.Disk].SizeBytes - header.Length
            || header.DataLength != (carriesData ? header.Length : 0))
        {
            throw new ReplicaRefusedException(
                ReplicaRefusal.OutOfRange,
                $"A {header.Kind} of {header.Length} bytes at byte {header.Offset} of disk {header.Disk} is not "
                    + $"inside the replica's "
                + $"{_disks.Count} disks; resize the replica first.");
        }
    }

    /// <summary>Removes data that is all zero: the record keeps its number and loses its bytes.</summary>
    private static PlannedRecord WithoutZeroData(in ChangeHeader header, ReadOnlyMemory<byte> bytes)
    {
        if (header.Kind is not (ChangeKind.Write or ChangeKind.ResyncData))
        {
            return new PlannedRecord(header, bytes);
        }

        var data = bytes.Span.Slice(ChangeRecord.DataOffset(header.DataLength), header.DataLength);
        if (data.ContainsAnyExcept((byte)0))
        {
            return new PlannedRecord(header, bytes);
        }

        var kind = header.Kind == ChangeKind.Write ? ChangeKind.Zeroes : ChangeKind.ResyncZeroes;
        var zeroes = header with { Kind = kind, DataLength = 0 };
        var encoded = new byte[zeroes.EncodedLength];
        ChangeRecord.Encode(zeroes, default, encoded);
        return new PlannedRecord(zeroes, encoded);
    }
}
