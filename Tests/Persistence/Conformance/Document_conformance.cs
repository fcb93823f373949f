using System.Text.Json.Nodes;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Tests.TestKit;

namespace ReplicationEngine.Tests.Persistence.Conformance;

/// <summary>What every store of documents must do.</summary>
public abstract class Document_conformance : IAsyncLifetime
{
    private static readonly DocumentSet s_set = new("totals", 1, "total");

    private readonly StoreHarness _store;

    private protected Document_conformance(StoreHarness store) => _store = store;

    private IDocumentStore Documents => _store.Store.Documents;

    public async ValueTask InitializeAsync()
    {
        _store.Open();
        await Documents.OpenAsync(default);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_batch_is_there_with_its_head_after_a_restart()
    {
        await CommitAsync(null, Head(1), ("b", """{"n":2}"""), ("a", """{"n":1,"deep":{"list":[1,null,"é"]}}"""));
        await CommitAsync(Head(1), Head(2, 7), ("b", """{"n":3}"""));
        await _store.ReopenAsync();
        await Documents.OpenAsync(default);

        Assert.Equal([Head(2, 7)], await Documents.HeadsAsync(default));
        var found = await Documents.FindAsync(s_set, ["a", "b", "c"], default);
        Assert.Equal(
            ["""a {"n":1,"deep":{"list":[1,null,"é"]}}""", """b {"n":3}"""], found.Select(Flat).Order(Ordinal));
    }

    [Fact]
    public async Task A_document_is_replaced_and_deleted()
    {
        await CommitAsync(null, Head(1), ("a", """{"n":1}"""), ("b", """{"n":1}"""));
        await CommitAsync(Head(1), Head(2), ("a", """{"n":2}"""), ("b", null), ("never", null));

        Assert.Equal(["""a {"n":2}"""], (await ListAsync("")).Select(Flat));
    }

    [Fact]
    public async Task Lists_are_in_the_order_of_the_ids_code_units_in_both_directions_and_in_parts()
    {
        string[] ids = ["v|B", "v|a", "v|a b", "v|a-b", "v|aa", "v|é", "v|0001", "v|0010", "w|a"];
        await CommitAsync(null, Head(1), [.. ids.Select(id => (id, (string?)"{}"))]);
        var expected = ids.Where(id => id[0] == 'v').Order(Ordinal).ToList();

        Assert.Equal(expected, (await ListAsync("v|")).Select(each => each.Id));
        Assert.Equal(expected[3..5], (await ListAsync("v|", 2, expected[2])).Select(each => each.Id));
        expected.Reverse();
        Assert.Equal(expected, (await ListAsync("v|", descending: true)).Select(each => each.Id));
        Assert.Equal(expected[3..5], (await ListAsync("v|", 2, expected[2], true)).Select(each => each.Id));
        Assert.Equal(ids.Length, (await ListAsync("")).Count);
        Assert.Empty(await ListAsync("x"));
    }

    [Fact]
    public async Task Nothing_of_a_batch_is_stored_from_a_head_that_was_moved()
    {
        await CommitAsync(null, Head(1), ("a", """{"n":1}"""));
        await CommitAsync(Head(1), Head(2), ("a", """{"n":2}"""));

        await Assert.ThrowsAsync<ProjectionMovedException>(() => CommitAsync(Head(1), Head(2), ("a", """{"n":9}""")));
        await Assert.ThrowsAsync<ProjectionMovedException>(() => CommitAsync(null, Head(1), ("a", """{"n":9}""")));
        Assert.Equal([Head(2)], await Documents.HeadsAsync(default));
        Assert.Equal(["""a {"n":2}"""], (await ListAsync("")).Select(Flat));
    }

    [Fact]
    public async Task Of_two_that_move_a_projection_at_once_one_does()
    {
        await CommitAsync(null, Head(1));
        var both = await Task.WhenAll(Enumerable.Range(0, 8).Select(async writer =>
        {
            try
            {
                await CommitAsync(Head(1), Head(2), ("a", $$"""{"n":{{writer}}}"""));
                return 1;
            }
            catch (ProjectionMovedException)
            {
                return 0;
            }
        }));

        Assert.Equal(1, both.Sum());
    }

    [Fact]
    public async Task Generations_stand_beside_one_another_and_are_dropped_each_by_itself()
    {
        var next = new DocumentSet("totals", 11, "total");
        var other = new DocumentSet("totals2", 1, "total");
        await CommitAsync(null, Head(1), ("a", """{"n":1}"""));
        await Documents.CommitAsync(
            new ProjectionBatch(
                null, Head(1) with { Generation = 11, Serving = false }, [new("total", "a", """{"n":2}""")]),
            default);
        await Documents.CommitAsync(
            new ProjectionBatch(null, Head(1) with { Projection = "totals2" }, [new("total", "a", "{}")]), default);
        Assert.Equal(3, (await Documents.HeadsAsync(default)).Count);

        var serving = Head(2) with { Generation = 11 };
        await Documents.CommitAsync(
            new ProjectionBatch(Head(1) with { Generation = 11, Serving = false }, serving, []), default);
        Assert.Equal(
            [Head(1), serving, Head(1) with { Projection = "totals2" }], await Documents.HeadsAsync(default));

        await Documents.DropAsync("totals", 1, default);
        Assert.Equal([serving, Head(1) with { Projection = "totals2" }], await Documents.HeadsAsync(default));
        Assert.Empty(await ListAsync(""));
        Assert.Single(await Documents.FindAsync(next, ["a"], default));
        Assert.Single(await Documents.FindAsync(other, ["a"], default));
    }

    [Fact]
    public async Task The_end_of_the_feed_and_what_is_left_of_it_are_counted()
    {
        Assert.Equal(FeedPosition.Start, await _store.Log.FeedEndAsync(default));
        await _store.AppendAsync(StoreHarness.Id("a"), 1, events: 2);
        await _store.AppendAsync(StoreHarness.Id("b"), 2);

        await _store.ShownAsync();
        var feed = await _store.Log.ReadFeedAsync(FeedPosition.Start, 10, default);
        var places = await _store.Log.ReadPlacesAsync(FeedPosition.Start, 10, default);
        Assert.Equal(
            feed.Select(each => (each.Position, (object?)each.Id, each.Event.Sequence)),
            places.Select(each => (each.Position, (object?)each.Id, each.Sequence)));
        Assert.Equal(feed[^1].Position, await _store.Log.FeedEndAsync(default));
        Assert.Equal(3, await _store.Log.CountFeedAsync(FeedPosition.Start, default));
        Assert.Equal(1, await _store.Log.CountFeedAsync(feed[1].Position, default));
        Assert.Equal(0, await _store.Log.CountFeedAsync(feed[2].Position, default));
    }

    private static StringComparer Ordinal => StringComparer.Ordinal;

    private static ProjectionHead Head(long revision, long position = 0) =>
        new("totals", 1, 3, new FeedPosition(position), revision, Serving: true);

    // A store may order the members of a document as it likes.
    private static string Flat(StoredDocument document)
    {
        var node = JsonNode.Parse(document.Body)!.AsObject();
        var members = node.OrderByDescending(member => member.Key, Ordinal).ToList();
        return $"{document.Id} {new JsonObject(members.Select(member =>
            KeyValuePair.Create(member.Key, member.Value?.DeepClone()))).ToJsonString(s_readable)}";
    }

    private static readonly System.Text.Json.JsonSerializerOptions s_readable = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private async Task CommitAsync(
        ProjectionHead? from, ProjectionHead to, params (string Id, string? Body)[] documents) =>
        await Documents.CommitAsync(
            new ProjectionBatch(
                from, to, [.. documents.Select(each => new DocumentChange("total", each.Id, each.Body))]),
            default);

    private ValueTask<IReadOnlyList<StoredDocument>> ListAsync(
        string prefix, int most = 100, string? after = null, bool descending = false) =>
        Documents.ListAsync(s_set, new DocumentRange(prefix, most, after, descending), default);
}

public sealed class Documents_in_memory() : Document_conformance(new MemoryHarness());

public sealed class Documents_in_sqlite() : Document_conformance(new SqliteHarness());

public sealed class Documents_in_postgres(PostgresServer server) : Document_conformance(new PostgresHarness(server));
