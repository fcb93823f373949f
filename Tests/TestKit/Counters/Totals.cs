using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Tests.TestKit.Counters;

/// <summary>What was added to a counter, by adding it up again: an event taken twice or never shows.</summary>
internal sealed record Total(string Id, long Sum, long Events, string? Trouble) : IDocument<Total>
{
    public static string Kind => "total";

    public static JsonTypeInfo<Total> Form => TotalJson.Default.Total;
}

[JsonSerializable(typeof(Total))]
internal sealed partial class TotalJson : JsonSerializerContext;

/// <summary>Adds up counters.</summary>
internal sealed class Totals : IProjection
{
    public const string ProjectionName = "totals";

    public string Name => ProjectionName;

    public int Version { get; init; } = 1;

    /// <summary>Awaited before a batch of an entity is taken.</summary>
    public Func<PersistenceId, Task> Taking { get; set; } = _ => Task.CompletedTask;

    public bool Covers(PersistenceId id) => id.Type == Counter.TypeName;

    public async ValueTask ProjectAsync(
        PersistenceId id, IReadOnlyList<StoredEvent> events, IDocumentWork documents,
        CancellationToken cancellationToken)
    {
        await Taking(id);
        var before = events[0].Sequence == 1 ? null : await documents.FindAsync<Total>(id.Entity, cancellationToken);
        var sum = before?.Sum ?? 0;
        foreach (var stored in events)
        {
            sum += stored.Name == "counter.added.v1"
                ? long.Parse(Encoding.UTF8.GetString(stored.Payload), CultureInfo.InvariantCulture) : 0;
        }

        documents.Store(new Total(id.Entity, sum, (before?.Events ?? 0) + events.Count, null));
    }

    public async ValueTask EndAsync(
        PersistenceId id, string cause, IDocumentWork documents, CancellationToken cancellationToken)
    {
        var before = await documents.FindAsync<Total>(id.Entity, cancellationToken);
        documents.Store((before ?? new Total(id.Entity, 0, 0, null)) with { Trouble = cause });
    }
}
