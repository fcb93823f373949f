// The documents of projections in PostgreSQL, as documents of Marten in the schema `documents`: ProjectedDocument under
// projection/generation/kind/id, and ProjectionHeadDocument under projection/generation with Marten's revision as
// guard. Ids are compared by their bytes (collation "C"), as everywhere else; an index of that order exists next to
// Marten's own.
using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using JasperFx;
using Marten;
using Marten.Exceptions;
using Npgsql;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Persistence.Sql;
using IDocumentStore = ReplicationEngine.Actors.Projections.IDocumentStore;

namespace ReplicationEngine.Persistence.Documents;

/// <summary>A document of a projection as stored by Marten.</summary>
public sealed class ProjectedDocument
{
    /// <summary>The id: projection/generation/kind/id.</summary>
    public string Id { get; set; } = "";

    /// <summary>The document itself, as JSON.</summary>
    public JsonElement Body { get; set; }
}

/// <summary>The progress of a generation of a projection, as stored by Marten.</summary>
public sealed class ProjectionHeadDocument
{
    /// <summary>The id: projection/generation.</summary>
    public string Id { get; set; } = "";

    /// <summary>The name of the projection.</summary>
    public string Projection { get; set; } = "";

    /// <summary>The number of the build.</summary>
    public long Generation { get; set; }

    /// <summary>The version of the projection.</summary>
    public int Version { get; set; }

    /// <summary>The row number in the journal.</summary>
    public long Value { get; set; }

    /// <summary>The transaction that wrote the row.</summary>
    public long Transaction { get; set; }

    /// <summary>A number that rises with every batch.</summary>
    public long Revision { get; set; }

    /// <summary>Whether readers use the documents of this generation.</summary>
    public bool Serving { get; set; }
}

/// <summary>Documents in a PostgreSQL database, stored with Marten.</summary>
internal sealed class MartenDocuments(string name, NpgsqlDataSource source) : IDocumentStore, IDisposable
{
    private const string Schema = "documents";
    private const string Table = $"{Schema}.mt_doc_projecteddocument";
    private const string Order = "mt_doc_projecteddocument_order";

    private readonly SemaphoreSlim _opening = new(1);
    private DocumentStore? _store;

    private DocumentStore Opened => _store ?? throw new InvalidOperationException("The documents are not open.");

