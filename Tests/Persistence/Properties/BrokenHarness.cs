using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.InMemory;
using ReplicationEngine.Tests.Persistence.Conformance;

namespace ReplicationEngine.Tests.Persistence.Properties;

/// <summary>What a store can do wrong.</summary>
public enum StoreBug
{
    IgnoresTheToken,
    TakesACommandTwice,
    LeavesGapsInTheFeed,
    KeepsTheLastSnapshotSaved,
    ForgetsTheWakeMark,
}

/// <summary>The store in memory with one deliberate bug, to show that the properties find it.</summary>
internal sealed class BrokenHarness : StoreHarness, IEventJournal, ISnapshotStore, IReminderIndex
{
    private readonly StoreBug _bug;
    private readonly InMemoryLeases _leases = new();
    private readonly InMemoryJournal _journal;
    private readonly Dictionary<PersistenceId, StoredSnapshot> _snapshots = [];

    public BrokenHarness(StoreBug bug) => (_bug, _journal) = (bug, new InMemoryJournal(_leases));

    public override IEventJournal Journal => this;

    public override ISnapshotStore Snapshots => this;

    public override ILeaseStore Leases => _leases;

    public override IReminderIndex Reminders => this;

    public override void Reopen()
    {
    }

    public override void Harm(PersistenceId id, long sequence, Damage damage) =>
        throw new InvalidOperationException("A broken store needs no damage.");

    public override void Dispose()
    {
    }

    public async ValueTask<AppendOutcome> AppendAsync(AppendRequest request, CancellationToken cancellationToken)
    {
        var taken = _bug switch
        {
            StoreBug.IgnoresTheToken => request with
            {
                Token = new FencingToken(JournalModel.Lease, _leases.EpochOf(JournalModel.Lease)),
            },
            StoreBug.ForgetsTheWakeMark => request with { Wake = WakeMark.None },
            _ => request,
        };
        var outcome = await _journal.AppendAsync(taken, cancellationToken);
        return _bug == StoreBug.TakesACommandTwice && outcome is AppendOutcome.Duplicate
            ? new AppendOutcome.Appended(new FeedPosition(1)) : outcome;
    }

    public ValueTask<StreamSlice> ReadStreamAsync(
        PersistenceId id, StreamHead after, int maxEvents, CancellationToken cancellationToken) =>
        _journal.ReadStreamAsync(id, after, maxEvents, cancellationToken);

    public async ValueTask<IReadOnlyList<FeedEvent>> ReadFeedAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken)
    {
        var feed = await _journal.ReadFeedAsync(after, maxEvents, cancellationToken);
        return _bug == StoreBug.LeavesGapsInTheFeed && feed.Count > 4 ? [.. feed.Skip(1)] : feed;
    }

    public ValueTask<CommandRecord?> FindCommandAsync(
        PersistenceId id, CommandId commandId, CancellationToken cancellationToken) =>
        _journal.FindCommandAsync(id, commandId, cancellationToken);

    public ValueTask<IReadOnlyList<PersistenceId>> ListAsync(string type, CancellationToken cancellationToken) =>
        _journal.ListAsync(type, cancellationToken);

    public ValueTask<IReadOnlyList<WakeEntry>> ListWakesAsync(string type, CancellationToken cancellationToken) =>
        _journal.ListWakesAsync(type, cancellationToken);

    public ValueTask<StoredSnapshot?> LoadAsync(PersistenceId id, CancellationToken cancellationToken) =>
        new(_snapshots.GetValueOrDefault(id));

    public ValueTask SaveAsync(StoredSnapshot snapshot, CancellationToken cancellationToken)
    {
        var known = _snapshots.GetValueOrDefault(snapshot.Id);
        if (known is null || known.Head.Sequence <= snapshot.Head.Sequence
            || _bug == StoreBug.KeepsTheLastSnapshotSaved)
        {
            _snapshots[snapshot.Id] = snapshot;
        }

        return ValueTask.CompletedTask;
    }
}
