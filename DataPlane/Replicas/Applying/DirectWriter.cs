using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Bases;
using ReplicationEngine.DataPlane.Replicas.Extents;

namespace ReplicationEngine.DataPlane.Replicas.Applying;

/// <summary>A plan divided by the destination of its records; both parts are in the plan's order.</summary>
/// <param name="Direct">The records for the base image; null if there are none.</param>
/// <param name="Logged">The records for the log.</param>
internal readonly record struct DividedPlan(List<PlannedRecord>? Direct, List<PlannedRecord> Logged);

/// <summary>
/// Writes resync data directly into the base image, until the first resync has ended, where no layer touches the range:
/// no usable content can be damaged, and no layer needs folding later. Writes that a power failure loses were not
/// acknowledged; they show as a difference (or a damaged chunk, which counts as one) and are sent again.
/// </summary>
/// <remarks>Stateless. The store's session lock guards the content it changes.</remarks>
internal sealed class DirectWriter(LayerStack content)
{
    /// <summary>Divides a plan before any of it is applied.</summary>
    public DividedPlan Divide(List<PlannedRecord> plan)
    {
        var stream = content.Log.Stream;
        if (stream.EverConsistent || stream.ConsistentFrom is not null
            || !plan.Exists(r => r.Header.Kind is ChangeKind.ResyncData or ChangeKind.ResyncZeroes))
        {
            return new DividedPlan(null, plan);
        }

        var (direct, logged, touched) = (new List<PlannedRecord>(), new List<PlannedRecord>(), new ActiveLayer(0));
        foreach (var record in plan)
        {
            if (MayGoDirect(record.Header, touched))
            {
                direct.Add(record);
                continue;
            }

            logged.Add(record);
            if (record.Header.Length > 0)
            {
                touched.Put(record.Header.Disk, record.Header.Offset, record.Header.Length, 0, 0);
            }
        }

        return new DividedPlan(direct.Count > 0 ? direct : null, logged);
    }

    /// <summary>Writes records into the base and advances the stream; requires the log's gate, write side.</summary>
    public void Write(List<PlannedRecord> records)
    {
        foreach (var record in records)
        {
            var header = record.Header;
            var disk = content.Base[header.Disk];
            var first = header.Offset / BaseDisk.ChunkSize;
            content.Hashes.Changed(header.Disk, header.Offset, header.Length);
            if (header.Kind == ChangeKind.ResyncZeroes)
            {
                disk.Zero(first, (header.Length + BaseDisk.ChunkSize - 1) / BaseDisk.ChunkSize);
            }
            else
            {
                WriteChunks(disk, first, record.Data.Span);
                content.Hashes.Arrived(header.Disk, header.Offset, header.Length);
            }

            content.Log.Stream = ApplyPlan.Advance(content.Log.Stream, header);
        }
    }

    private bool MayGoDirect(in ChangeHeader header, ActiveLayer touched)
    {
        if (header.Length <= 0 || header.Kind is not (ChangeKind.ResyncData or ChangeKind.ResyncZeroes)
            || !IsWholeChunks(header))
        {
            return false;
        }

        var (first, last) = (Region.Of(header.Offset), Region.Of(header.Offset + header.Length - 1));
        return !touched.Touches(header.Disk, first, last) && !content.MayTouchAbove(0, header.Disk, first, last);
    }

    private bool IsWholeChunks(in ChangeHeader header)
    {
        var end = header.Offset + header.Length;
        return header.Offset % BaseDisk.ChunkSize == 0
            && (end % BaseDisk.ChunkSize == 0 || end == content.State.Disks[header.Disk].SizeBytes);
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
}
