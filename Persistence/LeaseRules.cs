using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence;

/// <summary>Who gets a lease: the rules that every store applies inside its own transaction.</summary>
internal static class LeaseRules
{
    public static LeaseOutcome Acquire(
        Lease? held, string name, string owner, DateTimeOffset now, DateTimeOffset expiresAt)
    {
        if (held is not null && held.Owner != owner && held.ExpiresAt > now)
        {
            return new LeaseOutcome.Held(held);
        }

        return new LeaseOutcome.Granted(new Lease(name, owner, (held?.Epoch ?? 0) + 1, expiresAt));
    }

    public static LeaseOutcome Renew(Lease? held, Lease lease, DateTimeOffset expiresAt)
    {
        if (held is null)
        {
            throw new InvalidOperationException($"The lease {lease.Name} was never granted; acquire it first.");
        }

        return held.Epoch == lease.Epoch && held.Owner == lease.Owner && held.ExpiresAt > DateTimeOffset.MinValue
            ? new LeaseOutcome.Granted(held with { ExpiresAt = expiresAt })
            : new LeaseOutcome.Held(held);
    }
}
