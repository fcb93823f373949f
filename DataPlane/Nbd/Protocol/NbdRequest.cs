using System.Buffers.Binary;

namespace ReplicationEngine.DataPlane.Nbd.Protocol;

/// <summary>The fixed part of a request.</summary>
/// <param name="Flags">The flags of the request.</param>
/// <param name="Command">The command; may be a number that this server does not know.</param>
/// <param name="Cookie">The client's identifier of the request, returned in each reply.</param>
/// <param name="Offset">The offset of the first byte as received; may be outside the export.</param>
/// <param name="Length">The number of bytes of the range; for WRITE the payload's length.</param>
internal readonly record struct NbdRequest(
    NbdCommandFlags Flags, NbdCommand Command, ulong Cookie, ulong Offset, uint Length)
{
    /// <summary>The number of bytes of payload that follow on the wire.</summary>
    public uint PayloadLength => Command == NbdCommand.Write ? Length : 0;

    /// <summary>Whether the request may change the disk.</summary>
    public bool Changes => Command is NbdCommand.Write or NbdCommand.Trim or NbdCommand.WriteZeroes;

    /// <summary>Returns whether a flag is set.</summary>
    public bool Has(NbdCommandFlags flag) => (Flags & flag) != 0;

    /// <summary>Reads a request from at least <see cref="NbdProtocol.RequestSize"/> bytes.</summary>
    /// <exception cref="NbdProtocolException">The magic number is wrong: the stream is out of sync.</exception>
    public static NbdRequest Read(ReadOnlySpan<byte> source)
    {
        var magic = BinaryPrimitives.ReadUInt32BigEndian(source);
        return magic != NbdProtocol.RequestMagic
            ? throw new NbdProtocolException($"A request starts with the wrong magic 0x{magic:x8}.")
            : new NbdRequest(
                (NbdCommandFlags)BinaryPrimitives.ReadUInt16BigEndian(source[4..]),
                (NbdCommand)BinaryPrimitives.ReadUInt16BigEndian(source[6..]),
                BinaryPrimitives.ReadUInt64BigEndian(source[8..]),
                BinaryPrimitives.ReadUInt64BigEndian(source[16..]),
                BinaryPrimitives.ReadUInt32BigEndian(source[24..]));
    }

    /// <summary>Writes the request's encoded form.</summary>
    public void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt32BigEndian(target, NbdProtocol.RequestMagic);
        BinaryPrimitives.WriteUInt16BigEndian(target[4..], (ushort)Flags);
        BinaryPrimitives.WriteUInt16BigEndian(target[6..], (ushort)Command);
        BinaryPrimitives.WriteUInt64BigEndian(target[8..], Cookie);
        BinaryPrimitives.WriteUInt64BigEndian(target[16..], Offset);
        BinaryPrimitives.WriteUInt32BigEndian(target[24..], Length);
    }
}
