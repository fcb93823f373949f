using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Transport.Handshaking;

// Open frame:    u8 role, i64 term, i64 durable generation, i64 durable LSN, u8 flags (1 resyncing, 2 empty, 4 the
//                changed extents are known), u16 disks, i64 each
//                16 bytes incarnation: of a sender its own, of a receiver that of its latest sender
//                u64 mark: of a receiver that of its durable position, of a sender that of its floor
//                i64 floor generation, i64 floor LSN (a sender's; 0 of a receiver)
//                u16 runs n, n × (u16 disk, i32 first extent, i32 last extent): a receiver's changes since the floor
// Refused frame: u8 reason, u8 has term, i64 current term, text message

/// <summary>The sealed messages that open and refuse a session.</summary>
internal static class OpenMessage
{
    /// <summary>
    /// The maximum number of listed runs of extents; if there are more, those closest to each other are joined.
    /// </summary>
    public const int MaxRuns = 2048;

    private const int MaxText = 1024;

    public static byte[] Encode(SessionOffer offer)
    {
        var position = offer.Position;
        var changed = position.History.ChangedSinceFloor;
        var flags = (position.Resyncing ? 1 : 0) | (position.Empty ? 2 : 0) | (changed is null ? 0 : 4);
        var writer = new WireWriter().Byte((byte)offer.Role).Int64(position.Term.Value)
            .Int64(position.Durable.Generation.Value).Int64(position.Durable.Lsn.Value).Byte((byte)flags)
            .UInt16(offer.DiskSizes.Count);
        foreach (var size in offer.DiskSizes)
        {
            writer.Int64(size);
        }

        var (incarnation, floor) = offer.Source;
        var sends = offer.Role == SessionRole.Sender;
        writer.Guid(sends ? incarnation : position.History.Incarnation)
            .UInt64(sends ? floor.Mark.Value : position.History.Mark.Value)
            .Int64(floor.Position.Generation.Value).Int64(floor.Position.Lsn.Value);
        var runs = Joined(changed ?? []);
        writer.UInt16(runs.Count);
        foreach (var run in runs)
        {
            writer.UInt16(run.Disk).Int32(run.First).Int32(run.Last);
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

        var (incarnation, mark) = (reader.Guid(), new HistoryMark(reader.UInt64()));
        var floor = new ChangePosition(new Generation(reader.Int64()), new Lsn(reader.Int64()));
        var runs = new ExtentRange[reader.UInt16()];
        for (var i = 0; i < runs.Length; i++)
        {
            runs[i] = new ExtentRange(reader.UInt16(), reader.Int32(), reader.Int32());
        }

        reader.End();
        if (!Enum.IsDefined(role) || sizes.Any(size => size < 0)
            || runs.Any(run => run.Disk >= sizes.Length || run.First < 0 || run.Last < run.First))
        {
            throw new FrameException(FrameError.BadPayload,
                $"An Open frame names role {(byte)role}, a negative size, or extents that no disk has.");
        }

        var position = new ReplicaPosition(term, durable, (flags & 1) != 0, (flags & 2) != 0)
        {
            History = role == SessionRole.Sender ? ReplicaHistory.None
                : new ReplicaHistory(mark, incarnation, (flags & 4) != 0 ? runs : null),
        };
        var source = role == SessionRole.Sender
            ? new SourceHistory(incarnation, new MarkedPosition(floor, mark)) : default;
        return SessionOffer.Of(role, position, sizes, source);
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

    /// <summary>
    /// Returns at most <see cref="MaxRuns"/> runs that cover the given ones: the smallest gaps between two are covered
    /// too.
    /// </summary>
    private static List<ExtentRange> Joined(IReadOnlyList<ExtentRange> runs)
    {
        for (var gap = 1; ; gap *= 2)
        {
            var joined = new List<ExtentRange>();
            foreach (var run in runs)
            {
                if (joined.Count > 0 && joined[^1].Disk == run.Disk && run.First - joined[^1].Last <= gap)
                {
                    joined[^1] = joined[^1] with { Last = Math.Max(joined[^1].Last, run.Last) };
                }
                else
                {
                    joined.Add(run);
                }
            }

            if (joined.Count <= MaxRuns || gap > 1 << 28)
            {
                return joined;
            }
        }
    }
}
