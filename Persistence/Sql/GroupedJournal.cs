using System.Collections.Immutable;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Journal;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Persistence.Archives;
using ReplicationEngine.Persistence.Serialization;
using AkkaSerialization = Akka.Serialization.Serialization;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// Akka.Persistence.Sql's journal on SQLite with a writer of our own: Akka.Persistence.Sql opens a connection and
/// prepares its statements for every batch, and fails all writes of a batch for one.
/// </summary>
/// <param name="config">The plugin's settings.</param>
public sealed class GroupedJournal(Config config) : ArchivingJournal(config)
{
    private readonly AkkaSerialization _serialization = Context.System.Serialization;
    private readonly SqliteWriter _writer = Context.System.Settings.Setup.Get<SqliteWriter>() is
        { HasValue: true, Value: var writer }
        ? writer : throw new InvalidOperationException("The actor system was not set up by the engine's SQLite store.");

    /// <inheritdoc/>
    protected override async Task<IImmutableList<Exception>> WriteMessagesAsync(
        IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken)
    {
        // Each is a command of its own; those of one entity stand and fall together, as they were given together.
        var rows = messages
            .SelectMany(write => (IImmutableList<IPersistentRepresentation>)write.Payload)
            .Select(Row).ToList();
        await _writer.WriteAsync(rows);
        return null!;
    }

    /// <inheritdoc/>
    public override async Task<long> ReadHighestSequenceNrAsync(
        string persistenceId, long fromSequenceNr, CancellationToken cancellationToken)
    {
        // What a former actor of the entity has given to be written is decided first.
        await _writer.SettleAsync();
        return await base.ReadHighestSequenceNrAsync(persistenceId, fromSequenceNr, cancellationToken);
    }

    private JournalRow Row(IPersistentRepresentation written)
    {
        var (payload, tags) = written.Payload is Tagged tagged
            ? (tagged.Payload, tagged.Tags.Count == 0 ? "" : $";{string.Join(';', tagged.Tags)};")
            : (written.Payload, "");
        if (payload is StoredEvent stored)
        {
            return new JournalRow(
                written.PersistenceId, written.SequenceNr, StoredRecordForm.Encode(stored), tags, stored.Name,
                SqliteJournalSchema.SerializerId, written.WriterGuid);
        }

        var serializer = _serialization.FindSerializerFor(payload);
        return new JournalRow(
            written.PersistenceId, written.SequenceNr, serializer.ToBinary(payload), tags,
            AkkaSerialization.ManifestFor(serializer, payload), serializer.Identifier, written.WriterGuid);
    }
}
