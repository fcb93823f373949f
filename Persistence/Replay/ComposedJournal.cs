using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>A log that is made in memory, to be imported: command after command, with their sealed events.</summary>
public sealed class ComposedJournal : RecordedJournal
{
    private readonly List<RecordedEvent> _events = [];
    private readonly Dictionary<PersistenceId, StreamHead> _heads = [];

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
    public override IReadOnlyList<PersistenceId> Streams => [.. InOrder(_heads.Keys)];

    /// <inheritdoc/>
    public override IReadOnlyList<RecordedSnapshot> Snapshots => [];

    /// <summary>Adds the events of one command behind those of its stream.</summary>
    /// <param name="id">The stream.</param>
    /// <param name="context">Of the decision that led to the events.</param>
    /// <param name="command">The command, encoded.</param>
    /// <param name="events">At least one, encoded.</param>
    /// <param name="wake">The wake mark after them.</param>
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
        // It holds memory only.
    }
}
