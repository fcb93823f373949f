using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Transport.Handshaking;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Transport.Framing;

/// <summary>The layout of a receiver's frames; <see cref="ProbePayload"/> describes the bytes.</summary>
public static class AckPayload
{
    /// <summary>Encodes an acknowledgement.</summary>
    public static byte[] Ack(ulong applied, ulong durableSequence, ChangePosition durable)
    {
        var payload = new byte[32];
        BinaryPrimitives.WriteUInt64LittleEndian(payload, applied);
        BinaryPrimitives.WriteUInt64LittleEndian(payload.AsSpan(8), durableSequence);
        WritePosition(payload.AsSpan(16), durable);
        return payload;
    }

    /// <summary>Reads an acknowledgement.</summary>
    public static (ulong Applied, ulong DurableSequence, ChangePosition Durable) ReadAck(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var read = (reader.UInt64(), reader.UInt64(),
            new ChangePosition(new Generation(reader.Int64()), new Lsn(reader.Int64())));
        reader.End();
        return read;
    }

    /// <summary>Encodes a reply to a probe.</summary>
    public static byte[] Answer(ulong probe, ulong differing)
    {
        var payload = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(payload, probe);
        BinaryPrimitives.WriteUInt64LittleEndian(payload.AsSpan(8), differing);
        return payload;
    }

    /// <summary>Reads a reply to a probe.</summary>
    public static (ulong Probe, ulong Differing) ReadAnswer(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var read = (reader.UInt64(), reader.UInt64());
        reader.End();
        return read;
    }

    /// <summary>Encodes a position alone.</summary>
    public static byte[] Position(ChangePosition position)
    {
        var payload = new byte[16];
        WritePosition(payload, position);
        return payload;
    }

    /// <summary>Reads a position.</summary>
    public static ChangePosition ReadPosition(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var position = new ChangePosition(new Generation(reader.Int64()), new Lsn(reader.Int64()));
        reader.End();
        return position;
    }

    private static void WritePosition(Span<byte> target, ChangePosition position)
    {
        BinaryPrimitives.WriteInt64LittleEndian(target, position.Generation.Value);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], position.Lsn.Value);
    }
}
