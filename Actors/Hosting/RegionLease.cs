using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// The region's lease. On a single node it never expires: nobody else can open the store. A newer epoch is taken when
/// an append's outcome is unknown; entities that were appending under the old one find themselves fenced by their own
/// node and settle their appends in the same way.
/// </summary>
internal sealed class RegionLease(ILeaseStore leases, string name, string owner, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private Lease? _lease;

    /// <summary>What appends show; when the lease is not held, an epoch that every store refuses.</summary>
    public FencingToken Token => Volatile.Read(ref _lease)?.Token ?? new FencingToken(name, Epoch: 0);

    /// <summary>
    /// Whether an epoch that the store named is this region's, or one that it has overtaken. Waits for one that is
    /// being taken: the store knows of it before the region does.
    /// </summary>
    public async ValueTask<bool> IsOwnAsync(long epoch, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            return _lease?.Epoch >= epoch;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Takes an epoch newer than <paramref name="stale"/>, unless the region has one already.</summary>
    /// <exception cref="JournalUnavailableException">Somebody else holds the lease, or the store cannot
    /// answer.</exception>
    public async ValueTask<FencingToken> TakeNewerAsync(FencingToken stale, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_lease is null || _lease.Epoch <= stale.Epoch)
            {
                var outcome = await leases.AcquireAsync(
                    name, owner, time.GetUtcNow(), DateTimeOffset.MaxValue, cancellationToken);
                Volatile.Write(ref _lease, outcome switch
                {
                    LeaseOutcome.Granted granted => granted.Lease,
                    LeaseOutcome.Held held => throw new JournalUnavailableException(
                        $"The region {name} is owned by node {held.By.Owner}; stop that node or use another journal."),
                    _ => throw new InvalidOperationException($"Unknown lease outcome {outcome}."),
                });
            }

            return Token;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Gives the lease back, if it is held.</summary>
    public async ValueTask ReleaseAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _lease, null) is { } held)
        {
            await leases.ReleaseAsync(held.Token, cancellationToken);
        }
    }

    public void Dispose() => _turn.Dispose();
}
