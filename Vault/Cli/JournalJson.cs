using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Persistence.Replay;

namespace ReplicationEngine.Vault.Cli;

/// <summary>The JSON results of <c>drctl journal</c>.</summary>
internal static class JournalJson
{
    private static readonly JsonSerializerOptions Relaxed =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Returns a node as one line of JSON.</summary>
    public static string Line(JsonNode node) => node.ToJsonString(Relaxed);

    public static JsonObject Of(string path, VerifiedJournal verified) => new()
    {
        ["log"] = path,
        ["sound"] = verified.IsSound,
        ["events"] = verified.Events,
        ["streams"] = new JsonArray([.. verified.Streams.Select(stream => new JsonObject
        {
            ["stream"] = stream.Id.ToString(),
            ["events"] = stream.Events,
            ["judgedTo"] = stream.FoldedTo,
            ["snapshotAt"] = stream.SnapshotAt,
            ["sound"] = stream.First is null,
        })]),
        ["damages"] = new JsonArray([.. verified.Damages.Select(damage => new JsonObject
        {
            ["kind"] = Camel(damage.Kind),
            ["stream"] = damage.Stream?.ToString(),
            ["seq"] = damage.Sequence,
            ["name"] = damage.Name,
            ["position"] = damage.Position,
            ["what"] = damage.What,
        })]),
    };

    public static JsonObject Transferred(string path, long events, int streams) => new()
    {
        ["file"] = path,
        ["events"] = events,
        ["streams"] = streams,
    };

    public static JsonObject Archived(string path, ArchivedEvents done) => new()
    {
        ["archive"] = path,
        ["events"] = done.Events,
        ["files"] = done.Files,
        ["left"] = new JsonArray([.. done.Left.Select(left => JsonValue.Create(left))]),
    };

    public static JsonObject Imported(string path, ImportedPart part)
    {
        var json = Transferred(path, part.Events, part.Streams);
        json["leftOut"] = new JsonArray([.. part.LeftOut.Select(left => new JsonObject
        {
            ["stream"] = left.Stream?.ToString(),
            ["from"] = left.From,
            ["to"] = left.To,
            ["reason"] = left.Reason,
        })]);
        return json;
    }

    public static JsonObject Of(StreamReplay replay) => new()
    {
        ["stream"] = replay.Id.ToString(),
        ["event"] = Event(replay.Last!),
        ["state"] = replay.Fold.State(),
    };

    public static JsonObject Of(string left, string right, IReadOnlyList<StreamDifference> streams) => new()
    {
        ["left"] = left,
        ["right"] = right,
        ["equal"] = streams.All(stream => stream.Relation == StreamRelation.Equal),
        ["streams"] = new JsonArray([.. streams.Select(stream => new JsonObject
        {
            ["stream"] = stream.Id.ToString(),
            ["relation"] = Camel(stream.Relation),
            ["seq"] = stream.Sequence,
            ["leftEvent"] = stream.Left is { } a ? Event(a) : null,
            ["rightEvent"] = stream.Right is { } b ? Event(b) : null,
            ["fields"] = Differences(stream.Fields),
            ["states"] = Differences(stream.States),
            ["trouble"] = stream.Trouble,
        })]),
    };

    public static JsonObject Of(StateCondition condition, BisectResult found) => new()
    {
        ["stream"] = found.Id.ToString(),
        ["condition"] = condition.Text,
        ["events"] = found.Events,
        ["first"] = found.First is { } first ? Event(first) : null,
        ["monotonic"] = found.IsMonotonic,
        ["holdsAtEnd"] = found.HoldsAtEnd,
        ["changeCount"] = found.ChangeCount,
        ["changes"] = new JsonArray([.. found.Changes.Select(Event)]),
        ["differences"] = found.After is null ? null : Differences(JsonDifference.Between(found.Before, found.After)),
        ["seen"] = new JsonObject(found.Seen.Select(pair => KeyValuePair.Create(
            pair.Key, (JsonNode?)new JsonArray([.. pair.Value.Select(value => JsonValue.Create(value))])))),
    };

    private static JsonObject Event(RecordedEvent recorded) => new()
    {
        ["seq"] = recorded.Event.Sequence,
        ["time"] = recorded.Event.Time,
        ["type"] = recorded.Event.Name,
        ["actor"] = recorded.Event.Actor,
        ["command"] = recorded.Event.CommandId.ToString(),
        ["position"] = recorded.Position.Value,
    };

    private static JsonArray? Differences(IReadOnlyList<JsonDifference>? differences) => differences is null ? null
        : new JsonArray([.. differences.Select(difference => new JsonObject
        {
            ["path"] = difference.Path,
            ["left"] = difference.Left?.DeepClone(),
            ["right"] = difference.Right?.DeepClone(),
        })]);

    private static string Camel<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}
