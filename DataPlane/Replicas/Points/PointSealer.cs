using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Manifests;

namespace ReplicationEngine.DataPlane.Replicas.Points;

/// <summary>
/// Creates a recovery point for each marker in the log. The point enters the manifest at the next sync, in one frame
/// with the layers it needs.
/// </summary>
/// <remarks>
/// Stateless. Called under the store's session lock and, inside it, the log's gate, write side; without them only
/// before the store has any reader.
/// </remarks>
internal sealed class PointSealer(LayerStack content, TimeProvider time)
{
    private readonly RedoLog _log = content.Log;

    /// <summary>Seals a point behind a marker; while the replica is resyncing, the marker is skipped.</summary>
    /// <param name="header">The marker's header.</param>
    /// <param name="record">The whole encoded record.</param>
    /// <param name="segment">The segment that holds the record.</param>
    /// <param name="end">The offset behind the record.</param>
    public void Seal(in ChangeHeader header, ReadOnlySpan<byte> record, uint segment, long end)
    {
        var marker = PointMarker.Read(record[ChangeRecord.DataOffset(header.DataLength)..]);
        if (content.State.IndexOf(marker.Id) >= 0
            || _log.Pending.OfType<StoreRecord.PointSealed>().Any(p => p.Point.Id == marker.Id))
        {
            return;
        }

        _log.Freeze(segment, end);
        if (_log.Stream.Resyncing)
        {
            var skipped = new SkippedMarker(marker.Id, header.Time, _log.Stream.Applied,
                "the replica was resyncing and matched no moment of the source");
            _log.Defer(new StoreRecord.PointSkipped(skipped), segment, end);
            return;
        }

        var point = new RecoveryPoint
        {
            Id = marker.Id,
            Time = CompleteAsOf(header.Time),
            Kind = marker.Kind,
            Cut = _log.Stream.Applied,
            DiskSizes = content.DiskSizes,
        };
        _log.Defer(new StoreRecord.PointSealed(point, _log.LastFrozen), segment, end);
    }

    // A point holds everything that the previous one holds, so it is also complete as of that one's time, whichever of
    // two simultaneous requests came first. A previous time in the future came from a clock that was corrected since.
    private DateTimeOffset CompleteAsOf(DateTimeOffset told)
    {
        var before = _log.Pending.OfType<StoreRecord.PointSealed>().LastOrDefault()?.Point
            ?? content.State.Points.LastOrDefault().Point;
        return before is not null && before.Time > told && before.Time <= time.GetUtcNow() ? before.Time : told;
    }
}
