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
/// <param name="Command">The command itself, on the last event of those it led to; else null.</param>
/// <param name="Previous">The seal of the event before it.</param>
/// <param name="Hash">The seal over all of this, see <see cref="EventChain"/>.</param>
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
    /// <summary>Whether it is the last event of its command.</summary>
    public bool EndsCommand => Command is not null;

    /// <summary>The head of its stream while it is the last event.</summary>
    public StreamHead Head => new(Sequence, Hash);
}

/// <summary>
/// What was decided: enough to decide it again in the state before, and what the entity outstanding in the state after.
/// </summary>
/// <param name="Name">The command's explicit, versioned name.</param>
/// <param name="Payload">The encoded command.</param>
/// <param name="Digest">What told the request from any other; null where ids are made of what is sent.</param>
/// <param name="Steady">The moment by the host's steady clock; null where the host had none.</param>
/// <param name="Wake">When the entity must be woken after these events.</param>
public sealed record RecordedCommand(
    string Name, byte[] Payload, string? Digest, SteadyInstant? Steady, WakeMark Wake);

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
/// A place in the global feed, in commit order. A reader that keeps the last position it handled resumes exactly
/// there.
/// </summary>
/// <param name="Value">The row's number.</param>
/// <param name="Transaction">
/// The transaction that wrote it, where numbers alone are not in commit order; else 0.
/// </param>
public readonly record struct FeedPosition(long Value, long Transaction = 0) : IComparable<FeedPosition>
{
    /// <summary>Before the first event.</summary>
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

/// <summary>A place in the global feed.</summary>
/// <param name="Position">The place.</param>
/// <param name="Id">Whose event stands there; null when its name cannot be read.</param>
/// <param name="Sequence">The event's number in its stream.</param>
/// <param name="Event">The event, if it was read.</param>
public sealed record FeedPlace(FeedPosition Position, PersistenceId? Id, long Sequence, StoredEvent? Event = null);

/// <summary>An accepted command: the last event it led to, and what told the request from any other.</summary>
public sealed record CommandRecord(CommandId CommandId, long LastSequence, string? Digest);

/// <summary>
/// Takes the place of a stored event or snapshot that cannot be read: damaged bytes, a newer version's form. Readers
/// decide what follows from it; nothing is thrown while an entity recovers (I29).
/// </summary>
/// <param name="Name">The name it was stored under.</param>
/// <param name="Reason">Why it cannot be read, as a part of a sentence.</param>
public sealed record UnreadableRecord(string Name, string Reason);