    /// <inheritdoc/>
    public async ValueTask OpenAsync(CancellationToken cancellationToken)
    {
        await _opening.WaitAsync(cancellationToken);
        try
        {
            if (_store is null)
            {
                _store = await TranslatedAsync(() => MadeAsync(cancellationToken));
            }
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ProjectionHead>> HeadsAsync(CancellationToken cancellationToken) =>
        await TranslatedAsync(async () =>
        {
            await using var session = Opened.QuerySession();
            var heads = await session.Query<ProjectionHeadDocument>().ToListAsync(cancellationToken);
            return heads
                .Select(head => new ProjectionHead(
                    head.Projection, head.Generation, head.Version, new FeedPosition(head.Value, head.Transaction),
                    head.Revision, head.Serving))
                .OrderBy(head => head.Projection, StringComparer.Ordinal).ThenBy(head => head.Generation).ToList();
        });

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<StoredDocument>> FindAsync(
        DocumentSet set, IReadOnlyCollection<string> ids, CancellationToken cancellationToken) =>
        await TranslatedAsync(async () =>
        {
            await using var session = Opened.QuerySession();
            var found = await session.LoadManyAsync<ProjectedDocument>(
                cancellationToken, ids.Select(id => $"{set}/{id}"));
            return found.Select(document => Stored(set, document)).ToList();
        });

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<StoredDocument>> ListAsync(
        DocumentSet set, DocumentRange range, CancellationToken cancellationToken) =>
        await TranslatedAsync(async () =>
        {
            var (compare, order) = range.Descending ? ("<", "desc") : (">", "asc");
            var prefix = $"{set}/{range.Prefix}";
            await using var session = Opened.QuerySession();
            var found = await session.QueryAsync<ProjectedDocument>(
                $"""
                where id collate "C" >= ? and id collate "C" < ? and id collate "C" {compare} ?
                order by id collate "C" {order} limit ?
                """,
                cancellationToken, prefix, prefix + '\uffff',
                range.After is { } after ? $"{set}/{after}" : range.Descending ? prefix + '\uffff' : "",
                range.Most);
            return found.Select(document => Stored(set, document)).ToList();
        });

    /// <inheritdoc/>
    public async ValueTask CommitAsync(ProjectionBatch batch, CancellationToken cancellationToken)
    {
        try
        {
            await TranslatedAsync(async () =>
            {
                await using var session = Opened.LightweightSession();
                Move(session, batch);
                foreach (var change in batch.Changes)
                {
                    Change(session, new DocumentSet(batch.To.Projection, batch.To.Generation, change.Kind), change);
                }

                await session.SaveChangesAsync(cancellationToken);
                return true;
            });
        }
        catch (Exception exception) when (exception is ConcurrencyException or DocumentAlreadyExistsException)
        {
            throw new ProjectionMovedException(batch.To, exception);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DropAsync(string projection, long generation, CancellationToken cancellationToken) =>
        await TranslatedAsync(async () =>
        {
            var prefix = new DocumentSet(projection, generation, "").ToString();
            await using var session = Opened.LightweightSession();
            session.Delete<ProjectionHeadDocument>(HeadId(projection, generation));
            session.QueueSqlCommand(
                $"delete from {Table} where id collate \"C\" >= ? and id collate \"C\" < ?", prefix,
                prefix + '\uffff');
            await session.SaveChangesAsync(cancellationToken);
            return true;
        });

    /// <inheritdoc/>
    public void Dispose()
    {
        _store?.Dispose();
        _opening.Dispose();
    }

    private static void Move(IDocumentSession session, ProjectionBatch batch)
    {
        var to = batch.To;
        var head = new ProjectionHeadDocument
        {
            Id = HeadId(to.Projection, to.Generation), Projection = to.Projection, Generation = to.Generation,
            Version = to.Version, Value = to.Position.Value, Transaction = to.Position.Transaction,
            Revision = to.Revision, Serving = to.Serving,
        };
        if (batch.From is null)
        {
            session.Insert(head);
        }
        else
        {
            session.UpdateRevision(head, to.Revision);
        }
    }

    private static void Change(IDocumentSession session, DocumentSet set, DocumentChange change)
    {
        var id = $"{set}/{change.Id}";
        if (change.Body is null)
        {
            session.Delete<ProjectedDocument>(id);
            return;
        }

        using var body = JsonDocument.Parse(change.Body);
        session.Store(new ProjectedDocument { Id = id, Body = body.RootElement.Clone() });
    }

    private static string HeadId(string projection, long generation) =>
        string.Create(CultureInfo.InvariantCulture, $"{projection}/{generation}");

    private static StoredDocument Stored(DocumentSet set, ProjectedDocument document) =>
        new(document.Id[(set.ToString().Length + 1)..], document.Body.GetRawText());

    private async Task<DocumentStore> MadeAsync(CancellationToken cancellationToken)
    {
        var store = DocumentStore.For(options =>
        {
            options.Connection(source);
            options.DatabaseSchemaName = Schema;
            options.AutoCreateSchemaObjects = AutoCreate.CreateOrUpdate;
            options.UseSystemTextJsonForSerialization();
            options.Schema.For<ProjectedDocument>().IgnoreIndex(Order);
            options.Schema.For<ProjectionHeadDocument>().UseNumericRevisions(true);
        });
        try
        {
            await store.Storage.ApplyAllConfiguredChangesToDatabaseAsync();
            await using var command = source.CreateCommand(
                $"create index if not exists {Order} on {Table} (id collate \"C\")");
            await command.ExecuteNonQueryAsync(cancellationToken);
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    private async ValueTask<T> TranslatedAsync<T>(Func<Task<T>> use)
    {
        try
        {
            return await use();
        }
        catch (MartenCommandException exception) when (exception.InnerException is DbException inner)
        {
            throw PostgresEventLog.Translate(name, inner);
        }
        catch (DbException exception)
        {
            throw PostgresEventLog.Translate(name, exception);
        }
    }
}
