using ReplicationEngine.DataPlane.Nbd.Protocol;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// A connection without its socket: input arrives through <see cref="Window"/> and <see cref="Arrived"/>, replies leave
/// through the host. The replies do not depend on how the input is split. Not safe for several threads.
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

    /// <summary>Creates the session of an accepted connection.</summary>
    public NbdSession(INbdSessionHost host)
    {
        _host = host;
        _output = new NbdOutput(HandshakeBuffer, host);
        _handshake = new NbdHandshake(host, _output);
    }

    /// <summary>Whether the session has ended and the connection must be closed.</summary>
    public bool Ended { get; private set; }

    /// <summary>Whether an export was chosen.</summary>
    public bool IsTransmitting => _transmission is not null;

    /// <summary>Sends the greeting.</summary>
    public void Start()
    {
        _handshake.Greet();
        _output.Send();
    }

    /// <summary>Returns the memory for the next bytes to receive; never empty.</summary>
    public Span<byte> Window() => _input.Window(_transmission?.Needed ?? _handshake.Needed);

    /// <summary>Processes all complete messages after so many bytes were written into the window.</summary>
    /// <exception cref="NbdProtocolException">
    /// The peer does not follow the protocol; the session can no longer be used.
    /// </exception>
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

        // Attach before the client learns that it may start, so that its requests count as use of the export.
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
    /// Switches to buffers that hold the largest request, and moves the bytes that arrived after the handshake.
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
