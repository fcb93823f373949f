using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Nbd.Protocol;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>The phase of a handshake.</summary>
internal enum HandshakePhase
{
    /// <summary>The next input is the client's 32 bits of flags.</summary>
    ClientFlags,

    /// <summary>The next input is an option.</summary>
    Options,

    /// <summary>The rest of an option that is too long is discarded.</summary>
    Skipping,

    /// <summary>An export was chosen: the next input is a request.</summary>
    Chosen,

    /// <summary>The client disconnected or cannot be served: the connection closes.</summary>
    Ended,
}

/// <summary>
/// The fixed newstyle handshake as a state machine from bytes to bytes. Lengths are checked before bytes are stored:
/// option data beyond <see cref="MaxOptionData"/> is skipped without being stored, and ends the handshake beyond
/// <see cref="MaxSkipped"/> (S4).
/// </summary>
/// <remarks>Moves: ClientFlags → Options ⇄ Skipping; Options → Chosen | Ended; ClientFlags → Ended.</remarks>
internal sealed class NbdHandshake(INbdSessionHost host, NbdOutput output)
{
    /// <summary>
    /// The maximum length of option data that is read: a name, its description and a few hundred queries.
    /// </summary>
    public const int MaxOptionData = 32 << 10;

    private const int MaxSkipped = 1 << 20;
    private const int MaxOptions = 128;
    private const int GreetingSize = 18;

    private readonly NbdOptionReplies _replies = new(output);
    private readonly NbdOptionHaggling _haggling = new(host, output);
    private int _options;
    private uint _skip;

    /// <summary>The current phase of the handshake.</summary>
    public HandshakePhase Phase { get; private set; }

    /// <summary>The number of bytes that the next step needs.</summary>
    public int Needed { get; private set; } = sizeof(uint);

    /// <summary>The chosen export, in phase <see cref="HandshakePhase.Chosen"/>.</summary>
    public NbdExport? Export => _haggling.Export;

    /// <summary>The negotiated terms, in phase <see cref="HandshakePhase.Chosen"/>.</summary>
    public NbdTerms Terms => _haggling.Terms;

    /// <summary>Sends the server's greeting.</summary>
    public void Greet()
    {
        var target = output.Reserve(GreetingSize);
        BinaryPrimitives.WriteUInt64BigEndian(target, NbdProtocol.ServerMagic);
        BinaryPrimitives.WriteUInt64BigEndian(target[8..], NbdProtocol.OptionMagic);
        BinaryPrimitives.WriteUInt16BigEndian(target[16..], NbdProtocol.FixedNewstyle | NbdProtocol.NoZeroes);
        output.Advance(GreetingSize);
    }

    /// <summary>
    /// Processes one step. Returns the number of bytes consumed, or 0 if fewer than <see cref="Needed"/> have arrived.
    /// </summary>
    /// <exception cref="NbdProtocolException">The client does not follow the protocol.</exception>
    public int Step(ReadOnlySpan<byte> arrived)
    {
        if (arrived.Length < Needed)
        {
            return 0;
        }

        return Phase switch
        {
            HandshakePhase.ClientFlags => TakeClientFlags(arrived),
            HandshakePhase.Options => TakeOption(arrived),
            HandshakePhase.Skipping => Skip(arrived.Length),
            _ => throw new InvalidOperationException($"No handshake step in phase {Phase}."),
        };
    }

    private int TakeClientFlags(ReadOnlySpan<byte> arrived)
    {
        const uint known = NbdProtocol.FixedNewstyle | NbdProtocol.NoZeroes;
        var flags = BinaryPrimitives.ReadUInt32BigEndian(arrived);
        if ((flags & ~known) != 0)
        {
            throw new NbdProtocolException($"The client flags 0x{flags:x8} contain unknown bits.");
        }

        _haggling.NoZeroes = (flags & NbdProtocol.NoZeroes) != 0;
        Phase = HandshakePhase.Options;
        Needed = NbdProtocol.OptionHeaderSize;
        return sizeof(uint);
    }

    private int TakeOption(ReadOnlySpan<byte> arrived)
    {
        var magic = BinaryPrimitives.ReadUInt64BigEndian(arrived);
        var option = (NbdOption)BinaryPrimitives.ReadUInt32BigEndian(arrived[8..]);
        var length = BinaryPrimitives.ReadUInt32BigEndian(arrived[12..]);
        if (magic != NbdProtocol.OptionMagic)
        {
            throw new NbdProtocolException($"An option starts with the wrong magic 0x{magic:x16}.");
        }

        if (length > MaxOptionData)
        {
            return RefuseLength(option, length);
        }

        var size = NbdProtocol.OptionHeaderSize + (int)length;
        if (arrived.Length < size)
        {
            Needed = size;
            return 0;
        }

        Needed = NbdProtocol.OptionHeaderSize;
        if (++_options > MaxOptions)
        {
            throw new NbdProtocolException($"More than {MaxOptions} options without choosing an export.");
        }

        _haggling.Answer(option, arrived[NbdProtocol.OptionHeaderSize..size]);
        Phase = _haggling switch
        {
            { Export: not null } => HandshakePhase.Chosen,
            { Ended: true } => HandshakePhase.Ended,
            _ => HandshakePhase.Options,
        };
        return size;
    }

    private int RefuseLength(NbdOption option, uint length)
    {
        if (option == NbdOption.ExportName || length > MaxSkipped)
        {
            throw new NbdProtocolException($"Option {(uint)option} has {length} bytes of data.");
        }

        _replies.Refuse(option, NbdOptionReply.TooBig, $"{length} bytes of data exceed the limit");
        _skip = length;
        Phase = HandshakePhase.Skipping;
        Needed = 1;
        return NbdProtocol.OptionHeaderSize;
    }

    private int Skip(int arrived)
    {
        var skipped = (int)Math.Min(_skip, (uint)arrived);
        _skip -= (uint)skipped;
        if (_skip == 0)
        {
            Phase = HandshakePhase.Options;
            Needed = NbdProtocol.OptionHeaderSize;
        }

        return skipped;
    }
}
