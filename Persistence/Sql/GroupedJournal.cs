using System.Collections.Immutable;
using Akka.Configuration;
using Akka.Persistence;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Persistence.Archives;
using ReplicationEngine.Persistence.Serialization;
using AkkaSerialization = Akka.Serialization.Serialization;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// The journal of Akka.Persistence.Sql on SQLite with the engine's own writer. Akka.Persistence.Sql opens a connection
/// and prepares its statements for every batch, and one failed write fails the whole batch.
/// </summary>
/// <param name="config">The settings of the plugin.</param>
internal sealed class GroupedJournal(Config config) : ArchivingJournal(config)
{
    private readonly AkkaSerialization _serialization = Context.System.Serialization;
    private readonly SqliteWriter _writer = Context.System.Settings.Setup.Get<SqliteWriter>() is
        { HasValue: true, Value: var writer }
        ? writer : throw new InvalidOperationException("The actor system was not set up by the engine's SQLite store.");

    /// <inheritdoc/>
    protected override async Task<IImmutableList<Exception>> WriteMessagesAsync(
        IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken)
    {
        // Each message is a command of its own; messages of one entity succeed or fail together, as they were sent
        // together.
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
        // Pending writes of a previous actor of the entity are completed first.
        await _writer.SettleAsync();
        return await base.ReadHighestSequenceNrAsync(persistenceId, fromSequenceNr, cancellationToken);
    }

    private JournalRow Row(IPersistentRepresentation written)
    {
        if (written.Payload is StoredEvent stored)
        {
            return new JournalRow(
                written.PersistenceId, written.SequenceNr, StoredRecordForm.Encode(stored),
                stored.EndsCommand ? SqliteJournalSchema.TagOf(stored.CommandId) : "", stored.Name,
                SqliteJournalSchema.SerializerId, written.WriterGuid);
        }

        var serializer = _serialization.FindSerializerFor(written.Payload);
        return new JournalRow(
            written.PersistenceId, written.SequenceNr, serializer.ToBinary(written.Payload), "",
            AkkaSerialization.ManifestFor(serializer, written.Payload), serializer.Identifier, written.WriterGuid);
    }
}
