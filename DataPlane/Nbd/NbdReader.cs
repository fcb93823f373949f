using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Nbd.Protocol;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>Handles the requests that change nothing: READ, BLOCK_STATUS and CACHE.</summary>
internal sealed class NbdReader(NbdExport export, NbdTerms terms, NbdOutput output, INbdSessionHost host)
{
    /// <summary>
    /// The piece size of a structured read in bytes. The client receives one piece while the next is read, and the
    /// bytes are still in the processor's cache when they are sent.
    /// </summary>
    private const int PieceSize = 256 << 10;

    private const int MaxExtents = 128;
    private const int MaxRuns = 1024;

    /// <summary>Replies to a READ that passed the rules.</summary>
    public void Read(in NbdRequest request)
    {
        if (terms.StructuredReplies)
        {
            ReadInChunks(request);
        }
        else
        {
            ReadSimple(request);
        }
    }

    /// <summary>Replies to BLOCK_STATUS with the device's runs; adjacent runs of the same state are joined.</summary>
    public void BlockStatus(in NbdRequest request)
    {
        Span<NbdExtent> extents = stackalloc NbdExtent[MaxExtents];
        NbdError error;
        try
        {
            var count = Collect(request, extents);
            var target = output.Reserve(NbdReplies.StatusChunkSize(count));
            output.Advance(NbdReplies.StatusChunk(target, request.Cookie, extents[..count]));
        }
        catch (Exception e) when (NbdFailure.IsTrouble(e, out error))
        {
            Failed(request, e);
            Fail(request.Cookie, error);
        }
    }

    /// <summary>
    /// Handles CACHE: the range is read and discarded, so that it is in the system's cache afterwards. The request is a
    /// hint, so no more than the length of one READ is read.
    /// </summary>
    public void Cache(in NbdRequest request)
    {
        var error = NbdError.None;
        try
        {
            var length = (int)Math.Min(request.Length, NbdProtocol.MaxPayload);
            for (var done = 0; done < length; done += PieceSize)
            {
                var piece = Math.Min(PieceSize, length - done);
                export.Device.Read((long)request.Offset + done, output.Reserve(piece)[..piece]);
            }
        }
        catch (Exception e) when (NbdFailure.IsTrouble(e, out error))
        {
            Failed(request, e);
        }

        var target = output.Reserve(NbdProtocol.SimpleReplySize);
        output.Advance(NbdReplies.Simple(target, request.Cookie, error));
    }

    /// <summary>Replies to a READ or BLOCK_STATUS with an error, after structured replies were negotiated.</summary>
    public void Fail(ulong cookie, NbdError error) =>
        output.Advance(NbdReplies.ErrorChunk(output.Reserve(NbdReplies.ErrorChunkSize), cookie, error));

    private void ReadInChunks(in NbdRequest request)
    {
        var whole = (int)request.Length;
        var most = request.Has(NbdCommandFlags.DontFragment) ? whole : PieceSize;
        for (var done = 0; done < whole;)
        {
            var length = Math.Min(most, whole - done);
            var target = output.Reserve(NbdReplies.DataChunkOverhead + length);
            var data = target.Slice(NbdReplies.DataChunkOverhead, length);
            var offset = request.Offset + (ulong)done;
            var error = TryRead(request, offset, data);
            if (error != NbdError.None)
            {
                Fail(request.Cookie, error);
                return;
            }

            done += length;
            output.Advance(data.ContainsAnyExcept((byte)0) || length < NbdReplies.HoleChunkSize
                ? NbdReplies.DataChunk(target, request.Cookie, offset, length, done == whole) + length
                : NbdReplies.HoleChunk(target, request.Cookie, offset, length, done == whole));
        }
    }

    /// <summary>
    /// Replies to a READ with a simple reply. The result precedes the data, so all data is read first.
    /// </summary>
    private void ReadSimple(in NbdRequest request)
    {
        var length = (int)request.Length;
        var target = output.Reserve(NbdProtocol.SimpleReplySize + length);
        var error = TryRead(request, request.Offset, target.Slice(NbdProtocol.SimpleReplySize, length));
        var size = NbdReplies.Simple(target, request.Cookie, error);
        output.Advance(error == NbdError.None ? size + length : size);
    }

    private NbdError TryRead(in NbdRequest request, ulong offset, Span<byte> destination)
    {
        NbdError error;
        try
        {
            export.Device.Read((long)offset, destination);
            return NbdError.None;
        }
        catch (Exception e) when (NbdFailure.IsTrouble(e, out error))
        {
            Failed(request, e);
            return error;
        }
    }

    private int Collect(in NbdRequest request, Span<NbdExtent> extents)
    {
        var limit = request.Has(NbdCommandFlags.RequestOne) ? 1 : extents.Length;
        var count = 0;
        var offset = (long)request.Offset;
        var end = offset + request.Length;
        for (var runs = 0; offset < end && runs < MaxRuns; runs++)
        {
            var run = export.Device.NextRun(offset, end - offset);
            var flags = FlagsOf(run.State);
            if (count > 0 && extents[count - 1].Flags == flags)
            {
                extents[count - 1] = new NbdExtent(extents[count - 1].Length + (uint)run.Length, flags);
            }
            else if (count < limit)
            {
                extents[count++] = new NbdExtent((uint)run.Length, flags);
            }
            else
            {
                break;
            }

            offset += run.Length;
        }

        return count;
    }

    private static NbdExtentFlags FlagsOf(AllocationState state) => state switch
    {
        AllocationState.Data => NbdExtentFlags.Data,
        AllocationState.Zero => NbdExtentFlags.Zero,
        AllocationState.Hole => NbdExtentFlags.Hole | NbdExtentFlags.Zero,
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "Unknown allocation state."),
    };

    private void Failed(in NbdRequest request, Exception error) =>
        host.RequestFailed(export, $"{request.Command} of {request.Length} bytes at {request.Offset}", error);
}
