using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>The kind of damage in a log.</summary>
public enum DamageKind
{
    /// <summary>The file itself cannot be read at this location.</summary>
    File,

    /// <summary>A position of the feed is missing or used twice.</summary>
    Feed,

    /// <summary>A sequence number is missing, repeated or out of order.</summary>
    Sequence,

    /// <summary>Content and seal do not match: the event was changed or follows the wrong event.</summary>
    Seal,

    /// <summary>The record is damaged, or the stored name is unknown.</summary>
    Unreadable,

    /// <summary>The event cannot follow the state before it.</summary>
    Impossible,

    /// <summary>The state after the event breaks an invariant.</summary>
    Invariant,

    /// <summary>The recorded command, decided again, does not produce these events.</summary>
    Unexplained,

    /// <summary>A command's events are incomplete or not consecutive.</summary>
    Command,

    /// <summary>The recorded wake mark does not follow from the state.</summary>
    Wake,

    /// <summary>The events belong to another entity than the stream's name indicates.</summary>
    Stream,

    /// <summary>A snapshot differs from the state at its event.</summary>
    Snapshot,

    /// <summary>The columns next to an event's record do not match the record.</summary>
    Row,

    /// <summary>A table, or an index that enforces unique keys, is not as required.</summary>
    Table,
}

/// <summary>A damage in a log and its location.</summary>
/// <param name="Kind">The kind of damage.</param>
/// <param name="Stream">The stream; null when it cannot be determined.</param>
/// <param name="Sequence">The event's number in its stream; null when it cannot be determined.</param>
/// <param name="Name">The event's stored name; null when it is missing or irrelevant.</param>
/// <param name="Position">The position in the feed; null when unknown.</param>
/// <param name="What">The damage in one sentence.</param>
public sealed record JournalDamage(
    DamageKind Kind, PersistenceId? Stream, long? Sequence, string? Name, long? Position, string What)
{
    /// <summary>Creates the damage of one event.</summary>
    public static JournalDamage At(DamageKind kind, RecordedEvent at, string what)
    {
        ArgumentNullException.ThrowIfNull(at);
        return new JournalDamage(kind, at.Id, at.Event.Sequence, at.Event.Name, at.Position.Value, what);
    }

    /// <summary>Creates a damage that is not in a single event.</summary>
    public static JournalDamage Of(DamageKind kind, string what) => new(kind, null, null, null, null, what);

    /// <summary>Returns the location and the damage in one sentence.</summary>
    public override string ToString() => (Stream, Sequence) switch
    {
        ({ } stream, { } sequence) =>
            $"event {sequence} of {stream}{(Name is { Length: > 0 } name ? $" ({name})" : "")}: {What}",
        ({ } stream, null) => $"{stream}: {What}",
        _ => What,
    };
}

/// <summary>Thrown when a log cannot be replayed because of damage. The message names the event.</summary>
public sealed class ReplayException(JournalDamage damage, Exception? inner = null)
    : Exception($"The log is damaged at {damage}.", inner)
{
    /// <summary>The damage and its location.</summary>
    public JournalDamage Damage { get; } = damage;
}

/// <summary>Thrown for a file that is not an intact export. The message names the location.</summary>
public sealed class ExportDamagedException(string path, string what, Exception? inner = null)
    : Exception($"The file {path} is not a complete export: {what}.", inner);

/// <summary>
/// Thrown when a requested item does not exist or an operation is not allowed. The message contains the remedy.
/// </summary>
public sealed class ReplayRefusedException(string message) : Exception(message);
