using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Nbd.Protocol;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// Processes whole options and stores the negotiated terms, until an export is chosen or the client disconnects.
/// </summary>
internal sealed class NbdOptionHaggling(INbdSessionHost host, NbdOutput output)
{
    private const int ZeroesAfterExportName = 124;

    private readonly NbdOptionReplies _replies = new(output);
    private bool _structured;
    private string? _contextFor;

    /// <summary>Whether the client wants no padding after the reply to EXPORT_NAME.</summary>
    public bool NoZeroes { get; set; }

    /// <summary>The chosen export; null before the choice.</summary>
    public NbdExport? Export { get; private set; }

    /// <summary>The negotiated terms, once an export is chosen.</summary>
    public NbdTerms Terms { get; private set; }

    /// <summary>Whether the client disconnected or cannot be served.</summary>
    public bool Ended { get; private set; }

    /// <summary>Processes one option and sends the reply.</summary>
    public void Answer(NbdOption option, ReadOnlySpan<byte> data)
    {
        switch (option)
        {
            case NbdOption.ExportName:
                ChooseByName(data);
                break;
            case NbdOption.Abort:
                _replies.Acknowledge(option);
                Ended = true;
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
                _replies.Refuse(option, NbdOptionReply.Unsupported, $"option {(uint)option} is unknown");
                break;
        }
    }

    /// <summary>
    /// Chooses an export with the oldest option. It has no error reply: an unknown name ends the connection.
    /// </summary>
    private void ChooseByName(ReadOnlySpan<byte> data)
    {
        if (!OptionReader.TryDecode(data, out var name) || host.Find(name) is not { } export)
        {
            Ended = true;
            return;
        }

        var size = sizeof(ulong) + sizeof(ushort) + (NoZeroes ? 0 : ZeroesAfterExportName);
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
    /// Declines TLS as the protocol requires, because this server has no certificate. To accept, a server must
    /// acknowledge, discard all negotiated terms and received bytes (S2), and pass the stream to the TLS layer before
    /// the next step.
    /// </summary>
    private void StartTls(ReadOnlySpan<byte> data)
    {
        var reply = data.IsEmpty ? NbdOptionReply.Unsupported : NbdOptionReply.Invalid;
        _replies.Refuse(NbdOption.StartTls, reply, data.IsEmpty ? "TLS is not supported" : "STARTTLS takes no data");
    }

    private void DescribeOrChoose(NbdOption option, ReadOnlySpan<byte> data)
    {
        var reader = new OptionReader(data);
        if (!reader.TryReadString(out var name) || !reader.TryReadUInt16(out var count))
        {
            _replies.Refuse(option, NbdOptionReply.Invalid, "a name and a list of information requests are required");
            return;
        }

        var wanted = new HashSet<NbdInfo>();
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadUInt16(out var info))
            {
                _replies.Refuse(option, NbdOptionReply.Invalid, $"{count} requests are announced, but {i} are sent");
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
        // A new SET replaces the former one, and a failed one selects nothing.
        _contextFor = option == NbdOption.SetMetaContext ? null : _contextFor;
        if (!_structured || !MetaContextQuery.TryRead(data, out var query))
        {
            _replies.Refuse(
                option, NbdOptionReply.Invalid, _structured ? "malformed queries" : "request STRUCTURED_REPLY first");
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
    }
}
