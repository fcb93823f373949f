using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Transport.Handshaking;

// Open frame:    u8 role, i64 term, i64 durable generation, i64 durable LSN, u8 flags (1 resyncing, 2 empty), u16
// disks, i64 each Refused frame: u8 reason, u8 has term, i64 current term, text message

/// <summary>The sealed messages that open and refuse a session.</summary>
internal static class OpenMessage
{
    private const int MaxText = 1024;

    public static byte[] Encode(SessionOffer offer)
    {
        var (position, flags) = (offer.Position, (offer.Position.Resyncing ? 1 : 0) | (offer.Position.Empty ? 2 : 0));
        var writer = new WireWriter().Byte((byte)offer.Role).Int64(position.Term.Value)
            .Int64(position.Durable.Generation.Value).Int64(position.Durable.Lsn.Value).Byte((byte)flags)
            .UInt16(offer.DiskSizes.Count);
        foreach (var size in offer.DiskSizes)
        {
            writer.Int64(size);
        }

        return writer.ToArray();
    }

    public static SessionOffer Decode(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var role = (SessionRole)reader.Byte();
        var term = new Term(reader.Int64());
        var durable = new ChangePosition(new Generation(reader.Int64()), new Lsn(reader.Int64()));
        var flags = reader.Byte();
        var sizes = new long[reader.UInt16()];
        for (var disk = 0; disk < sizes.Length; disk++)
        {
            sizes[disk] = reader.Int64();
        }

        reader.End();
        if (!Enum.IsDefined(role) || sizes.Any(size => size < 0))
        {
            throw new FrameException(FrameError.BadPayload,
                $"An Open frame names role {(byte)role} or a negative size.");
        }

        return SessionOffer.Of(role, new ReplicaPosition(term, durable, (flags & 1) != 0, (flags & 2) != 0), sizes);
    }

    public static byte[] EncodeRefusal(SessionRefusedException refusal) =>
        new WireWriter().Byte((byte)refusal.Reason).Byte(refusal.CurrentTerm is null ? (byte)0 : (byte)1)
            .Int64(refusal.CurrentTerm?.Value ?? 0).Text(refusal.Message, MaxText).ToArray();

    public static SessionRefusedException DecodeRefusal(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var reason = (SessionRefusal)reader.Byte();
        var hasTerm = reader.Byte() == 1;
        var term = new Term(reader.Int64());
        return new SessionRefusedException(reason, reader.Text(), hasTerm ? term : null) { ByPeer = true };
    }
}
