using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;
using Akka.Persistence.Journal;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.InMemory;

/// <summary>A journal plugin that stores events in a <see cref="MemoryStore"/>.</summary>
internal sealed class MemoryJournal : AsyncWriteJournal
{
    private readonly MemoryStore _store = Context.System.Settings.Setup.Get<MemoryStoreSetup>().Value.Store;

    /// <inheritdoc/>
    protected override async Task<IImmutableList<Exception>?> WriteMessagesAsync(
        IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken)
    {
        foreach (var message in messages)
        {
            var written = (IImmutableList<IPersistentRepresentation>)message.Payload;
            var events = new StoredEvent[written.Count];
            for (var i = 0; i < events.Length; i++)
            {
                events[i] = (StoredEvent)written[i].Payload;
            }

            if (_store.Writing is { } writing)
            {
                await writing(events);
            }

            _store.Append(message.PersistenceId, events);
            if (_store.Written is { } told)
            {
                await told(events);
            }
        }

        return null;
    }

    /// <inheritdoc/>
    public override Task ReplayMessagesAsync(
        IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback)
    {
        _store.Reading?.Invoke(persistenceId);
        var left = max;
        var sequence = fromSequenceNr;
        foreach (var record in _store.Read(persistenceId, fromSequenceNr, toSequenceNr))
        {
            if (left-- == 0)
            {
                break;
            }

            recoveryCallback(new Persistent(record, sequence++, persistenceId));
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task<long> ReadHighestSequenceNrAsync(
        string persistenceId, long fromSequenceNr, CancellationToken cancellationToken) =>
        Task.FromResult(_store.Last(persistenceId));

    /// <inheritdoc/>
    protected override Task DeleteMessagesToAsync(
        string persistenceId, long toSequenceNr, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Events of a journal are never deleted.");
}
