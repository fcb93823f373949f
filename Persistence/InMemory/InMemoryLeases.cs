using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.InMemory;

/// <summary>Leases in memory.</summary>
internal sealed class InMemoryLeases : ILeaseStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Lease> _leases = new(StringComparer.Ordinal);

    /// <summary>The newest epoch of a lease; 0 when it was never granted.</summary>
    public long EpochOf(string name)
    {
        lock (_gate)
        {
            return _leases.TryGetValue(name, out var lease) ? lease.Epoch : 0;
        }
    }

    /// <inheritdoc/>
    public ValueTask<LeaseOutcome> AcquireAsync(
        string name, string owner, DateTimeOffset now, DateTimeOffset expiresAt, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            var held = _leases.GetValueOrDefault(name);
            var outcome = LeaseRules.Acquire(held, name, owner, now, expiresAt);
            Keep(outcome);
            return new ValueTask<LeaseOutcome>(outcome);
        }
    }

    /// <inheritdoc/>
    public ValueTask<LeaseOutcome> RenewAsync(
        Lease lease, DateTimeOffset expiresAt, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            var outcome = LeaseRules.Renew(_leases.GetValueOrDefault(lease.Name), lease, expiresAt);
            Keep(outcome);
            return new ValueTask<LeaseOutcome>(outcome);
        }
    }

    /// <inheritdoc/>
    public ValueTask ReleaseAsync(FencingToken token, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (_leases.TryGetValue(token.Lease, out var held) && held.Epoch == token.Epoch)
            {
                _leases[token.Lease] = held with { ExpiresAt = DateTimeOffset.MinValue };
            }
        }

        return ValueTask.CompletedTask;
    }

    private void Keep(LeaseOutcome outcome)
    {
        if (outcome is LeaseOutcome.Granted granted)
        {
            _leases[granted.Lease.Name] = granted.Lease;
        }
    }
}
