using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Serialization;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>An event as a log holds it.</summary>
/// <param name="Position">Its place in the feed of the journal that recorded it.</param>
/// <param name="Id">Its stream.</param>
/// <param name="Event">
/// The event; where its record cannot be read, only number and name, as they stand next to the record.
/// </param>
public sealed record RecordedEvent(FeedPosition Position, PersistenceId Id, StoredEvent Event)
{
    /// <summary>What is wrong with the way it is stored; none where nothing is.</summary>
    public IReadOnlyList<JournalDamage> Flaws { get; init; } = [];

    /// <summary>Whether <see cref="Event"/> is all that its record says.</summary>
    public bool IsReadable => !Flaws.Any(flaw => flaw.Kind == DamageKind.Unreadable);

    /// <summary>
    /// The flaw for which the event cannot be trusted; null without one. What stands next to a record and can be made
    /// again from it (<see cref="DamageKind.Row"/>) is none.
    /// </summary>
    public JournalDamage? Broken => Flaws.FirstOrDefault(flaw => flaw.Kind != DamageKind.Row);

    /// <summary>The record as it is stored.</summary>
    internal byte[] Record { get; private init; } = [];

    /// <summary>An event that is yet to be stored.</summary>
    internal static RecordedEvent Of(long position, PersistenceId id, StoredEvent stored) =>
        new(new FeedPosition(position), id, stored) { Record = StoredRecordForm.Encode(stored) };

    /// <summary>Reads a record.</summary>
    /// <param name="position">Its place in the feed.</param>
    /// <param name="id">Its stream.</param>
    /// <param name="sequence">The number that stands next to it.</param>
    /// <param name="name">The name that stands next to it.</param>
    /// <param name="record">The record.</param>
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

    /// <summary>The event with one flaw more.</summary>
    internal RecordedEvent With(DamageKind kind, string what) => With(JournalDamage.At(kind, this, what));

    /// <inheritdoc cref="With(DamageKind, string)"/>
    internal RecordedEvent With(JournalDamage flaw) => this with { Flaws = [.. Flaws, flaw] };
}

/// <summary>A snapshot as a log holds it.</summary>
/// <param name="Id">Its stream.</param>
/// <param name="Sequence">The event it was taken after, as it stands next to the record.</param>
/// <param name="Snapshot">The snapshot; null where its record cannot be read.</param>
public sealed record RecordedSnapshot(PersistenceId Id, long Sequence, EntitySnapshot? Snapshot)
{
    /// <summary>What is wrong with the way it is stored; none where nothing is.</summary>
    public IReadOnlyList<JournalDamage> Flaws { get; private init; } = [];

    /// <summary>The record as it is stored.</summary>
    internal byte[] Record { get; private init; } = [];

    /// <summary>A snapshot that is yet to be stored.</summary>
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

    /// <summary>The snapshot with one flaw more.</summary>
    internal RecordedSnapshot With(string what) => this with
    {
        Flaws = [.. Flaws, new JournalDamage(DamageKind.Snapshot, Id, Sequence, null, null, what)],
    };
}
