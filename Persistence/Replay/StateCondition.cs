using System.Text.Json.Nodes;

namespace ReplicationEngine.Persistence.Replay;

// The language:
//
//   condition   all { ("or" | "||") all }
//   all         single { ("and" | "&&") single }
//   single      ("not" | "!") single | "(" condition ")" | operand [ comparison operand ]
//   comparison  "==" | "!=" | "<" | "<=" | ">" | ">=" | "contains"
//   operand     path | text | number | "true" | "false" | "null"
//   path        name { "." name | "[" whole number "]" }; [-1] is the last item; .count is how many items a list has
//   text        between "…" or '…', with \ before a quote or a \
//
// Comparison: numbers by size; texts ignoring case, and by time or duration where both are such; an object that is one
// of several cases (a phase) by its case's name. Values of different kinds are not equal and neither is smaller. An
// operand alone holds when its value exists and is not false.

/// <summary>A condition over a state's JSON, parsed from text. Evaluation is read-only and cannot call code.</summary>
public sealed class StateCondition
{
    private readonly ConditionNode _root;

    private StateCondition(string text, ConditionNode root, IReadOnlyList<StatePath> paths) =>
        (Text, _root, Paths) = (text, root, paths);

    /// <summary>The text of the condition.</summary>
    public string Text { get; }

    /// <summary>The paths used in the condition, in order.</summary>
    internal IReadOnlyList<StatePath> Paths { get; }

    /// <summary>Parses a condition.</summary>
    /// <exception cref="ConditionException">The text is not a condition; the message names the position.</exception>
    public static StateCondition Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parser = new ConditionParser(text);
        var root = parser.Read();
        return new StateCondition(text, root, parser.Paths);
    }

    /// <summary>Whether the condition holds for a state.</summary>
    public bool Holds(JsonObject state) => _root.Holds(state);
}

/// <summary>Thrown for a text that is not a condition.</summary>
/// <param name="text">The text.</param>
/// <param name="at">The position, counted from 0.</param>
/// <param name="what">The error at the position.</param>
public sealed class ConditionException(string text, int at, string what)
    : Exception($"'{text}' is not a condition: at character {at + 1}, {what}.")
{
    /// <summary>The position, counted from 0.</summary>
    public int At { get; } = at;
}

/// <summary>A path to a value in a state.</summary>
/// <param name="Text">The path as written.</param>
/// <param name="Steps">The steps: a member's name or an item's index each.</param>
internal sealed record StatePath(string Text, IReadOnlyList<object> Steps)
{
    /// <summary>Returns the value at the path; null when there is none.</summary>
    public JsonNode? In(JsonNode? state)
    {
        var at = state;
        foreach (var step in Steps)
        {
            at = (at, step) switch
            {
                (JsonObject members, string name) => Member(members, name),
                (JsonArray items, "count") => JsonValue.Create(items.Count),
                (JsonArray items, int index) when index >= 0 && index < items.Count => items[index],
                (JsonArray items, int index) when index < 0 && -index <= items.Count => items[items.Count + index],
                _ => null,
            };
        }

        return at;
    }

    private static JsonNode? Member(JsonObject members, string name) => members.TryGetPropertyValue(name, out var value)
        ? value
        : members.FirstOrDefault(m => string.Equals(m.Key, name, StringComparison.OrdinalIgnoreCase)).Value;
}
