using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Journaling;

/// <summary>An event as the journal stores it.</summary>
/// <param name="Sequence">The number in the entity's stream, from 1, without gaps, never reused (I18).</param>
/// <param name="Name">The explicit, versioned name.</param>
/// <param name="Payload">The encoded event. Readers must not change it.</param>
/// <param name="Time">When the event was decided (UTC).</param>
/// <param name="Actor">The user or component that sent the command.</param>
/// <param name="CommandId">The id of the command that produced the event.</param>
/// <param name="Command">The command itself, on the last event that it produced; otherwise null.</param>
/// <param name="Previous">The seal of the previous event.</param>
/// <param name="Hash">The seal over all other values; see <see cref="EventChain"/>.</param>
public sealed record StoredEvent(
    long Sequence,
    string Name,
    byte[] Payload,
    DateTimeOffset Time,
    string Actor,
    CommandId CommandId,
    RecordedCommand? Command,
    ChainHash Previous,
    ChainHash Hash)
{
    /// <summary>Whether the event is the last one of its command.</summary>
    public bool EndsCommand => Command is not null;

    /// <summary>The head of the stream when the event is the last one.</summary>
    public StreamHead Head => new(Sequence, Hash);
}

/// <summary>
/// The record of a decision: the data to repeat it from the previous state, and what is outstanding in the state after
/// it.
/// </summary>
/// <param name="Name">The command's explicit, versioned name.</param>
/// <param name="Payload">The encoded command.</param>
/// <param name="Digest">The digest that distinguishes the request from any other; null where ids are derived from the
/// content.</param>
/// <param name="Steady">The instant by the host's steady clock; null where the host had none.</param>
/// <param name="Wake">When the entity must be woken after the command's events.</param>
public sealed record RecordedCommand(
    string Name, byte[] Payload, string? Digest, SteadyInstant? Steady, WakeMark Wake);

/// <summary>The end of a stream: the number and the seal of its last event.</summary>
public readonly record struct StreamHead(long Sequence, ChainHash Hash)
{
    /// <summary>The head of a stream without events.</summary>
    public static StreamHead Start => default;
}

/// <summary>
/// A verified part of a stream. <paramref name="EndOfStream"/> is true when no further event existed at the time of the
/// read.
/// </summary>
public sealed record StreamSlice(IReadOnlyList<StoredEvent> Events, bool EndOfStream);

/// <summary>
/// A position in the global feed, in commit order. A reader that saves the last position it handled resumes exactly
/// there.
/// </summary>
/// <param name="Value">The row number.</param>
/// <param name="Transaction">The transaction that wrote the row, where row numbers alone are not in commit order;
/// otherwise 0.</param>
public readonly record struct FeedPosition(long Value, long Transaction = 0) : IComparable<FeedPosition>
{
    /// <summary>The position before the first event.</summary>
    public static FeedPosition Start => default;

    /// <inheritdoc/>
    public int CompareTo(FeedPosition other) =>
        Transaction == other.Transaction ? Value.CompareTo(other.Value) : Transaction.CompareTo(other.Transaction);

    /// <inheritdoc/>
    public override string ToString() => Transaction == 0
        ? Value.ToString(System.Globalization.CultureInfo.InvariantCulture)
        : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Transaction}:{Value}");
}

/// <summary>An event in the global feed.</summary>
public sealed record FeedEvent(FeedPosition Position, PersistenceId Id, StoredEvent Event);

/// <summary>An entry of the global feed, with or without the event's content.</summary>
/// <param name="Position">The position in the feed.</param>
/// <param name="Id">The stream of the event; null when its name cannot be read.</param>
/// <param name="Sequence">The number of the event in its stream.</param>
/// <param name="Event">The event; null when its content was not read.</param>
public sealed record FeedPlace(FeedPosition Position, PersistenceId? Id, long Sequence, StoredEvent? Event = null);

/// <summary>An accepted command: its last event and the digest that distinguishes the request from any other.</summary>
public sealed record CommandRecord(CommandId CommandId, long LastSequence, string? Digest);

/// <summary>
/// Replaces a stored event or snapshot that cannot be read because of damaged bytes or a newer format. Readers decide
/// how to react; nothing is thrown while an entity recovers (I29).
/// </summary>
/// <param name="Name">The name under which the record was stored.</param>
/// <param name="Reason">Why the record cannot be read, as part of a sentence.</param>
public sealed record UnreadableRecord(string Name, string Reason);
