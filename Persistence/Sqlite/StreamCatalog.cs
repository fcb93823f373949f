using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Sqlite;

/// <summary>
/// The streams in memory. Only the writer adds and changes entries, always under <see cref="Gate"/> and only after the
/// commit; readers look under the same lock. An entry with unindexed events is never dropped, so for a stream that is
/// not here the tables say everything.
/// </summary>
internal sealed class StreamCatalog
{
    private const int MaxClean = 50_000;

    private readonly Dictionary<PersistenceId, StreamEntry> _byId = [];
    private readonly Dictionary<long, StreamEntry> _byKey = [];

    public Lock Gate { get; } = new();

    /// <summary>How many events the index tables do not hold.</summary>
    public int Unindexed { get; private set; }

    public StreamEntry? Find(PersistenceId id) => _byId.GetValueOrDefault(id);

    public StreamEntry? Find(long key) => _byKey.GetValueOrDefault(key);

    public void Add(StreamEntry entry)
    {
        _byId[entry.Id] = entry;
        _byKey[entry.Key] = entry;
    }

    public void CountUnindexed(int events) => Unindexed += events;

    /// <summary>The entries whose events the index tables lack, by key.</summary>
    public IReadOnlyList<StreamEntry> Dirty() =>
        [.. _byId.Values.Where(entry => entry.Tail.Count > 0).OrderBy(entry => entry.Key)];

    /// <summary>Everything is in the tables now; forgets streams when there are very many.</summary>
    public void MarkIndexed(IReadOnlyList<StreamEntry> entries)
    {
        foreach (var entry in entries)
        {
            entry.MarkIndexed();
        }

        Unindexed = 0;
        if (_byId.Count > MaxClean)
        {
            _byId.Clear();
            _byKey.Clear();
        }
    }
}
