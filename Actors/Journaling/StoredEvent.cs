using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Journaling;

/// <summary>One event as the journal holds it.</summary>
/// <param name="Sequence">Its number in the entity's stream, from 1, without gaps, never used twice (I18).</param>
/// <param name="Name">The explicit, versioned name.</param>
/// <param name="Payload">The encoded event; not to be changed by whoever reads it.</param>
/// <param name="Time">When it was decided (UTC).</param>
/// <param name="Actor">Who asked for it.</param>
/// <param name="CommandId">The command that led to it.</param>
/// <param name="Hash">The seal over it and everything before it, see <see cref="EventChain"/>.</param>
public sealed record StoredEvent(
    long Sequence,
    string Name,
    byte[] Payload,
    DateTimeOffset Time,
    string Actor,
    CommandId CommandId,
    ChainHash Hash);

/// <summary>Where a stream ends: the number and the seal of its last event.</summary>
public readonly record struct StreamHead(long Sequence, ChainHash Hash)
{
    /// <summary>Of a stream without events.</summary>
    public static StreamHead Start => default;
}

/// <summary>
/// A part of a stream, verified; <paramref name="EndOfStream"/> says that nothing followed when it was read.
/// </summary>
public sealed record StreamSlice(IReadOnlyList<StoredEvent> Events, bool EndOfStream);

/// <summary>
/// A place in the global feed: 1 for the first event of the journal, then one more with each event, in commit order,
/// without gaps. A reader that keeps the last position it handled resumes exactly there.
/// </summary>
public readonly record struct FeedPosition(long Value) : IComparable<FeedPosition>
{
    /// <summary>Before the first event.</summary>
    public static FeedPosition Start => default;

    /// <inheritdoc/>
    public int CompareTo(FeedPosition other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>An event in the global feed.</summary>
public sealed record FeedEvent(FeedPosition Position, PersistenceId Id, StoredEvent Event);

/// <summary>The events that one accepted command led to, by their sequence numbers.</summary>
public sealed record CommandRecord(CommandId CommandId, long FirstSequence, long LastSequence);
