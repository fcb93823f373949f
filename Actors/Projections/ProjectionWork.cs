using System.Text.Json;

namespace ReplicationEngine.Actors.Projections;

/// <summary>Collects the document changes of one batch.</summary>
internal sealed class ProjectionWork(IDocumentStore store, ProjectionHead head) : IDocumentWork
{
    private readonly Dictionary<(string Kind, string Id), (object? Document, Func<string?> Body)> _seen = [];
    private readonly HashSet<(string Kind, string Id)> _changed = [];

    /// <summary>The changes, one for each document.</summary>
    public IReadOnlyList<DocumentChange> Changes =>
        [.. _changed.Select(key => new DocumentChange(key.Kind, key.Id, _seen[key].Body()))];

    /// <inheritdoc/>
    public async ValueTask<T?> FindAsync<T>(string id, CancellationToken cancellationToken)
        where T : class, IDocument<T>
    {
        if (!_seen.ContainsKey((T.Kind, id)))
        {
            await LoadAsync<T>([id], cancellationToken);
        }

        return (T?)_seen[(T.Kind, id)].Document;
    }

    /// <summary>Reads documents that will be requested, all at once.</summary>
    public async ValueTask LoadAsync<T>(IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
        where T : class, IDocument<T>
    {
        var set = new DocumentSet(head.Projection, head.Generation, T.Kind);
        foreach (var id in ids)
        {
            _seen.TryAdd((T.Kind, id), (null, () => null));
        }

        foreach (var stored in await store.FindAsync(set, ids, cancellationToken))
        {
            var document = JsonSerializer.Deserialize(stored.Body, T.Form)!;
            _seen[(T.Kind, stored.Id)] = (document, () => stored.Body);
        }
    }

    /// <inheritdoc/>
    public void Store<T>(T document)
        where T : class, IDocument<T>
    {
        _seen[(T.Kind, document.Id)] = (document, () => JsonSerializer.Serialize(document, T.Form));
        _changed.Add((T.Kind, document.Id));
    }

    /// <inheritdoc/>
    public void Delete<T>(string id)
        where T : class, IDocument<T>
    {
        _seen[(T.Kind, id)] = (null, () => null);
        _changed.Add((T.Kind, id));
    }
}
