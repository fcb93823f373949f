namespace ReplicationEngine.Actors.Journaling;

/// <summary>
/// Who owns which shard region. Every grant has a new epoch, and the journal refuses appends with an older one: a
/// paused owner that wakes up late can therefore do no harm (I15), whatever its clock says.
/// </summary>
public interface ILeaseStore
{
    /// <summary>
    /// Grants the lease with a new epoch when it is free, expired at <paramref name="now"/>, or held by the same owner.
    /// </summary>
    /// <param name="name">The lease.</param>
    /// <param name="owner">Who asks; unique among the nodes.</param>
    /// <param name="now">The asker's clock (UTC).</param>
    /// <param name="expiresAt">Until when it shall hold; <see cref="DateTimeOffset.MaxValue"/> for ever.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="JournalUnavailableException">The store cannot answer.</exception>
    ValueTask<LeaseOutcome> AcquireAsync(
        string name, string owner, DateTimeOffset now, DateTimeOffset expiresAt, CancellationToken cancellationToken);

    /// <summary>
    /// Prolongs the lease under the same epoch; answers <see cref="LeaseOutcome.Held"/> when it was lost.
    /// </summary>
    /// <exception cref="JournalUnavailableException">The store cannot answer.</exception>
    ValueTask<LeaseOutcome> RenewAsync(Lease lease, DateTimeOffset expiresAt, CancellationToken cancellationToken);

    /// <summary>Gives the lease back, if this epoch still holds it. Its epochs go on rising.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot answer.</exception>
    ValueTask ReleaseAsync(FencingToken token, CancellationToken cancellationToken);
}

/// <summary>A lease as granted.</summary>
public sealed record Lease(string Name, string Owner, long Epoch, DateTimeOffset ExpiresAt)
{
    /// <summary>What appends show to the journal.</summary>
    public FencingToken Token => new(Name, Epoch);
}

/// <summary>What the lease store answers.</summary>
public abstract record LeaseOutcome
{
    private LeaseOutcome()
    {
    }

    /// <summary>The asker owns it.</summary>
    public sealed record Granted(Lease Lease) : LeaseOutcome;

    /// <summary>Somebody else owns it, or (on renewal) a newer epoch exists.</summary>
    public sealed record Held(Lease By) : LeaseOutcome;
}
