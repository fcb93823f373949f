using ReplicationEngine.Actors.Projections;

namespace ReplicationEngine.Persistence.InMemory;

/// <summary>Documents in memory, lost when the process ends.</summary>
internal sealed class MemoryDocuments : IDocumentStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Projection, long Generation), ProjectionHead> _heads = [];
    private readonly Dictionary<DocumentSet, SortedList<string, string>> _sets = [];

    /// <inheritdoc/>
    public ValueTask OpenAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ProjectionHead>> HeadsAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult<IReadOnlyList<ProjectionHead>>(
            [
                .. _heads.Values.OrderBy(head => head.Projection, StringComparer.Ordinal)
                    .ThenBy(head => head.Generation),
            ]);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredDocument>> FindAsync(
        DocumentSet set, IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            var documents = Of(set);
            var found = ids.Distinct(StringComparer.Ordinal).Where(documents.ContainsKey);
            return ValueTask.FromResult<IReadOnlyList<StoredDocument>>(
                [.. found.Select(id => new StoredDocument(id, documents[id]))]);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredDocument>> ListAsync(
        DocumentSet set, DocumentRange range, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            var direction = range.Descending ? -1 : 1;
            var documents = Of(set).Where(document =>
                document.Key.StartsWith(range.Prefix, StringComparison.Ordinal)
                && (range.After is not { } after
                    || Math.Sign(string.CompareOrdinal(document.Key, after)) == direction));
            return ValueTask.FromResult<IReadOnlyList<StoredDocument>>(
            [
                .. (range.Descending ? documents.Reverse() : documents).Take(range.Most)
                    .Select(document => new StoredDocument(document.Key, document.Value)),
            ]);
        }
    }

    /// <inheritdoc/>
    public ValueTask CommitAsync(ProjectionBatch batch, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            var to = batch.To;
            if (_heads.GetValueOrDefault((to.Projection, to.Generation))?.Revision != batch.From?.Revision)
            {
                throw new ProjectionMovedException(to);
            }

            _heads[(to.Projection, to.Generation)] = to;
            foreach (var change in batch.Changes)
            {
                var documents = Of(new DocumentSet(to.Projection, to.Generation, change.Kind));
                if (change.Body is { } body)
                {
                    documents[change.Id] = body;
                }
                else
                {
                    documents.Remove(change.Id);
                }
            }

            return ValueTask.CompletedTask;
        }
    }

    /// <inheritdoc/>
    public ValueTask DropAsync(string projection, long generation, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _heads.Remove((projection, generation));
            foreach (var set in _sets.Keys.Where(
                set => set.Projection == projection && set.Generation == generation).ToList())
            {
                _sets.Remove(set);
            }

            return ValueTask.CompletedTask;
        }
    }

    private SortedList<string, string> Of(DocumentSet set)
    {
        if (!_sets.TryGetValue(set, out var documents))
        {
            _sets[set] = documents = new SortedList<string, string>(StringComparer.Ordinal);
        }

        return documents;
    }
}
