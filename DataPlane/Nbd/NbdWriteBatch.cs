using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Nbd.Protocol;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>Consecutive changes that reach the device in one call.</summary>
/// <remarks>
/// The client has no reply to any of the changes, so their order is free; they are applied in the order of arrival. If
/// the call fails, any part of the batch may have been applied; each change is then retried alone, so that every
/// request gets its own result. Applying a change twice is harmless: the bytes are the same.
/// </remarks>
internal sealed class NbdWriteBatch(NbdExport export, INbdSessionHost host)
{
    private const int MaxChanges = 256;

    private readonly BlockChange[] _changes = new BlockChange[MaxChanges];
    private readonly ulong[] _cookies = new ulong[MaxChanges];
    private readonly NbdError[] _errors = new NbdError[MaxChanges];
    private int _count;

    /// <summary>Whether the batch must run before another change is added.</summary>
    public bool IsFull => _count == MaxChanges;

    /// <summary>The cookies of the changes, in order.</summary>
    public ReadOnlySpan<ulong> Cookies => _cookies.AsSpan(0, _count);

    /// <summary>The result of each change, after <see cref="Run"/>.</summary>
    public ReadOnlySpan<NbdError> Errors => _errors.AsSpan(0, _count);

    /// <summary>Adds a change that passed the rules; <paramref name="payload"/> is empty except for WRITE.</summary>
    public void Add(in NbdRequest request, ReadOnlyMemory<byte> payload)
    {
        var mayDeallocate = request.Command == NbdCommand.Trim
            || (request.Command == NbdCommand.WriteZeroes && !request.Has(NbdCommandFlags.NoHole));
        _changes[_count] = new BlockChange(
            (long)request.Offset, request.Length, payload, mayDeallocate, request.Has(NbdCommandFlags.ForceUnitAccess));
        _cookies[_count++] = request.Cookie;
    }

    /// <summary>Applies all changes; <see cref="Errors"/> holds the results.</summary>
    public void Run()
    {
        var errors = _errors.AsSpan(0, _count);
        if (!export.TryBeginChanges())
        {
            errors.Fill(NbdError.NotPermitted);
            return;
        }

        try
        {
            errors[0] = Write(_changes.AsSpan(0, _count));
            if (errors[0] == NbdError.None || _count == 1)
            {
                errors.Fill(errors[0]);
                return;
            }

            for (var i = 0; i < _count; i++)
            {
                errors[i] = Write(_changes.AsSpan(i, 1));
            }
        }
        finally
        {
            export.EndChanges();
        }
    }

    /// <summary>Removes all changes.</summary>
    public void Clear()
    {
        Array.Clear(_changes, 0, _count);
        _count = 0;
    }

    private NbdError Write(ReadOnlySpan<BlockChange> changes)
    {
        NbdError error;
        try
        {
            export.Device.Write(changes);
            return NbdError.None;
        }
        catch (Exception e) when (NbdFailure.IsTrouble(e, out error))
        {
            if (changes.Length == 1)
            {
                host.RequestFailed(export, $"write of {changes[0].Length} bytes at {changes[0].Offset}", e);
            }

            return error;
        }
    }
}
