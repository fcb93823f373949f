using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Replay;

namespace ReplicationEngine.Persistence.Archives;

/// <summary>Consecutive events of one stream as a log, as written to an archive's file.</summary>
internal sealed class StreamPart(PersistenceId id, StreamHead before, IReadOnlyList<RecordedEvent> events)
    : RecordedJournal(id.ToString())
{
    /// <inheritdoc/>
    public override long EventCount => events.Count;

    /// <inheritdoc/>
    public override bool IsWhole => false;

    /// <inheritdoc/>
    public override IReadOnlyList<PersistenceId> Streams => [id];

    /// <inheritdoc/>
    public override IReadOnlyList<RecordedSnapshot> Snapshots => [];

    /// <inheritdoc/>
    public override StreamHead BeginsBehind(PersistenceId stream) => stream == id ? before : StreamHead.Start;

    /// <inheritdoc/>
    public override StreamHead? DeclaredHead(PersistenceId stream) => null;

    /// <inheritdoc/>
    public override IEnumerable<RecordedEvent> ReadAll() => events;

    /// <inheritdoc/>
    public override IEnumerable<RecordedEvent> Read(PersistenceId stream) => stream == id ? events : [];

    /// <inheritdoc/>
    public override IEnumerable<JournalDamage> CheckStore() => [];

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // The log only holds memory.
    }
}
