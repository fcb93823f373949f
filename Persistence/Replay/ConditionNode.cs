using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>A node of a condition's syntax tree.</summary>
internal abstract record ConditionNode
{
    public abstract bool Holds(JsonObject state);

    public sealed record Or(ConditionNode Left, ConditionNode Right) : ConditionNode
    {
        public override bool Holds(JsonObject state) => Left.Holds(state) || Right.Holds(state);
    }

    public sealed record And(ConditionNode Left, ConditionNode Right) : ConditionNode
    {
        public override bool Holds(JsonObject state) => Left.Holds(state) && Right.Holds(state);
    }

    public sealed record Not(ConditionNode Inner) : ConditionNode
    {
        public override bool Holds(JsonObject state) => !Inner.Holds(state);
    }

    public sealed record Alone(Operand Value) : ConditionNode
    {
        public override bool Holds(JsonObject state) =>
            Value.In(state) is { } value && value.GetValueKind() is not (JsonValueKind.False or JsonValueKind.Null);
    }

    public sealed record Compared(Operand Left, string Comparison, Operand Right) : ConditionNode
    {
        public override bool Holds(JsonObject state)
        {
            var (left, right) = (Left.In(state), Right.In(state));
            return Comparison switch
            {
                "==" => ComparedValues.AreEqual(left, right),
                "!=" => !ComparedValues.AreEqual(left, right),
                "contains" => ComparedValues.Contains(left, right),
                "<" => ComparedValues.Order(left, right) < 0,
                "<=" => ComparedValues.Order(left, right) <= 0,
                ">" => ComparedValues.Order(left, right) > 0,
                ">=" => ComparedValues.Order(left, right) >= 0,
                _ => throw new InvalidOperationException($"There is no comparison '{Comparison}'."),
            };
        }
    }
}

/// <summary>A literal value or a path to a value.</summary>
internal sealed record Operand(JsonNode? Literal, StatePath? Path)
{
    public JsonNode? In(JsonObject state) => Path is null ? Literal : Path.In(state);
}

/// <summary>Compares JSON values in a condition.</summary>
internal static class ComparedValues
{
    public static bool AreEqual(JsonNode? left, JsonNode? right) => (left, right) switch
    {
        (null, null) => true,
        (null, _) or (_, null) => false,
        _ => Order(left, right) is { } order ? order == 0
            : JsonNode.DeepEquals(left, right) || IsCase(left, right) || IsCase(right, left),
    };

    /// <summary>Returns a number below, at or above 0; null when the two values have no order.</summary>
    public static int? Order(JsonNode? left, JsonNode? right)
    {
        if (Number(left) is { } a && Number(right) is { } b)
        {
            return a.CompareTo(b);
        }

        if (Text(left) is not { } x || Text(right) is not { } y)
        {
            return null;
        }

        return Time(x) is { } t && Time(y) is { } u ? t.CompareTo(u)
            : Duration(x) is { } d && Duration(y) is { } e ? d.CompareTo(e)
            : string.Compare(x, y, StringComparison.OrdinalIgnoreCase);
    }

    public static bool Contains(JsonNode? whole, JsonNode? part) => whole switch
    {
        JsonArray items => items.Any(item => AreEqual(item, part)),
        JsonObject members => Text(part) is { } name && members.ContainsKey(name),
        _ => Text(whole) is { } text && Text(part) is { } inner
            && text.Contains(inner, StringComparison.OrdinalIgnoreCase),
    };

    // An object of a closed hierarchy names its case in "$type"; "commit-pending" and "commitPending" both name it.
    private static bool IsCase(JsonNode? one, JsonNode? name) =>
        one is JsonObject members && Text(members["$type"]) is { } type && Text(name) is { } text
        && string.Equals(type, text.Replace("-", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);

    private static decimal? Number(JsonNode? node) =>
        node is JsonValue value && value.GetValueKind() == JsonValueKind.Number
        && decimal.TryParse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number : null;

    private static string? Text(JsonNode? node) =>
        node is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<object>() switch
        {
            string text => text,
            JsonElement element => element.GetString(),
            _ => value.ToJsonString().Trim('"'),
        }
        : null;

    private static DateTimeOffset? Time(string text) =>
        text.Length >= 10 && text[4] == '-' && text[7] == '-' && DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    private static TimeSpan? Duration(string text) =>
        text.Contains(':', StringComparison.Ordinal)
        && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time) ? time : null;
}
