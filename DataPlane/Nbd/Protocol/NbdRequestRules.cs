namespace ReplicationEngine.DataPlane.Nbd.Protocol;

/// <summary>The negotiated terms of the handshake and the current state of the export.</summary>
internal readonly record struct NbdTerms(long ExportSize, bool StructuredReplies, bool AllocationContext)
{
    /// <summary>Whether FAST_ZERO can be granted.</summary>
    public bool FastZeroes { get; init; }
}

/// <summary>Decides whether a request may run: one pure function from the request to an error or none.</summary>
/// <remarks>
/// Where the protocol leaves a choice: an empty range and unknown flags are EINVAL; a WRITE or WRITE_ZEROES past the
/// end is ENOSPC, anything else past the end EINVAL; FUA is accepted on every command; a payload above the announced
/// maximum is EINVAL.
/// </remarks>
internal static class NbdRequestRules
{
    /// <summary>Returns the error of a request, or none.</summary>
    public static NbdError Check(in NbdRequest request, in NbdTerms terms, bool readOnly)
    {
        var allowed = AllowedFlags(request.Command, terms);
        if (allowed is null || (request.Flags & ~allowed.Value) != 0)
        {
            return NbdError.InvalidArgument;
        }

        if (readOnly && request.Changes)
        {
            return NbdError.NotPermitted;
        }

        if (request.Command is NbdCommand.Flush)
        {
            return request is { Offset: 0, Length: 0 } ? NbdError.None : NbdError.InvalidArgument;
        }

        return CheckRange(request, terms);
    }

    private static NbdError CheckRange(in NbdRequest request, in NbdTerms terms)
    {
        var tooLong = request.Command is NbdCommand.Read or NbdCommand.Write
            && request.Length > NbdProtocol.MaxPayload;
        if (request.Length == 0 || tooLong
            || (request.Command == NbdCommand.BlockStatus && !terms.AllocationContext))
        {
            return NbdError.InvalidArgument;
        }

        var size = (ulong)terms.ExportSize;
        if (request.Offset > size || request.Length > size - request.Offset)
        {
            return request.Command is NbdCommand.Write or NbdCommand.WriteZeroes
                ? NbdError.NoSpace
                : NbdError.InvalidArgument;
        }

        return request.Has(NbdCommandFlags.FastZero) && !terms.FastZeroes ? NbdError.NotSupported : NbdError.None;
    }

    private static NbdCommandFlags? AllowedFlags(NbdCommand command, in NbdTerms terms)
    {
        const NbdCommandFlags always = NbdCommandFlags.ForceUnitAccess;
        return command switch
        {
            NbdCommand.Read => terms.StructuredReplies ? always | NbdCommandFlags.DontFragment : always,
            NbdCommand.WriteZeroes => always | NbdCommandFlags.NoHole | NbdCommandFlags.FastZero,
            NbdCommand.BlockStatus => always | NbdCommandFlags.RequestOne,
            NbdCommand.Write or NbdCommand.Flush or NbdCommand.Trim or NbdCommand.Cache => always,
            _ => null,
        };
    }
}
