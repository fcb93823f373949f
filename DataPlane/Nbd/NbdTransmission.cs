using ReplicationEngine.DataPlane.Nbd.Protocol;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>The transmission phase as a state machine from arrived bytes to device calls and reply bytes.</summary>
/// <remarks>
/// <para>All arrived messages are processed in order. Consecutive changes reach the device in one call. A flush waits
/// until the end of the arrived messages, and all waiting flushes share one: each reply is sent after it, hence after
/// every change completed before it, which is more than the protocol requires. Pending replies are sent first, so a
/// client that did not request the flush does not wait for it.</para>
/// <para>A refused WRITE still carries its payload. The payload is discarded as it arrives, without being stored; then
/// the refusal is sent and the connection continues. So no length that a client announces allocates memory (S4).</para>
/// </remarks>
internal sealed class NbdTransmission(NbdExport export, NbdTerms terms, NbdOutput output, INbdSessionHost host)
{
    private readonly NbdWriteBatch _batch = new(export, host);
    private readonly NbdReader _reader = new(export, terms, output, host);
    private readonly List<ulong> _flushes = [];
    private NbdRequest _refused;
    private NbdError _refusal;
    private uint _skip;

    /// <summary>The number of bytes of the message at the front of the input.</summary>
    public int Needed { get; private set; } = NbdProtocol.RequestSize;

    /// <summary>Whether the client disconnected.</summary>
    public bool Ended { get; private set; }

    /// <summary>Processes the arrived messages and sends the replies.</summary>
    /// <exception cref="NbdProtocolException">The stream is out of sync.</exception>
    public void Process(NbdInput input)
    {
        while (!Ended && TakeNext(input))
        {
            // Each iteration processes one message, or as much of a refused payload as has arrived.
        }

        RunBatch();
        RunFlushes();
        output.Send();
    }

    private bool TakeNext(NbdInput input)
    {
        if (_skip > 0)
        {
            return Skip(input);
        }

        Needed = NbdProtocol.RequestSize;
        if (input.Count < NbdProtocol.RequestSize)
        {
            return false;
        }

        var request = NbdRequest.Read(input.Unread);
        if (request.Command == NbdCommand.Disconnect)
        {
            Ended = true;
            return false;
        }

        var error = NbdRequestRules.Check(request, CurrentTerms(request), export.ReadOnly);
        if (error != NbdError.None)
        {
            Refuse(input, request, error);
            return true;
        }

        var size = NbdProtocol.RequestSize + (int)request.PayloadLength;
        if (input.Count < size)
        {
            Needed = size;
            return false;
        }

        Execute(request, input);
        input.Consume(size);
        return true;
    }

    /// <summary>The device is asked for fast zeroes only if a client depends on them.</summary>
    private NbdTerms CurrentTerms(in NbdRequest request) =>
        request.Has(NbdCommandFlags.FastZero) ? terms with { FastZeroes = export.Device.HasFastZeroes } : terms;

    private void Execute(in NbdRequest request, NbdInput input)
    {
        switch (request.Command)
        {
            case NbdCommand.Write or NbdCommand.Trim or NbdCommand.WriteZeroes:
                _batch.Add(request, input.Slice(NbdProtocol.RequestSize, (int)request.PayloadLength));
                if (_batch.IsFull)
                {
                    RunBatch();
                }

                break;
            case NbdCommand.Flush:
                _flushes.Add(request.Cookie);
                break;
            case NbdCommand.Read:
                RunBatch();
                _reader.Read(request);
                break;
            case NbdCommand.BlockStatus:
                RunBatch();
                _reader.BlockStatus(request);
                break;
            case NbdCommand.Cache:
                RunBatch();
                _reader.Cache(request);
                break;
            default:
                throw new InvalidOperationException($"The rules let command {request.Command} pass.");
        }
    }

    private void Refuse(NbdInput input, in NbdRequest request, NbdError error)
    {
        input.Consume(NbdProtocol.RequestSize);
        _refused = request;
        _refusal = error;
        _skip = request.PayloadLength;
        if (_skip == 0)
        {
            AnswerRefused();
        }
    }

    private bool Skip(NbdInput input)
    {
        Needed = 1;
        var skipped = (int)Math.Min(_skip, (uint)input.Count);
        input.Consume(skipped);
        _skip -= (uint)skipped;
        if (_skip == 0)
        {
            AnswerRefused();
        }

        return skipped > 0;
    }

    private void AnswerRefused()
    {
        // After structured replies were negotiated, a READ needs a structured reply, and so does BLOCK_STATUS.
        if (terms.StructuredReplies && _refused.Command is NbdCommand.Read or NbdCommand.BlockStatus)
        {
            _reader.Fail(_refused.Cookie, _refusal);
        }
        else
        {
            Answer(_refused.Cookie, _refusal);
        }
    }

    private void RunBatch()
    {
        if (_batch.Cookies.IsEmpty)
        {
            return;
        }

        _batch.Run();
        for (var i = 0; i < _batch.Cookies.Length; i++)
        {
            Answer(_batch.Cookies[i], _batch.Errors[i]);
        }

        _batch.Clear();
    }

    private void RunFlushes()
    {
        if (_flushes.Count == 0)
        {
            return;
        }

        output.Send();
        NbdError error;
        try
        {
            export.Device.Flush();
            error = NbdError.None;
        }
        catch (Exception e) when (NbdFailure.IsTrouble(e, out error))
        {
            host.RequestFailed(export, "flush", e);
        }

        foreach (var cookie in _flushes)
        {
            Answer(cookie, error);
        }

        _flushes.Clear();
    }

    private void Answer(ulong cookie, NbdError error) =>
        output.Advance(NbdReplies.Simple(output.Reserve(NbdProtocol.SimpleReplySize), cookie, error));
}
