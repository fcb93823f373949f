using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Serialization;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>An event as a log stores it.</summary>
/// <param name="Position">The position in the feed of the journal that recorded the event.</param>
/// <param name="Id">The id of the stream.</param>
/// <param name="Event">The event. When its record cannot be read, only number and name are set, from the columns next
/// to the record.</param>
public sealed record RecordedEvent(FeedPosition Position, PersistenceId Id, StoredEvent Event)
{
    /// <summary>The damage in the stored form; empty when there is none.</summary>
    public IReadOnlyList<JournalDamage> Flaws { get; init; } = [];

    /// <summary>Whether <see cref="Event"/> contains the complete record.</summary>
    public bool IsReadable => !Flaws.Any(flaw => flaw.Kind == DamageKind.Unreadable);

    /// <summary>
    /// The damage because of which the event cannot be trusted; null when there is none. Columns next to a record that
    /// can be recreated from it (<see cref="DamageKind.Row"/>) do not count.
    /// </summary>
    public JournalDamage? Broken => Flaws.FirstOrDefault(flaw => flaw.Kind != DamageKind.Row);

    /// <summary>The record in its stored form.</summary>
    internal byte[] Record { get; private init; } = [];

    /// <summary>Creates an event that is not stored yet.</summary>
    internal static RecordedEvent Of(long position, PersistenceId id, StoredEvent stored) =>
        new(new FeedPosition(position), id, stored) { Record = StoredRecordForm.Encode(stored) };

    /// <summary>Reads a record.</summary>
    /// <param name="position">The position in the feed.</param>
    /// <param name="id">The id of the stream.</param>
    /// <param name="sequence">The number in the column next to the record.</param>
    /// <param name="name">The name in the column next to the record.</param>
    /// <param name="record">The record in its stored form.</param>
    internal static RecordedEvent Read(
        long position, PersistenceId id, long sequence, string name, byte[] record)
    {
        try
        {
            var read = new RecordedEvent(new FeedPosition(position), id, StoredRecordForm.Decode(name, record))
            {
                Record = record,
            };
            return read.Event.Sequence == sequence ? read : read.With(
                DamageKind.Sequence, $"the number stored next to its record is {sequence}");
        }
        catch (UnreadableEventException exception)
        {
            var known = new StoredEvent(
                sequence, name, [], DateTimeOffset.UnixEpoch, "", default, null, ChainHash.None, ChainHash.None);
            return new RecordedEvent(new FeedPosition(position), id, known) { Record = record }.With(
                DamageKind.Unreadable, exception.Message.TrimEnd('.'));
        }
    }

    /// <summary>Returns the event with an additional damage.</summary>
    internal RecordedEvent With(DamageKind kind, string what) => With(JournalDamage.At(kind, this, what));

    /// <inheritdoc cref="With(DamageKind, string)"/>
    internal RecordedEvent With(JournalDamage flaw) => this with { Flaws = [.. Flaws, flaw] };
}

/// <summary>A snapshot as a log stores it.</summary>
/// <param name="Id">The id of the stream.</param>
/// <param name="Sequence">The event after which the snapshot was taken, from the column next to the record.</param>
/// <param name="Snapshot">The snapshot; null when its record cannot be read.</param>
public sealed record RecordedSnapshot(PersistenceId Id, long Sequence, EntitySnapshot? Snapshot)
{
    /// <summary>The damage in the stored form; empty when there is none.</summary>
    public IReadOnlyList<JournalDamage> Flaws { get; private init; } = [];

    /// <summary>The record in its stored form.</summary>
    internal byte[] Record { get; private init; } = [];

    /// <summary>Creates a snapshot that is not stored yet.</summary>
    internal static RecordedSnapshot Of(PersistenceId id, EntitySnapshot snapshot) =>
        new(id, snapshot.Head.Sequence, snapshot) { Record = StoredRecordForm.Encode(snapshot) };

    /// <summary>Reads a record.</summary>
    internal static RecordedSnapshot Read(PersistenceId id, long sequence, byte[] record)
    {
        try
        {
            var snapshot = StoredRecordForm.DecodeSnapshot(record);
            var read = new RecordedSnapshot(id, sequence, snapshot) { Record = record };
            read = snapshot.Head.Sequence == sequence ? read : read.With(
                $"the number stored next to its snapshot is {sequence}, but the snapshot's own is "
                    + $"{snapshot.Head.Sequence}");
            return snapshot.IsIntact ? read : read.With("the checksum of its snapshot does not match");
        }
        catch (UnreadableEventException exception)
        {
            return new RecordedSnapshot(id, sequence, null) { Record = record }.With(
                $"its snapshot cannot be read: {exception.Message.TrimEnd('.')}");
        }
    }

    /// <summary>Returns the snapshot with an additional damage.</summary>
    internal RecordedSnapshot With(string what) => this with
    {
        Flaws = [.. Flaws, new JournalDamage(DamageKind.Snapshot, Id, Sequence, null, null, what)],
    };
}
