using System.Collections.Immutable;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Journaling;

/// <summary>The proof of ownership that a store checks: it must be the newest epoch of the lease (I15).</summary>
public readonly record struct FencingToken(string Lease, long Epoch);

/// <summary>
/// When an entity must be woken although nobody asks for it; kept with the journal so that a passive entity, or all of
/// them after a restart, wake up.
/// </summary>
/// <param name="NextDue">The earliest durable timer (UTC), if any.</param>
/// <param name="OwesEffects">Whether effects are outstanding: such an entity is recovered when the host starts.</param>
public readonly record struct WakeMark(DateTimeOffset? NextDue, bool OwesEffects)
{
    /// <summary>Nothing to wake for.</summary>
    public static WakeMark None => default;
}

/// <summary>The events of one command, to be appended whole or not at all.</summary>
/// <param name="Id">The stream.</param>
/// <param name="Token">The right to write to it.</param>
/// <param name="Expected">Where the writer believes the stream ends.</param>
/// <param name="CommandId">The command; the journal accepts each id once per stream (I19).</param>
/// <param name="Events">At least one event, sealed, following <paramref name="Expected"/>.</param>
/// <param name="Wake">The wake mark after these events.</param>
public sealed record AppendRequest(
    PersistenceId Id,
    FencingToken Token,
    StreamHead Expected,
    CommandId CommandId,
    ImmutableArray<StoredEvent> Events,
    WakeMark Wake)
{
    /// <summary>The head of the stream once this is appended.</summary>
    public StreamHead NewHead => new(Events[^1].Sequence, Events[^1].Hash);

    /// <summary>Seals the encoded events behind <paramref name="expected"/>.</summary>
    /// <exception cref="ArgumentException">There are no events.</exception>
    public static AppendRequest Create(
        PersistenceId id,
        FencingToken token,
        StreamHead expected,
        DecisionContext context,
        ReadOnlySpan<EncodedEvent> events,
        WakeMark wake)
    {
        if (events.IsEmpty)
        {
            throw new ArgumentException("An append needs at least one event.", nameof(events));
        }

        var sealedEvents = ImmutableArray.CreateBuilder<StoredEvent>(events.Length);
        var head = expected;
        foreach (var encoded in events)
        {
            var stored = EventChain.Seal(head, encoded, context.Now, context.Actor, context.CommandId);
            sealedEvents.Add(stored);
            head = new StreamHead(stored.Sequence, stored.Hash);
        }

        return new AppendRequest(id, token, expected, context.CommandId, sealedEvents.MoveToImmutable(), wake);
    }
}

/// <summary>What the journal answers to an append. Nothing but <see cref="Appended"/> has written anything.</summary>
public abstract record AppendOutcome
{
    private AppendOutcome()
    {
    }

    /// <summary>The events are durable.</summary>
    /// <param name="Position">The feed position of the last of them.</param>
    public sealed record Appended(FeedPosition Position) : AppendOutcome;

    /// <summary>The stream ends elsewhere than expected.</summary>
    public sealed record VersionConflict(StreamHead Actual) : AppendOutcome;

    /// <summary>The fencing token is stale: somebody holds a newer epoch.</summary>
    public sealed record Fenced(long CurrentEpoch) : AppendOutcome;

    /// <summary>The stream already holds the events of this command.</summary>
    public sealed record Duplicate(CommandRecord Command) : AppendOutcome;

    /// <summary>The store has no room; the append was refused whole (I27).</summary>
    public sealed record JournalFull(string Message) : AppendOutcome;

    /// <summary>
    /// It cannot be said whether the events are durable (a lost connection, a failed sync). The one who asked stops
    /// serving, takes a new epoch, which settles the matter, and reads again.
    /// </summary>
    public sealed record Unknown(string Cause) : AppendOutcome;
}
