using System.Text.Json;
using System.Text.Json.Nodes;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>A member in which two JSON values differ.</summary>
/// <param name="Path">The path, such as <c>points[3].point.lsn</c>; empty for the values themselves.</param>
/// <param name="Left">The left value; null when it is absent or null.</param>
/// <param name="Right">The right value; null when it is absent or null.</param>
public sealed record JsonDifference(string Path, JsonNode? Left, JsonNode? Right)
{
    /// <summary>Returns all differences, in the order of the left value's members.</summary>
    public static IReadOnlyList<JsonDifference> Between(JsonNode? left, JsonNode? right)
    {
        var found = new List<JsonDifference>();
        Compare("", left, right, found);
        return found;
    }

    private static void Compare(string path, JsonNode? left, JsonNode? right, List<JsonDifference> found)
    {
        switch (left, right)
        {
            case (JsonObject a, JsonObject b):
                var names = a.Select(member => member.Key).Concat(b.Select(member => member.Key));
                foreach (var name in names.Distinct(StringComparer.Ordinal))
                {
                    Compare(path.Length == 0 ? name : $"{path}.{name}", a[name], b[name], found);
                }

                break;
            case (JsonArray a, JsonArray b):
                for (var i = 0; i < Math.Max(a.Count, b.Count); i++)
                {
                    Compare($"{path}[{i}]", i < a.Count ? a[i] : null, i < b.Count ? b[i] : null, found);
                }

                break;
            default:
                if (!JsonNode.DeepEquals(left, right))
                {
                    found.Add(new JsonDifference(path, left, right));
                }

                break;
        }
    }

    /// <summary>Returns a value as one line; "absent" when there is none.</summary>
    public static string Text(JsonNode? value) => value is null ? "absent" : value.ToJsonString(Compact);

    private static JsonSerializerOptions Compact { get; } =
        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
