using System.Buffers.Binary;
using System.Text;
using ReplicationEngine.DataPlane.Nbd.Protocol;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>Encodes the replies of the handshake.</summary>
internal sealed class NbdOptionReplies(NbdOutput output)
{
    /// <summary>Writes the reply to an option that succeeded.</summary>
    public void Acknowledge(NbdOption option) => Header(option, NbdOptionReply.Ack, 0);

    /// <summary>Writes the reply to a refused option; the reason is a sentence for users.</summary>
    public void Refuse(NbdOption option, NbdOptionReply error, string reason)
    {
        var length = Encoding.UTF8.GetByteCount(reason);
        Encoding.UTF8.GetBytes(reason, Header(option, error, length));
    }

    /// <summary>Writes the reply for one export of a list.</summary>
    public void Server(string name, string description)
    {
        var nameLength = Encoding.UTF8.GetByteCount(name);
        var length = sizeof(uint) + nameLength + Encoding.UTF8.GetByteCount(description);
        var target = Header(NbdOption.List, NbdOptionReply.Server, length);
        BinaryPrimitives.WriteInt32BigEndian(target, nameLength);
        Encoding.UTF8.GetBytes(name, target[sizeof(uint)..]);
        Encoding.UTF8.GetBytes(description, target[(sizeof(uint) + nameLength)..]);
    }

    /// <summary>Writes the size and flags of an export.</summary>
    public void ExportInfo(NbdOption option, long size, NbdExportFlags flags)
    {
        var target = Info(option, NbdInfo.Export, sizeof(long) + sizeof(ushort));
        BinaryPrimitives.WriteInt64BigEndian(target, size);
        BinaryPrimitives.WriteUInt16BigEndian(target[sizeof(long)..], (ushort)flags);
    }

    /// <summary>Writes a name or description.</summary>
    public void TextInfo(NbdOption option, NbdInfo kind, string text) =>
        Encoding.UTF8.GetBytes(text, Info(option, kind, Encoding.UTF8.GetByteCount(text)));

    /// <summary>Writes the minimum, preferred and maximum request size.</summary>
    public void BlockSizes(NbdOption option)
    {
        var target = Info(option, NbdInfo.BlockSize, 3 * sizeof(uint));
        BinaryPrimitives.WriteUInt32BigEndian(target, 1);
        BinaryPrimitives.WriteUInt32BigEndian(target[4..], NbdProtocol.PreferredBlock);
        BinaryPrimitives.WriteUInt32BigEndian(target[8..], NbdProtocol.MaxPayload);
    }

    /// <summary>Writes the base:allocation context with its number.</summary>
    public void AllocationContext(NbdOption option, uint id)
    {
        var length = sizeof(uint) + Encoding.UTF8.GetByteCount(NbdProtocol.AllocationContext);
        var target = Header(option, NbdOptionReply.MetaContext, length);
        BinaryPrimitives.WriteUInt32BigEndian(target, id);
        Encoding.UTF8.GetBytes(NbdProtocol.AllocationContext, target[sizeof(uint)..]);
    }

    private Span<byte> Info(NbdOption option, NbdInfo kind, int length)
    {
        var target = Header(option, NbdOptionReply.Info, sizeof(ushort) + length);
        BinaryPrimitives.WriteUInt16BigEndian(target, (ushort)kind);
        return target[sizeof(ushort)..];
    }

    /// <summary>Writes the header of a reply and returns the memory for its data.</summary>
    private Span<byte> Header(NbdOption option, NbdOptionReply type, int length)
    {
        var size = NbdProtocol.OptionReplyHeaderSize + length;
        var target = output.Reserve(size);
        BinaryPrimitives.WriteUInt64BigEndian(target, NbdProtocol.OptionReplyMagic);
        BinaryPrimitives.WriteUInt32BigEndian(target[8..], (uint)option);
        BinaryPrimitives.WriteUInt32BigEndian(target[12..], (uint)type);
        BinaryPrimitives.WriteInt32BigEndian(target[16..], length);
        output.Advance(size);
        return target[NbdProtocol.OptionReplyHeaderSize..];
    }
}
