using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Nbd.Protocol;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>Where a handshake stands.</summary>
internal enum HandshakePhase
{
    /// <summary>The client's 32 bits of flags come next.</summary>
    ClientFlags,

    /// <summary>An option comes next.</summary>
    Options,

    /// <summary>The rest of an option that is too long to be looked at is thrown away.</summary>
    Skipping,

    /// <summary>An export was chosen: requests come next.</summary>
    Chosen,

    /// <summary>The client said goodbye, or cannot be answered: the connection closes.</summary>
    Ended,
}

/// <summary>
/// The fixed newstyle handshake as a machine from bytes to bytes. Lengths are checked before anything is kept: option data
/// beyond <see cref="MaxOptionData"/> is skipped without being stored, and ends the handshake beyond
/// <see cref="MaxSkipped"/> (S4).
/// </summary>
/// <remarks>Moves: ClientFlags → Options ⇄ Skipping; Options → Chosen | Ended; ClientFlags → Ended.</remarks>
internal sealed class NbdHandshake(INbdSessionHost host, NbdOutput output)
{
    /// <summary>The longest option data that is looked at: a name, its description and a few hundred queries.</summary>
    public const int MaxOptionData = 32 << 10;

    private const int MaxSkipped = 1 << 20;
    private const int MaxOptions = 128;
    private const int GreetingSize = 18;
    private const int ZeroesAfterExportName = 124;

    private readonly NbdOptionReplies _replies = new(output);
    private bool _noZeroes;
    private bool _structured;
    private string? _contextFor;
    private int _options;
    private uint _skip;

    /// <summary>Where it stands.</summary>
    public HandshakePhase Phase { get; private set; }

    /// <summary>The bytes the next step looks at.</summary>
    public int Needed { get; private set; } = sizeof(uint);

    /// <summary>The export chosen, in phase <see cref="HandshakePhase.Chosen"/>.</summary>
    public NbdExport? Export { get; private set; }

    /// <summary>What was agreed, in phase <see cref="HandshakePhase.Chosen"/>.</summary>
    public NbdTerms Terms { get; private set; }

    /// <summary>The server's first words.</summary>
    public void Greet()
    {
        var target = output.Reserve(GreetingSize);
        BinaryPrimitives.WriteUInt64BigEndian(target, NbdProtocol.ServerMagic);
        BinaryPrimitives.WriteUInt64BigEndian(target[8..], NbdProtocol.OptionMagic);
        BinaryPrimitives.WriteUInt16BigEndian(target[16..], NbdProtocol.FixedNewstyle | NbdProtocol.NoZeroes);
        output.Advance(GreetingSize);
    }

