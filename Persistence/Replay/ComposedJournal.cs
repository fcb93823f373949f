using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// A log that is composed in memory, to be imported: command after command, with their sealed events.
/// </summary>
public sealed class ComposedJournal : RecordedJournal
{
    private readonly List<RecordedEvent> _events = [];
    private readonly Dictionary<PersistenceId, StreamHead> _heads = [];

    /// <summary>Creates an empty log.</summary>
    /// <param name="name">The log's name in messages.</param>
    public ComposedJournal(string name)
        : base(name)
    {
    }

    /// <inheritdoc/>
    public override long EventCount => _events.Count;

    /// <inheritdoc/>
    public override bool IsWhole => true;

    /// <inheritdoc/>
    public override IReadOnlyList<PersistenceId> Streams => [.. InOrder(_heads.Keys)];

    /// <inheritdoc/>
    public override IReadOnlyList<RecordedSnapshot> Snapshots => [];

    /// <summary>Appends the events of one command to their stream.</summary>
    /// <param name="id">The id of the stream.</param>
    /// <param name="context">The context of the decision that produced the events.</param>
    /// <param name="command">The encoded command.</param>
    /// <param name="events">The encoded events; at least one.</param>
    /// <param name="wake">The wake mark after the events.</param>
    public void Add(
        PersistenceId id, DecisionContext context, EncodedCommand command, IReadOnlyList<EncodedEvent> events,
        WakeMark wake)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(events);
        var recorded = new RecordedCommand(command.Name, command.Payload, context.Digest, context.Steady, wake);
        foreach (var (index, encoded) in events.Index())
        {
            var stored = EventChain.Seal(
                _heads.GetValueOrDefault(id), encoded, context.Now, context.Actor, context.CommandId,
                index == events.Count - 1 ? recorded : null);
            _events.Add(RecordedEvent.Of(_events.Count + 1, id, stored));
            _heads[id] = stored.Head;
        }
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
        // The log only holds memory.
    }
}
