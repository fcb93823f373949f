using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>A log that is made in memory, to be imported: stream after stream, each with its sealed events.</summary>
public sealed class ComposedJournal : RecordedJournal
{
    private readonly List<RecordedEvent> _events = [];
    private readonly List<PersistenceId> _streams = [];

    /// <summary>An empty log.</summary>
    /// <param name="name">Names it in messages.</param>
    public ComposedJournal(string name)
        : base(name)
    {
    }

    /// <inheritdoc/>
    public override long EventCount => _events.Count;

    /// <inheritdoc/>
    public override bool IsWhole => true;

    /// <inheritdoc/>
    public override IReadOnlyList<PersistenceId> Streams => [.. InOrder(_streams)];

    /// <inheritdoc/>
    public override IReadOnlyList<Lease> Leases => [];

    /// <inheritdoc/>
    public override IReadOnlyList<StoredSnapshot> Snapshots => [];

    /// <summary>Adds a stream with the events of its first command.</summary>
    /// <param name="id">A stream that is not there yet.</param>
    /// <param name="context">Of the decision that led to the events.</param>
    /// <param name="events">At least one, encoded.</param>
    /// <param name="wake">The wake mark after them.</param>
    public void Add(
        PersistenceId id, DecisionContext context, IReadOnlyList<EncodedEvent> events, WakeMark wake)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(events);
        var head = StreamHead.Start;
        foreach (var encoded in events)
        {
            var stored = EventChain.Seal(head, encoded, context.Now, context.Actor, context.CommandId);
            _events.Add(new RecordedEvent(new FeedPosition(_events.Count + 1), id, stored, wake));
            head = new StreamHead(stored.Sequence, stored.Hash);
        }

        _streams.Add(id);
    }

    /// <inheritdoc/>
    public override StreamHead? DeclaredHead(PersistenceId id) => null;

    /// <inheritdoc/>
    public override IEnumerable<RecordedEvent> ReadAll() => _events;

    /// <inheritdoc/>
    public override IEnumerable<RecordedEvent> Read(PersistenceId id) => _events.Where(recorded => recorded.Id == id);

    /// <inheritdoc/>
    public override IEnumerable<JournalDamage> CheckStore() => [];

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // It holds memory only.
    }
}
