using Akka.Actor.Setup;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Serialization;

namespace ReplicationEngine.Persistence.InMemory;

/// <summary>
/// Journal and snapshots in memory, for tests and simulations. The data lives as long as this object, across any number
/// of actor systems. Like every journal, it refuses a sequence number or a command's id that is already used.
/// </summary>
internal sealed class MemoryStore : IEngineStore, IEventLog
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, MemoryStream> _streams = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (long Sequence, object Snapshot)> _snapshots = new(StringComparer.Ordinal);
    private readonly List<(string Id, int Index)> _feed = [];

    /// <summary>Awaited before a command's events are written. An exception fails the write.</summary>
    public Func<IReadOnlyList<StoredEvent>, Task>? Writing { get; set; }

    /// <summary>Awaited after a command's events were written. An exception makes the outcome unknown.</summary>
    public Func<IReadOnlyList<StoredEvent>, Task>? Written { get; set; }

    /// <summary>Called before an entity reads its stream. An exception fails its recovery.</summary>
    public Action<string>? Reading { get; set; }

    /// <summary>Why the store is full; null while there is room.</summary>
    public string? Full { get; set; }

    /// <inheritdoc/>
    public IEventLog Log => this;

    /// <inheritdoc/>
    public bool ShowsAtOnce => true;

    /// <inheritdoc/>
    public IDocumentStore Documents { get; init; } = new MemoryDocuments();

    /// <inheritdoc/>
    public string Configuration => $$"""
        {{StoredRecordSerializer.Configuration}}
        akka.persistence {
          journal.plugin = "akka.persistence.journal.memory"
          snapshot-store.plugin = "akka.persistence.snapshot-store.memory"
          journal.memory {
            class = "ReplicationEngine.Persistence.InMemory.MemoryJournal, ReplicationEngine.Persistence"
            plugin-dispatcher = "akka.actor.default-dispatcher"
          }
          snapshot-store.memory {
            class = "ReplicationEngine.Persistence.InMemory.MemorySnapshots, ReplicationEngine.Persistence"
            plugin-dispatcher = "akka.actor.default-dispatcher"
          }
        }
        """;

    /// <inheritdoc/>
    public IReadOnlyList<Setup> Setups => [new MemoryStoreSetup(this)];

    /// <inheritdoc/>
    public void Open()
    {
        // Memory is always open.
    }

    /// <inheritdoc/>
    public string? WhyFull() => Full;

    /// <inheritdoc/>
    public ValueTask<ArchivedEvents> ArchiveAsync(
        DateTimeOffset before, int atLeast, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new ArchivedEvents(0, 0, []));

    /// <inheritdoc/>
    public bool MayBeArchived => false;

    /// <inheritdoc/>
    public ValueTask<long> ArchivedToAsync(PersistenceId id, CancellationToken cancellationToken) =>
        ValueTask.FromResult(0L);

    /// <inheritdoc/>
    public void Close()
    {
        // The data is kept for the next actor system.
    }

    /// <summary>Writes the events of one command, all or none.</summary>
    /// <exception cref="InvalidOperationException">A sequence number or the command's id is already used.</exception>
    public void Append(string id, IReadOnlyList<StoredEvent> events)
    {
        lock (_gate)
        {
            if (!_streams.TryGetValue(id, out var stream))
            {
                _streams[id] = stream = new MemoryStream([], []);
            }

            var records = stream.Records;
            if (events[0].Sequence != records.Count + 1)
            {
                throw new InvalidOperationException(
                    $"Event {events[0].Sequence} of {id} already exists or comes too early: the stream has "
                        + $"{records.Count}.");
            }

            // Only the last of a command's events ends the command.
            foreach (var stored in events)
            {
                if (stored.EndsCommand && !stream.Commands.TryAdd(stored.CommandId, stored.Sequence))
                {
                    throw new InvalidOperationException($"Command {stored.CommandId} of {id} already has its events.");
                }
            }

            foreach (var stored in events)
            {
                _feed.Add((id, records.Count));
                records.Add(stored);
            }
        }
    }

    /// <summary>Returns the records of a stream between two numbers, both included.</summary>
    public IReadOnlyList<object> Read(string id, long from, long to)
    {
        lock (_gate)
        {
            return _streams.TryGetValue(id, out var stream)
                ? [.. stream.Records.Take((int)Math.Min(to, stream.Records.Count)).Skip((int)Math.Max(0, from - 1))]
                : [];
        }
    }

    /// <summary>Returns the number of a stream's last event.</summary>
    public long Last(string id)
    {
        lock (_gate)
        {
            return _streams.TryGetValue(id, out var stream) ? stream.Records.Count : 0;
        }
    }

    /// <summary>Replaces an event with another record, so that a test can damage a stream.</summary>
    public void Replace(PersistenceId id, long sequence, object record)
    {
        lock (_gate)
        {
            _streams[id.ToString()].Records[(int)sequence - 1] = record;
        }
    }

    /// <summary>Stores a snapshot unless a newer one is stored.</summary>
    public void Save(string id, long sequence, object snapshot)
    {
        lock (_gate)
        {
            if (!_snapshots.TryGetValue(id, out var kept) || kept.Sequence <= sequence)
            {
                _snapshots[id] = (sequence, snapshot);
            }
        }
    }

    /// <summary>Deletes the snapshot.</summary>
    public void Forget(string id)
    {
        lock (_gate)
        {
            _snapshots.Remove(id);
        }
    }

    /// <summary>Returns the newest snapshot.</summary>
    public (long Sequence, object Snapshot)? Snapshot(string id)
    {
        lock (_gate)
        {
            return _snapshots.TryGetValue(id, out var kept) ? kept : null;
        }
    }

    /// <inheritdoc/>
    public ValueTask<StreamSlice> ReadStreamAsync(
        PersistenceId id, StreamHead after, int maxEvents, CancellationToken cancellationToken)
    {
        var text = id.ToString();
        var last = Last(text);
        var events = Read(text, after.Sequence + 1, Math.Min(last, after.Sequence + maxEvents))
            .Select((record, i) => Whole(id, after.Sequence + 1 + i, record)).ToList();
        return ValueTask.FromResult(StreamEnd.Check(id, after, events, last));
    }

    /// <inheritdoc/>
    public ValueTask<StreamHead?> HeadAtAsync(
        PersistenceId id, long sequence, CancellationToken cancellationToken) =>
        ValueTask.FromResult<StreamHead?>(sequence == 0 ? StreamHead.Start
            : Read(id.ToString(), sequence, sequence) is [var record]
                ? StreamEnd.HeadOf(id, sequence, Whole(id, sequence, record)) : null);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<FeedEvent>> ReadFeedAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult<IReadOnlyList<FeedEvent>>(
            [
                .. _feed.Skip((int)after.Value).Take(maxEvents).Select((place, i) =>
                {
                    var id = PersistenceIdText.Read(place.Id)!.Value;
                    return new FeedEvent(
                        new FeedPosition(after.Value + i + 1), id,
                        Whole(id, place.Index + 1, _streams[place.Id].Records[place.Index]));
                }),
            ]);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<FeedPlace>> ReadPlacesAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult<IReadOnlyList<FeedPlace>>(
            [
                .. _feed.Skip((int)after.Value).Take(maxEvents).Select((place, i) => new FeedPlace(
                    new FeedPosition(after.Value + i + 1), PersistenceIdText.Read(place.Id), place.Index + 1)),
            ]);
        }
    }

    /// <inheritdoc/>
    public ValueTask<FeedPosition> FeedEndAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(new FeedPosition(_feed.Count));
        }
    }

    /// <inheritdoc/>
    public ValueTask<long> CountFeedAsync(FeedPosition after, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(_feed.Count - after.Value);
        }
    }

    /// <inheritdoc/>
    public ValueTask<CommandRecord?> FindCommandAsync(
        PersistenceId id, CommandId commandId, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(
                _streams.TryGetValue(id.ToString(), out var stream)
                && stream.Commands.TryGetValue(commandId, out var last)
                    ? new CommandRecord(
                        commandId, last, Whole(id, last, stream.Records[(int)last - 1]).Command?.Digest)
                    : null);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<PersistenceId>> ListAsync(string type, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(PersistenceIdText.Ordered(IdsOf(type), id => id));
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<WakeEntry>> ListWakesAsync(string type, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(PersistenceIdText.Ordered(
                IdsOf(type).Select(id => new WakeEntry(id, MarkOf(_streams[id.ToString()].Records[^1])))
                    .Where(wake => wake.Mark != WakeMark.None),
                wake => wake.Id));
        }
    }

    private static WakeMark MarkOf(object record) =>
        (record as StoredEvent)?.Command?.Wake ?? new WakeMark(null, OwesEffects: true);

    private static StoredEvent Whole(PersistenceId id, long sequence, object record) => record switch
    {
        StoredEvent stored => stored,
        UnreadableRecord unreadable => throw new JournalCorruptException(id, sequence, unreadable.Reason),
        _ => throw new JournalCorruptException(id, sequence, $"it is a {record.GetType().Name}"),
    };

    private IEnumerable<PersistenceId> IdsOf(string type) => _streams.Where(stream => stream.Value.Records.Count > 0)
        .Select(stream => PersistenceIdText.Read(stream.Key)!.Value).Where(id => id.Type == type);

    /// <summary>The records of an entity, and the last event of each command.</summary>
    private sealed record MemoryStream(List<object> Records, Dictionary<CommandId, long> Commands);
}

/// <summary>Passes a store to the plugins of an actor system.</summary>
internal sealed class MemoryStoreSetup(MemoryStore store) : Setup
{
    public MemoryStore Store => store;
}
