using System.Buffers.Binary;

namespace ReplicationEngine.Chaos.Witness.Nbd;

/// <summary>The complete reply to a request.</summary>
/// <param name="Cookie">The request's cookie.</param>
/// <param name="Error">The NBD error; 0 for success.</param>
/// <param name="Data">The bytes read, assembled from all chunks; empty for other requests.</param>
/// <param name="Extents">The runs of a block status.</param>
/// <param name="Chunks">The number of content chunks of the reply.</param>
internal sealed record NbdAnswer(
    ulong Cookie, uint Error, byte[] Data, IReadOnlyList<(uint Length, uint Flags)> Extents, int Chunks);

/// <summary>The reply to an option.</summary>
internal sealed record NbdOptionAnswer(uint Type, byte[] Data);

/// <summary>Reads the bytes of a server and checks that they are well formed.</summary>
/// <param name="source">The server's bytes.</param>
/// <param name="structured">Whether structured replies were negotiated.</param>
/// <param name="readOf">Returns offset and length of the READ with a cookie; length 0 when the request is another
/// one.</param>
internal sealed class NbdReplyReader(Stream source, bool structured, Func<ulong, (ulong Offset, int Length)> readOf)
{
    private const uint Simple = 0x67446698;
    private const uint Structured = 0x668e33ef;

    private readonly Dictionary<ulong, Partial> _open = [];

    /// <summary>Returns the next complete reply.</summary>
    public NbdAnswer Next()
    {
        while (true)
        {
            var magic = BinaryPrimitives.ReadUInt32BigEndian(Take(4));
            if (magic == Simple)
            {
                return TakeSimple();
            }

            Demand(magic == Structured && structured, $"reply magic 0x{magic:x8}");
            if (TakeChunk() is { } answer)
            {
                return answer;
            }
        }
    }

    private NbdAnswer TakeSimple()
    {
        var head = Take(12);
        var error = BinaryPrimitives.ReadUInt32BigEndian(head);
        var cookie = BinaryPrimitives.ReadUInt64BigEndian(head.AsSpan(4));
        var (_, length) = readOf(cookie);
        Demand(!structured || length == 0, "a simple reply to a READ after agreement on structured ones");
        return new NbdAnswer(cookie, error, error == 0 ? Take(length) : [], [], length > 0 ? 1 : 0);
    }

    private NbdAnswer? TakeChunk()
    {
        var head = Take(16);
        var flags = BinaryPrimitives.ReadUInt16BigEndian(head);
        var type = BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(2));
        var cookie = BinaryPrimitives.ReadUInt64BigEndian(head.AsSpan(4));
        var payload = Take(checked((int)BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(12))));
        if (!_open.TryGetValue(cookie, out var partial))
        {
            var (offset, length) = readOf(cookie);
            _open[cookie] = partial = new Partial(offset, new byte[length]);
        }

        partial.Add(type, payload);
        if ((flags & 1) == 0)
        {
            return null;
        }

        _open.Remove(cookie);
        Demand(partial.Error != 0 || partial.Covered == partial.Data.Length, "the chunks do not cover the READ");
        return new NbdAnswer(
            cookie, partial.Error, partial.Error == 0 ? partial.Data : [], partial.Extents, partial.Chunks);
    }

    private byte[] Take(int count)
    {
        var bytes = new byte[count];
        source.ReadExactly(bytes);
        return bytes;
    }

    private static void Demand(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidDataException($"The server breaks the protocol: {what}.");
        }
    }

    private sealed class Partial(ulong offset, byte[] data)
    {
        public byte[] Data => data;

        public uint Error { get; private set; }

        public int Covered { get; private set; }

        public int Chunks { get; private set; }

        public List<(uint Length, uint Flags)> Extents { get; } = [];

        public void Add(ushort type, byte[] payload)
        {
            switch (type)
            {
                case 1:
                    payload.AsSpan(8).CopyTo(Cover(payload, payload.Length - 8));
                    break;
                case 2:
                    _ = Cover(payload, (int)BinaryPrimitives.ReadUInt32BigEndian(payload.AsSpan(8)));
                    break;
                case 5:
                    AddExtents(payload);
                    break;
                case 0x8001 or 0x8002:
                    Error = BinaryPrimitives.ReadUInt32BigEndian(payload);
                    break;
                default:
                    throw new InvalidDataException($"The server sent a chunk of type {type}.");
            }
        }

        private Span<byte> Cover(byte[] payload, int length)
        {
            var at = checked((int)(BinaryPrimitives.ReadUInt64BigEndian(payload) - offset));
            Demand(length > 0 && at >= 0 && at + length <= data.Length, "a chunk outside the READ");
            Covered += length;
            Chunks++;
            return data.AsSpan(at, length);
        }

        private void AddExtents(byte[] payload)
        {
            Demand(payload.Length >= 12 && (payload.Length - 4) % 8 == 0, "the length of a block status");
            for (var at = 4; at < payload.Length; at += 8)
            {
                Extents.Add((BinaryPrimitives.ReadUInt32BigEndian(payload.AsSpan(at)),
                    BinaryPrimitives.ReadUInt32BigEndian(payload.AsSpan(at + 4))));
            }
        }
    }
}
