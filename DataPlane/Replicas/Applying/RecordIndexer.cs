using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Points;

namespace ReplicationEngine.DataPlane.Replicas.Applying;

/// <summary>
/// Adds records of the log to the active layer, the block hashes, the stream's state and, for markers, the recovery
/// points. The same code runs when records are applied and when the log is scanned on opening.
/// </summary>
/// <remarks>
/// Stateless. Called under the store's session lock and, inside it, the log's gate, write side; without them only
/// before the store has any reader.
/// </remarks>
internal sealed class RecordIndexer(LayerStack content, PointSealer points)
{
    private readonly RedoLog _log = content.Log;

    /// <summary>Adds a batch that starts at a position in the log; a full layer ends after it.</summary>
    public void Enter(List<PlannedRecord> records, uint segment, long offset)
    {
        foreach (var record in records)
        {
            EnterOne(record.Header, record.Bytes.Span, segment, offset);
            offset += record.Bytes.Length;
        }

        FreezeIfFull(segment, offset);
    }

    /// <summary>Adds one record; a full layer ends after it.</summary>
    public void Enter(in ChangeHeader header, ReadOnlySpan<byte> record, uint segment, long at)
    {
        EnterOne(header, record, segment, at);
        FreezeIfFull(segment, at + header.EncodedLength);
    }

    private void FreezeIfFull(uint segment, long end)
    {
        if (_log.IsActiveFull)
        {
            _log.Freeze(segment, end);
        }
    }

    private void EnterOne(in ChangeHeader header, ReadOnlySpan<byte> record, uint segment, long at)
    {
        _log.Active.Bytes += header.EncodedLength;
        switch (header.Kind)
        {
            case ChangeKind.Write or ChangeKind.ResyncData:
                EnterContent(header, segment, at);
                if (header.Kind == ChangeKind.ResyncData)
                {
                    content.Hashes.Arrived(header.Disk, header.Offset, header.Length);
                }

                break;
            case ChangeKind.Zeroes or ChangeKind.ResyncZeroes when !_log.Stream.Empty || content.State.BaseTouched:
                EnterContent(header, 0, 0);
                break;
            case ChangeKind.ResyncEnd:
                var from = LocalRecord.ConsistentFrom(header, record);
                _log.Stream = (_log.Stream with { ConsistentFrom = from }).Settle();
                return;
            case ChangeKind.LocalMarker:
                points.Seal(header, record, segment, at + header.EncodedLength);
                return;
            default:
                break;
        }

        _log.Stream = ApplyPlan.Advance(_log.Stream, header);
        if (header.Kind == ChangeKind.Marker)
        {
            points.Seal(header, record, segment, at + header.EncodedLength);
        }
    }

    /// <summary>Adds new content for a range: data in the log, or zeroes (segment 0).</summary>
    private void EnterContent(in ChangeHeader header, uint segment, long at)
    {
        _log.Active.Put(header.Disk, header.Offset, header.Length, segment, at);
        content.Hashes.Changed(header.Disk, header.Offset, header.Length);
    }
}