    /// <summary>Takes one step; returns the bytes used up, 0 when <see cref="Needed"/> have not arrived.</summary>
    /// <exception cref="NbdProtocolException">The client does not speak this protocol.</exception>
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
            throw new NbdProtocolException($"The client flags 0x{flags:x8} hold bits that are not known.");
        }

        _noZeroes = (flags & NbdProtocol.NoZeroes) != 0;
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
            throw new NbdProtocolException($"An option begins with 0x{magic:x16}.");
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

        Answer(option, arrived[NbdProtocol.OptionHeaderSize..size]);
        return size;
    }

    private int RefuseLength(NbdOption option, uint length)
    {
        if (option == NbdOption.ExportName || length > MaxSkipped)
        {
            throw new NbdProtocolException($"Option {(uint)option} has {length} bytes of data.");
        }

        _replies.Refuse(option, NbdOptionReply.TooBig, $"{length} bytes of data are too many");
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

    private void Answer(NbdOption option, ReadOnlySpan<byte> data)
    {
        switch (option)
        {
            case NbdOption.ExportName:
                ChooseByName(data);
                break;
            case NbdOption.Abort:
                _replies.Acknowledge(option);
                Phase = HandshakePhase.Ended;
                break;
            case NbdOption.List:
                List(data);
                break;
            case NbdOption.StartTls:
                StartTls(data);
                break;
            case NbdOption.Info or NbdOption.Go:
                DescribeOrChoose(option, data);
                break;
            case NbdOption.StructuredReply:
                AgreeOnStructuredReplies(data);
                break;
            case NbdOption.ListMetaContext or NbdOption.SetMetaContext:
                MetaContext(option, data);
                break;
            default:
                _replies.Refuse(option, NbdOptionReply.Unsupported, $"option {(uint)option} is not known");
                break;
        }
    }

    /// <summary>The oldest way to choose. It has no error reply: an unknown name ends the connection.</summary>
    private void ChooseByName(ReadOnlySpan<byte> data)
    {
        if (!OptionReader.TryDecode(data, out var name) || host.Find(name) is not { } export)
        {
            Phase = HandshakePhase.Ended;
            return;
        }

        var size = sizeof(ulong) + sizeof(ushort) + (_noZeroes ? 0 : ZeroesAfterExportName);
        var target = output.Reserve(size);
        target[..size].Clear();
        BinaryPrimitives.WriteInt64BigEndian(target, export.Device.Length);
        BinaryPrimitives.WriteUInt16BigEndian(target[8..], (ushort)NbdExportRules.Flags(export, _structured));
        output.Advance(size);
        Choose(export);
    }

    private void List(ReadOnlySpan<byte> data)
    {
        if (!data.IsEmpty)
        {
            _replies.Refuse(NbdOption.List, NbdOptionReply.Invalid, "LIST takes no data");
            return;
        }

        foreach (var export in host.Exports)
        {
            _replies.Server(export.Name, export.Description);
        }

        _replies.Acknowledge(NbdOption.List);
    }

    /// <summary>
    /// The place of TLS: to accept it, acknowledge, forget everything agreed and arrived so far (S2), and hand the
    /// stream to the TLS layer before the next step. This server has no certificate, so it declines as the protocol asks.
    /// </summary>
    private void StartTls(ReadOnlySpan<byte> data)
    {
        var reply = data.IsEmpty ? NbdOptionReply.Unsupported : NbdOptionReply.Invalid;
        _replies.Refuse(NbdOption.StartTls, reply, data.IsEmpty ? "no TLS here" : "STARTTLS takes no data");
    }

    private void DescribeOrChoose(NbdOption option, ReadOnlySpan<byte> data)
    {
        var reader = new OptionReader(data);
        if (!reader.TryReadString(out var name) || !reader.TryReadUInt16(out var count))
        {
            _replies.Refuse(option, NbdOptionReply.Invalid, "a name and a list of information are needed");
            return;
        }

        var wanted = new HashSet<NbdInfo>();
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadUInt16(out var info))
            {
                _replies.Refuse(option, NbdOptionReply.Invalid, $"{count} information requests are announced, {i} sent");
                return;
            }

            wanted.Add((NbdInfo)info);
        }

        if (!reader.AtEnd)
        {
            _replies.Refuse(option, NbdOptionReply.Invalid, "bytes follow the last information request");
        }
        else if (host.Find(name) is not { } export)
        {
            _replies.Refuse(option, NbdOptionReply.Unknown, "no export of this name");
        }
        else
        {
            Describe(option, export, wanted);
        }
    }

    private void Describe(NbdOption option, NbdExport export, HashSet<NbdInfo> wanted)
    {
        _replies.ExportInfo(option, export.Device.Length, NbdExportRules.Flags(export, _structured));
        if (wanted.Contains(NbdInfo.Name))
        {
            _replies.TextInfo(option, NbdInfo.Name, export.Name);
        }

        if (wanted.Contains(NbdInfo.Description) && export.Description.Length > 0)
        {
            _replies.TextInfo(option, NbdInfo.Description, export.Description);
        }

        if (wanted.Contains(NbdInfo.BlockSize))
        {
            _replies.BlockSizes(option);
        }

        _replies.Acknowledge(option);
        if (option == NbdOption.Go)
        {
            Choose(export);
        }
    }

    private void AgreeOnStructuredReplies(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty)
        {
            _structured = true;
            _replies.Acknowledge(NbdOption.StructuredReply);
        }
        else
        {
            _replies.Refuse(NbdOption.StructuredReply, NbdOptionReply.Invalid, "STRUCTURED_REPLY takes no data");
        }
    }

    private void MetaContext(NbdOption option, ReadOnlySpan<byte> data)
    {
        // A new SET replaces the former one, and a failed one leaves nothing selected.
        _contextFor = option == NbdOption.SetMetaContext ? null : _contextFor;
        if (!_structured || !MetaContextQuery.TryRead(data, out var query))
        {
            _replies.Refuse(
                option, NbdOptionReply.Invalid, _structured ? "malformed queries" : "ask for STRUCTURED_REPLY first");
            return;
        }

        if (host.Find(query.Export) is null)
        {
            _replies.Refuse(option, NbdOptionReply.Unknown, "no export of this name");
            return;
        }

        if (option == NbdOption.SetMetaContext && query.Selects)
        {
            _contextFor = query.Export;
            _replies.AllocationContext(option, NbdProtocol.AllocationContextId);
        }
        else if (option == NbdOption.ListMetaContext && query.Lists)
        {
            _replies.AllocationContext(option, 0);
        }

        _replies.Acknowledge(option);
    }

    private void Choose(NbdExport export)
    {
        Export = export;
        var context = string.Equals(_contextFor, export.Name, StringComparison.Ordinal);
        Terms = new NbdTerms(export.Device.Length, _structured, context);
        Phase = HandshakePhase.Chosen;
    }
}
