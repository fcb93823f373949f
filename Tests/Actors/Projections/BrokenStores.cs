using Akka.Actor.Setup;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.InMemory;

namespace ReplicationEngine.Tests.Actors.Projections;

/// <summary>Documents whose store fails at chosen calls, before it has done its work or after.</summary>
internal sealed class FailingDocuments(Func<int, bool> before, Func<int, bool> after) : IDocumentStore
{
    private readonly MemoryDocuments _documents = new();
    private int _calls;

    /// <summary>Awaited once, before documents of this kind are looked for.</summary>
    public (string Kind, Func<Task> Work)? Finding { get; set; }

    /// <summary>How many calls there were.</summary>
    public int Calls => Volatile.Read(ref _calls);

    public ValueTask OpenAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask<IReadOnlyList<ProjectionHead>> HeadsAsync(CancellationToken cancellationToken) =>
        CallAsync(() => _documents.HeadsAsync(cancellationToken));

    public async ValueTask<IReadOnlyList<StoredDocument>> FindAsync(
        DocumentSet set, IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
    {
        if (Finding is var (kind, work) && kind == set.Kind)
        {
            Finding = null;
            await work();
        }

        return await CallAsync(() => _documents.FindAsync(set, ids, cancellationToken));
    }

    public ValueTask<IReadOnlyList<StoredDocument>> ListAsync(
        DocumentSet set, DocumentRange range, CancellationToken cancellationToken) =>
        _documents.ListAsync(set, range, cancellationToken);

    public async ValueTask CommitAsync(ProjectionBatch batch, CancellationToken cancellationToken) =>
        await CallAsync(async () =>
        {
            await _documents.CommitAsync(batch, cancellationToken);
            return true;
        });

    public ValueTask DropAsync(string projection, long generation, CancellationToken cancellationToken) =>
        _documents.DropAsync(projection, generation, cancellationToken);

    private async ValueTask<T> CallAsync<T>(Func<ValueTask<T>> call)
    {
        var number = Interlocked.Increment(ref _calls);
        ThrowIf(before(number), number);
        var result = await call();
        ThrowIf(after(number), number);
        return result;
    }

    private static void ThrowIf(bool fails, int number)
    {
        if (fails)
        {
            throw new JournalUnavailableException($"The store fails at call {number}.", null);
        }
    }
}

/// <summary>A store whose feed leaves out what is hidden, though the streams have it, and whose look at the room left
/// may throw.</summary>
internal sealed class OddStore(Func<PersistenceId, long, bool> hides, Func<string?>? whyFull = null)
    : IEngineStore, IEventLog
{
    private readonly MemoryStore _memory = new();

    public IEventLog Log => this;

    public bool ShowsAtOnce => true;

    public IDocumentStore Documents => _memory.Documents;

    public string Configuration => _memory.Configuration;

    public IReadOnlyList<Setup> Setups => _memory.Setups;

    public void Open() => _memory.Open();

    public string? WhyFull() => whyFull?.Invoke();

    public void Close() => _memory.Close();

    public async ValueTask<IReadOnlyList<FeedEvent>> ReadFeedAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken) =>
        [.. (await _memory.ReadFeedAsync(after, maxEvents, cancellationToken))
            .Where(each => !hides(each.Id, each.Event.Sequence))];

    public ValueTask<StreamHead?> HeadAtAsync(
        PersistenceId id, long sequence, CancellationToken cancellationToken) =>
        _memory.HeadAtAsync(id, sequence, cancellationToken);

    public ValueTask<IReadOnlyList<FeedPlace>> ReadPlacesAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken) =>
        _memory.ReadPlacesAsync(after, maxEvents, cancellationToken);

    public bool MayBeArchived => false;

    public ValueTask<long> ArchivedToAsync(PersistenceId id, CancellationToken cancellationToken) =>
        _memory.ArchivedToAsync(id, cancellationToken);

    public ValueTask<ArchivedEvents> ArchiveAsync(
        DateTimeOffset before, int atLeast, CancellationToken cancellationToken) =>
        _memory.ArchiveAsync(before, atLeast, cancellationToken);

    public ValueTask<FeedPosition> FeedEndAsync(CancellationToken cancellationToken) =>
        _memory.FeedEndAsync(cancellationToken);

    public ValueTask<long> CountFeedAsync(FeedPosition after, CancellationToken cancellationToken) =>
        _memory.CountFeedAsync(after, cancellationToken);

    public ValueTask<StreamSlice> ReadStreamAsync(
        PersistenceId id, StreamHead after, int maxEvents, CancellationToken cancellationToken) =>
        _memory.ReadStreamAsync(id, after, maxEvents, cancellationToken);

    public ValueTask<CommandRecord?> FindCommandAsync(
        PersistenceId id, CommandId commandId, CancellationToken cancellationToken) =>
        _memory.FindCommandAsync(id, commandId, cancellationToken);

    public ValueTask<IReadOnlyList<PersistenceId>> ListAsync(string type, CancellationToken cancellationToken) =>
        _memory.ListAsync(type, cancellationToken);

    public ValueTask<IReadOnlyList<WakeEntry>> ListWakesAsync(string type, CancellationToken cancellationToken) =>
        _memory.ListWakesAsync(type, cancellationToken);
}
