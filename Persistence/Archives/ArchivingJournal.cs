using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Sql.Journal;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Persistence.Sql;

namespace ReplicationEngine.Persistence.Archives;

/// <summary>
/// The journal of Akka.Persistence.Sql, extended to deliver archived events first to an entity that reads its whole
/// stream.
/// </summary>
/// <param name="config">The settings of the plugin.</param>
internal class ArchivingJournal(Config config) : SqlWriteJournal(config)
{
    private const string Writer = "archive";

    /// <inheritdoc/>
    public override async Task ReplayMessagesAsync(
        IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(recoveryCallback);
        // An entity that uses its snapshot reads after it, and archived events precede it.
        if (fromSequenceNr > 1 || max <= 0
            || context.System.Settings.Setup.Get<ArchivedReplay>() is not { HasValue: true, Value: var archived })
        {
            await base.ReplayMessagesAsync(
                context, persistenceId, fromSequenceNr, toSequenceNr, max, recoveryCallback);
            return;
        }

        var (next, left) = (1L, max);
        await foreach (var record in archived.ReadAsync(persistenceId))
        {
            if (record.Sequence > toSequenceNr || left == 0)
            {
                return;
            }

            recoveryCallback(new Persistent(record.Payload, record.Sequence, persistenceId, writerGuid: Writer));
            (next, left) = (record.Sequence + 1, left - 1);
        }

        if (next > toSequenceNr || left == 0)
        {
            return;
        }

        var first = 0L;
        await base.ReplayMessagesAsync(context, persistenceId, next, toSequenceNr, left, stored =>
        {
            first = first == 0 ? stored.SequenceNr : first;
            recoveryCallback(stored);
        });
        if (first > next && await archived.ReachesAsync(persistenceId, next))
        {
            // The events were moved between the two reads: the next recovery finds them.
            throw new JournalUnavailableException(
                $"Events of {persistenceId} from {next} on were moved to the archive while they were read.");
        }
    }
}

/// <summary>Gives the journal plugin access to archived events.</summary>
internal sealed class ArchivedReplay(SqlEventLog log, ArchiveDirectory? archive) : Setup
{
    /// <summary>
    /// Returns a stream's archived events in order. A damaged event is replaced by an <see cref="UnreadableRecord"/>,
    /// after which nothing follows.
    /// </summary>
    /// <exception cref="JournalUnavailableException">A file cannot be read now.</exception>
    public async IAsyncEnumerable<(long Sequence, object Payload)> ReadAsync(string persistenceId)
    {
        if (PersistenceIdText.Read(persistenceId) is not { } id)
        {
            yield break;
        }

        foreach (var part in await log.PartsAsync(id, CancellationToken.None))
        {
            var events = Read(part, out var damage);
            foreach (var stored in events)
            {
                yield return (stored.Sequence, stored);
            }

            if (damage is not null)
            {
                yield return (part.Last, damage);
            }
        }
    }

    /// <summary>Whether an event is in the archive.</summary>
    /// <exception cref="JournalUnavailableException">The journal cannot be read now.</exception>
    public async Task<bool> ReachesAsync(string persistenceId, long sequence) =>
        PersistenceIdText.Read(persistenceId) is { } id
        && await log.ArchivedToAsync(id, CancellationToken.None) >= sequence;

    private IReadOnlyList<StoredEvent> Read(ArchivePart part, out UnreadableRecord? damage)
    {
        damage = null;
        try
        {
            return archive?.ReadSealed(part) ?? throw new JournalUnavailableException(
                $"Events {part.First} to {part.Last} of {part.Id} are in the journal's archive; name its directory.");
        }
        catch (JournalCorruptException exception)
        {
            damage = new UnreadableRecord("archive", $"cannot be read: {exception.Damage}");
            return [];
        }
    }
}
