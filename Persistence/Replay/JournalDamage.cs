using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>In what way a log is damaged.</summary>
public enum DamageKind
{
    /// <summary>The file itself cannot be read at this place.</summary>
    File,

    /// <summary>A position of the feed is missing or taken twice.</summary>
    Feed,

    /// <summary>A sequence number is missing, repeated or out of order.</summary>
    Sequence,

    /// <summary>Content and seal do not fit: it was changed, or stands behind another event.</summary>
    Seal,

    /// <summary>The record is damaged, or the stored name is unknown.</summary>
    Unreadable,

    /// <summary>The event cannot follow the state before it.</summary>
    Impossible,

    /// <summary>The state after the event breaks an invariant.</summary>
    Invariant,

    /// <summary>The recorded command, decided again, does not lead to these events.</summary>
    Unexplained,

    /// <summary>A command's events are not all there, or do not stand together.</summary>
    Command,

    /// <summary>What was recorded for waking the entity does not follow from the state.</summary>
    Wake,

    /// <summary>The events are those of another entity than the stream's name says.</summary>
    Stream,

    /// <summary>A snapshot does not equal the state it stands for.</summary>
    Snapshot,

    /// <summary>What stands next to an event's record in its row does not follow from the record.</summary>
    Row,

    /// <summary>A table, or an index that keeps its keys unique, is not as it must be.</summary>
    Table,
}

/// <summary>One thing that is wrong with a log, at the place where it is wrong.</summary>
/// <param name="Kind">In what way.</param>
/// <param name="Stream">The stream, when one can be named.</param>
/// <param name="Sequence">The event's number in its stream, when one can be named.</param>
/// <param name="Name">The event's stored name; null when it is missing or does not matter.</param>
/// <param name="Position">The place in the feed, when known.</param>
/// <param name="What">One sentence.</param>
public sealed record JournalDamage(
    DamageKind Kind, PersistenceId? Stream, long? Sequence, string? Name, long? Position, string What)
{
    /// <summary>Damage of one event.</summary>
    public static JournalDamage At(DamageKind kind, RecordedEvent at, string what)
    {
        ArgumentNullException.ThrowIfNull(at);
        return new JournalDamage(kind, at.Id, at.Event.Sequence, at.Event.Name, at.Position.Value, what);
    }

    /// <summary>Damage that lies in no single event.</summary>
    public static JournalDamage Of(DamageKind kind, string what) => new(kind, null, null, null, null, what);

    /// <summary>The place and what is wrong there, in one sentence.</summary>
    public override string ToString() => (Stream, Sequence) switch
    {
        ({ } stream, { } sequence) =>
            $"event {sequence} of {stream}{(Name is { Length: > 0 } name ? $" ({name})" : "")}: {What}",
        ({ } stream, null) => $"{stream}: {What}",
        _ => What,
    };
}

/// <summary>A log cannot be replayed because of damage; the message names the event.</summary>
public sealed class ReplayException(JournalDamage damage, Exception? inner = null)
    : Exception($"The log is damaged at {damage}.", inner)
{
    /// <summary>Where, and what.</summary>
    public JournalDamage Damage { get; } = damage;
}

/// <summary>A file that is not a whole export; the message names the place.</summary>
public sealed class ExportDamagedException(string path, string what, Exception? inner = null)
    : Exception($"The file {path} is not a complete export: {what}.", inner);

/// <summary>What was asked for is not there or may not be done; the message says what can be done instead.</summary>
public sealed class ReplayRefusedException(string message) : Exception(message);
