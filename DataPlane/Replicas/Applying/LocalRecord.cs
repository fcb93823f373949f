using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Replicas.Applying;

/// <summary>Records that a store writes into its own log, in the generation that is applied.</summary>
internal static class LocalRecord
{
    /// <summary>Creates the record of a resync's end: content is consistent once a position is applied.</summary>
    public static PlannedRecord ResyncEnd(Generation generation, ChangePosition consistentFrom)
    {
        var data = new byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(data, consistentFrom.Generation.Value);
        BinaryPrimitives.WriteInt64LittleEndian(data.AsSpan(8), consistentFrom.Lsn.Value);
        return Encode(ChangeKind.ResyncEnd, generation, DateTimeOffset.MinValue, data);
    }

    /// <summary>Creates the marker of a point that the store seals without a marker in the stream.</summary>
    public static PlannedRecord Marker(Generation generation, DateTimeOffset time, PointMarker marker)
    {
        var data = new byte[PointMarker.Size];
        marker.Write(data);
        return Encode(ChangeKind.LocalMarker, generation, time, data);
    }

    /// <summary>Returns the position that a <see cref="ChangeKind.ResyncEnd"/> names.</summary>
    public static ChangePosition ConsistentFrom(in ChangeHeader header, ReadOnlySpan<byte> record)
    {
        var data = record[ChangeRecord.DataOffset(header.DataLength)..];
        return new ChangePosition(
            new Generation(BinaryPrimitives.ReadInt64LittleEndian(data)),
            new Lsn(BinaryPrimitives.ReadInt64LittleEndian(data[8..])));
    }

    private static PlannedRecord Encode(ChangeKind kind, Generation generation, DateTimeOffset time, byte[] data)
    {
        var header = new ChangeHeader(kind, 0, generation, Lsn.None, 0, 0, Lsn.None, time, data.Length);
        var bytes = new byte[header.EncodedLength];
        ChangeRecord.Encode(header, data, bytes);
        return new PlannedRecord(header, bytes);
    }
}
