using ReplicationEngine.DataPlane.Nbd.Protocol;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// One connection without its socket: bytes go in through <see cref="Window"/> and <see cref="Arrived"/>, replies come
/// out through the host. How the bytes are cut on the way makes no difference to the answers. Not safe for several
/// threads.
/// </summary>
internal sealed class NbdSession : IDisposable
{
    private const int HandshakeBuffer = 64 << 10;
    private const int ReplyOverhead = 64 << 10;

    private readonly INbdSessionHost _host;
    private readonly NbdHandshake _handshake;
    private NbdInput _input = new(NbdHandshake.MaxOptionData + NbdProtocol.OptionHeaderSize);
    private NbdOutput _output;
    private NbdTransmission? _transmission;

    /// <summary>A connection that was just accepted.</summary>
    public NbdSession(INbdSessionHost host)
    {
        _host = host;
        _output = new NbdOutput(HandshakeBuffer, host);
        _handshake = new NbdHandshake(host, _output);
    }

    /// <summary>The session is over: the connection is to be closed.</summary>
    public bool Ended { get; private set; }

    /// <summary>Whether an export was chosen.</summary>
    public bool IsTransmitting => _transmission is not null;

    /// <summary>Sends the greeting.</summary>
    public void Start()
    {
        _handshake.Greet();
        _output.Send();
    }

    /// <summary>Where to put the bytes that arrive next; never empty.</summary>
    public Span<byte> Window() => _input.Window(_transmission?.Needed ?? _handshake.Needed);

    /// <summary>So many bytes were put into the window: answers whatever is complete.</summary>
    /// <exception cref="NbdProtocolException">The peer does not speak the protocol; the session is of no more
    /// use.</exception>
    public void Arrived(int count)
    {
        _input.Arrived(count);
        if (_transmission is null)
        {
            Negotiate();
        }

        if (_transmission is not null && !Ended)
        {
            _transmission.Process(_input);
            Ended = _transmission.Ended;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _input.Dispose();
        _output.Dispose();
    }

    private void Negotiate()
    {
        int used;
        do
        {
            used = _handshake.Step(_input.Unread);
            _input.Consume(used);
        }
        while (used > 0 && _handshake.Phase is HandshakePhase.Options or HandshakePhase.Skipping);

        // Attached before the client learns that it may begin: what it then does counts as use of the export.
        var export = _handshake.Phase == HandshakePhase.Chosen ? _handshake.Export : null;
        Ended = _handshake.Phase == HandshakePhase.Ended || (export is not null && !_host.TryAttach(export));
        if (export is null || !Ended)
        {
            _output.Send();
        }

        if (export is not null && !Ended)
        {
            BeginTransmission(export);
        }
    }

    /// <summary>
    /// Changes to buffers that hold the largest request; what arrived behind the handshake moves over.
    /// </summary>
    private void BeginTransmission(NbdExport export)
    {
        var input = new NbdInput(NbdProtocol.RequestSize + NbdProtocol.MaxPayload);
        _input.Unread.CopyTo(input.Window(_input.Count + 1));
        input.Arrived(_input.Count);
        _input.Dispose();
        _input = input;
        _output.Dispose();
        _output = new NbdOutput(NbdProtocol.MaxPayload + ReplyOverhead, _host);
        _transmission = new NbdTransmission(export, _handshake.Terms, _output, _host);
    }
}
