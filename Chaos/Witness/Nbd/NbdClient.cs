using System.Buffers.Binary;
using System.Net.Sockets;

namespace ReplicationEngine.Chaos.Witness.Nbd;

/// <summary>A small NBD client that can also misbehave: it sends any bytes. Not safe for several threads.</summary>
public sealed class NbdClient : IDisposable
{
    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly Dictionary<ulong, (ulong Offset, int Length)> _reads = [];
    private NbdReplyReader? _replies;
    private bool _structured;
    private ulong _cookie;

    private NbdClient(Socket socket)
    {
        _socket = socket;
        _socket.ReceiveTimeout = 30_000;
        _socket.SendTimeout = 30_000;
        _stream = new NetworkStream(socket);
    }

    /// <summary>Size and flags of the export chosen.</summary>
    public (long Size, ushort Flags) Export { get; private set; }

    /// <summary>Connects to a unix socket and reads the server's greeting.</summary>
    public static NbdClient Connect(string path, bool greet = true)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            var client = new NbdClient(socket);
            if (greet)
            {
                client.Receive(18);
                client.Send(NbdWire.ClientFlags());
            }

            return client;
        }
        catch
        {
            // A caller that retries thousands of times must not keep a socket of each attempt.
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Connects and chooses an export with structured replies and base:allocation, or with neither.</summary>
    public static NbdClient Open(string path, string export, bool structured = true)
    {
        var client = Connect(path);
        try
        {
            if (structured)
            {
                client.Option(NbdWire.StructuredReply);
                client.Option(NbdWire.SetMetaContext, NbdWire.ContextData(export, "base:allocation"));
            }

            var answers = client.Option(NbdWire.Go, NbdWire.InfoData(export));
            return answers[^1].Type == 1
                ? client
                : throw new InvalidDataException($"The reply to GO is 0x{answers[^1].Type:x8}.");
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Sends bytes unchanged.</summary>
    public void Send(params byte[] bytes) => _stream.Write(bytes);

    /// <summary>Receives exactly <paramref name="count"/> bytes.</summary>
    public byte[] Receive(int count)
    {
        var bytes = new byte[count];
        _stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Returns whether the server has closed the connection; blocks until it does or sends a byte.</summary>
    public bool IsClosed()
    {
        try
        {
            return _stream.ReadByte() < 0;
        }
        catch (IOException e)
            when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
            return true;
        }
    }

    /// <summary>Sends an option and reads all its replies.</summary>
    internal IReadOnlyList<NbdOptionAnswer> Option(uint option, params byte[] data)
    {
        Send(NbdWire.Option(option, data));
        return OptionAnswers(option);
    }

    /// <summary>Reads the replies to an option sent before, up to the final one.</summary>
    internal IReadOnlyList<NbdOptionAnswer> OptionAnswers(uint option)
    {
        var answers = new List<NbdOptionAnswer>();
        do
        {
            answers.Add(OptionAnswer(option));
        }
        while (answers[^1].Type is not 1 and < 0x8000_0000);

        _structured |= option == NbdWire.StructuredReply && answers[^1].Type == 1;
        return answers;
    }

    /// <summary>Sends a request without waiting; returns its cookie.</summary>
    public ulong Submit(ushort command, ulong offset, uint length, ushort flags = 0, params byte[] payload)
    {
        var cookie = ++_cookie;
        if (command == NbdWire.Read)
        {
            _reads[cookie] = (offset, (int)length);
        }

        Send(NbdWire.Request(command, cookie, offset, length, flags, payload));
        return cookie;
    }

    /// <summary>Returns the next reply, to any request.</summary>
    internal NbdAnswer NextAnswer()
    {
        _replies ??= new NbdReplyReader(_stream, _structured, c => _reads.GetValueOrDefault(c));
        return _replies.Next();
    }

    /// <summary>Sends a request and waits for its reply.</summary>
    internal NbdAnswer Call(ushort command, ulong offset, uint length, ushort flags = 0, params byte[] payload)
    {
        var cookie = Submit(command, offset, length, flags, payload);
        var answer = NextAnswer();
        return answer.Cookie == cookie
            ? answer
            : throw new InvalidDataException($"Reply to {answer.Cookie} while waiting for {cookie}.");
    }

    /// <summary>Writes data and waits for the reply; returns the NBD error, 0 for success.</summary>
    public uint Write(ulong offset, byte[] data, ushort flags = 0) =>
        Call(NbdWire.Write, offset, (uint)data.Length, flags, data).Error;

    /// <summary>Reads data and waits for the reply.</summary>
    internal NbdAnswer Read(ulong offset, uint length) => Call(NbdWire.Read, offset, length);

    /// <inheritdoc/>
    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }

    private NbdOptionAnswer OptionAnswer(uint option)
    {
        var head = Receive(20);
        if (BinaryPrimitives.ReadUInt64BigEndian(head) != 0x0003e889045565a9
            || BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(8)) != option)
        {
            throw new InvalidDataException($"This is not a reply to option {option}: {Convert.ToHexString(head)}");
        }

        var answer = new NbdOptionAnswer(
            BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(12)),
            Receive(BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(16))));
        if (answer.Type == 3 && BinaryPrimitives.ReadUInt16BigEndian(answer.Data) == 0)
        {
            Export = (BinaryPrimitives.ReadInt64BigEndian(answer.Data.AsSpan(2)),
                BinaryPrimitives.ReadUInt16BigEndian(answer.Data.AsSpan(10)));
        }

        return answer;
    }
}
