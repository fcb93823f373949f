using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>Replays one stream event by event and verifies its seals. Not thread-safe.</summary>
public sealed class StreamReplay
{
    private readonly EntityFold _fold;
    private StreamHead _head;

    /// <summary>Creates a replay that begins before the first event.</summary>
    /// <exception cref="ReplayRefusedException">The entity's type is unknown to this version.</exception>
    public StreamReplay(PersistenceId id, EntityReplays replays)
    {
        ArgumentNullException.ThrowIfNull(replays);
        Id = id;
        Entity = replays.Of(id);
        _fold = Entity.Begin();
    }

    /// <summary>Creates a replay that begins before the first event of a log's stream.</summary>
    /// <exception cref="ReplayRefusedException">The log does not contain the stream's beginning.</exception>
    public static StreamReplay Begin(RecordedJournal journal, PersistenceId id, EntityReplays replays)
    {
        ArgumentNullException.ThrowIfNull(journal);
        journal.RequireWhole(id);
        return journal.BeginsBehind(id) is { Sequence: > 0 and var behind }
            ? throw new ReplayRefusedException(
                $"{journal.Path} contains {id} from event {behind + 1} on; without the events before it there is no "
                + "state. Name the journal that the file belongs to.")
            : new StreamReplay(id, replays);
    }

    /// <summary>The id of the stream.</summary>
    public PersistenceId Id { get; }

    /// <summary>The replay of the stream's entity type.</summary>
    internal EntityReplay Entity { get; }

    /// <summary>The last event applied; null before the first.</summary>
    public RecordedEvent? Last { get; private set; }

    /// <summary>The state after <see cref="Last"/>.</summary>
    public EntityFold Fold => _fold;

    /// <summary>Applies the next event.</summary>
    /// <exception cref="ReplayException">The event does not follow the previous one or is not a legal step.</exception>
    public void Step(RecordedEvent recorded)
    {
        ArgumentNullException.ThrowIfNull(recorded);
        if (SealCheck.Next(_head, recorded) is { } broken)
        {
            throw new ReplayException(broken);
        }

        if (_fold.Apply(recorded.Event) is (var kind, var what))
        {
            throw new ReplayException(JournalDamage.At(kind, recorded, what));
        }

        _head = recorded.Event.Head;
        Last = recorded;
    }

    /// <summary>Returns the replay after an event of a log.</summary>
    /// <exception cref="ReplayRefusedException">The stream has no such event; the message names its last
    /// event.</exception>
    /// <exception cref="ReplayException">The log is damaged before the event.</exception>
    public static StreamReplay At(RecordedJournal journal, PersistenceId id, long sequence, EntityReplays replays)
    {
        ArgumentNullException.ThrowIfNull(journal);
        var replay = Begin(journal, id, replays);
        foreach (var recorded in journal.Read(id))
        {
            if (replay.Last?.Event.Sequence >= sequence)
            {
                break;
            }

            replay.Step(recorded);
        }

        var last = replay.Last?.Event.Sequence ?? 0;
        return sequence >= 1 && sequence <= last ? replay : throw new ReplayRefusedException(
            $"There is no event {sequence} of {id}; its events are 1 to {journal.Read(id).LongCount()}.");
    }

    /// <summary>Returns the replay at a time: after the last event decided at or before it.</summary>
    /// <exception cref="ReplayRefusedException">The stream had no events at that time.</exception>
    /// <exception cref="ReplayException">The log is damaged before that time.</exception>
    public static StreamReplay At(
        RecordedJournal journal, PersistenceId id, DateTimeOffset time, EntityReplays replays)
    {
        ArgumentNullException.ThrowIfNull(journal);
        var replay = Begin(journal, id, replays);
        foreach (var recorded in journal.Read(id))
        {
            if (recorded.Event.Time > time)
            {
                return replay.Last is null
                    ? throw new ReplayRefusedException(
                        $"{id} did not exist at {time.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z; its first event is "
                        + $"of {recorded.Event.Time.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z.")
                    : replay;
            }

            replay.Step(recorded);
        }

        return replay.Last is null ? throw new ReplayRefusedException($"{id} has no events.") : replay;
    }
}

/// <summary>Verifies one event against the previous head.</summary>
internal static class SealCheck
{
    /// <summary>Returns the damage; null when the event follows the head and can be read.</summary>
    public static JournalDamage? Next(StreamHead head, RecordedEvent recorded)
    {
        var stored = recorded.Event;
        if (stored.Sequence != head.Sequence + 1)
        {
            return JournalDamage.At(
                DamageKind.Sequence, recorded, $"it is in the place of event {head.Sequence + 1}");
        }

        if (!recorded.IsReadable)
        {
            return recorded.Broken;
        }

        if (stored.Previous != head.Hash)
        {
            return JournalDamage.At(DamageKind.Seal, recorded, "it does not link to the event before it");
        }

        var expected = EventChain.Seal(
            head, new EncodedEvent(stored.Name, stored.Payload), stored.Time, stored.Actor, stored.CommandId,
            stored.Command);
        return expected.Hash == stored.Hash ? recorded.Broken
            : JournalDamage.At(DamageKind.Seal, recorded, "its content does not match its seal");
    }
}
