using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.InMemory;
using ReplicationEngine.Tests.Persistence.Conformance;

namespace ReplicationEngine.Tests.Persistence.Properties;

/// <summary>What a store can do wrong.</summary>
public enum StoreBug
{
    TakesANumberTwice,
    TakesACommandTwice,
    LeavesGapsInTheFeed,
    KeepsTheLastSnapshotSaved,
    ForgetsTheWakeMark,
}

/// <summary>The store in memory with one deliberate bug, to show that the properties find it.</summary>
internal sealed class BrokenHarness(StoreBug bug) : StoreHarness, IEventLog
{
    private readonly MemoryStore _memory = new();

    public override IEventLog Log => this;

    public bool ShowsAtOnce => true;

    public override Task HarmAsync(PersistenceId id, long sequence, Damage damage) =>
        throw new InvalidOperationException("A broken store needs no damage.");

    public override async Task<Exception?> WriteAsync(PersistenceId id, params StoredEvent[] events)
    {
        var failure = await base.WriteAsync(id, events);
        return (bug, failure?.Message) switch
        {
            (StoreBug.TakesANumberTwice, { } taken) when taken.StartsWith("Event", StringComparison.Ordinal) => null,
            (StoreBug.TakesACommandTwice, { } taken) when taken.StartsWith("Command", StringComparison.Ordinal) => null,
            _ => failure,
        };
    }

    public override async Task SaveAsync(PersistenceId id, EntitySnapshot snapshot)
    {
        if (bug == StoreBug.KeepsTheLastSnapshotSaved)
        {
            _memory.Forget(id.ToString());
        }

        await base.SaveAsync(id, snapshot);
    }

    public ValueTask<StreamSlice> ReadStreamAsync(
        PersistenceId id, StreamHead after, int maxEvents, CancellationToken cancellationToken) =>
        _memory.ReadStreamAsync(id, after, maxEvents, cancellationToken);

    public async ValueTask<IReadOnlyList<FeedEvent>> ReadFeedAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken)
    {
        var feed = await _memory.ReadFeedAsync(after, maxEvents, cancellationToken);
        return bug == StoreBug.LeavesGapsInTheFeed && feed.Count > 4 ? [.. feed.Skip(1)] : feed;
    }

    public ValueTask<StreamHead?> HeadAtAsync(
        PersistenceId id, long sequence, CancellationToken cancellationToken) =>
        _memory.HeadAtAsync(id, sequence, cancellationToken);

    public ValueTask<IReadOnlyList<FeedPlace>> ReadPlacesAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken) =>
        _memory.ReadPlacesAsync(after, maxEvents, cancellationToken);

    public bool MayBeArchived => false;

    public ValueTask<long> ArchivedToAsync(PersistenceId id, CancellationToken cancellationToken) =>
        _memory.ArchivedToAsync(id, cancellationToken);

    public ValueTask<FeedPosition> FeedEndAsync(CancellationToken cancellationToken) =>
        _memory.FeedEndAsync(cancellationToken);

    public ValueTask<long> CountFeedAsync(FeedPosition after, CancellationToken cancellationToken) =>
        _memory.CountFeedAsync(after, cancellationToken);

    public ValueTask<CommandRecord?> FindCommandAsync(
        PersistenceId id, CommandId commandId, CancellationToken cancellationToken) =>
        _memory.FindCommandAsync(id, commandId, cancellationToken);

    public ValueTask<IReadOnlyList<PersistenceId>> ListAsync(string type, CancellationToken cancellationToken) =>
        _memory.ListAsync(type, cancellationToken);

    public async ValueTask<IReadOnlyList<WakeEntry>> ListWakesAsync(string type, CancellationToken cancellationToken)
    {
        var wakes = await _memory.ListWakesAsync(type, cancellationToken);
        return bug == StoreBug.ForgetsTheWakeMark && wakes.Count > 1 ? [.. wakes.Skip(1)] : wakes;
    }

    protected override IEngineStore Make() => _memory;
}
