using System.Text;
using System.Text.Json;

namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>Reads JSON and keeps the place of every value. Comments and trailing commas are allowed.</summary>
internal static class NodeReader
{
    private const int MaxDepth = 32;

    /// <summary>Reads one JSON value.</summary>
    /// <exception cref="ScenarioException">The text is not JSON, or an object has two members with the same
    /// name.</exception>
    public static Node Read(string text, string file)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            throw new ScenarioException(new Place(file, 1, 1), "", "The file is empty; begin with one that "
                + "`drctl simulate scenarios NAME` prints.");
        }

        var bytes = Encoding.UTF8.GetBytes(text);
        var lines = new LineIndex(bytes, file);
        var options = new JsonReaderOptions
        {
            CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = MaxDepth,
        };
        var reader = new Utf8JsonReader(bytes, options);
        try
        {
            if (!reader.Read())
            {
                throw new ScenarioException(new Place(file, 1, 1), "", "The file is empty; write a scenario into it.");
            }

            var node = ReadValue(ref reader, lines, "");
            _ = reader.Read();
            return node;
        }
        catch (JsonException e)
        {
            var place = new Place(file, (int)(e.LineNumber ?? 0) + 1, (int)(e.BytePositionInLine ?? 0) + 1);
            var reason = e.Message.Split(" LineNumber:")[0].TrimEnd('.', ' ');
            throw new ScenarioException(place, "", Sentence(reason, begun: reader.TokenType != JsonTokenType.None));
        }
    }

    private static string Sentence(string reason, bool begun) =>
        reason.Contains("depth to be zero", StringComparison.Ordinal)
            ? "The file ends before its last '{' or '[' is closed; is the end of it missing?"
        : reason.Contains("maximum configured depth", StringComparison.Ordinal)
            ? $"This is nested more than {MaxDepth} levels deep, which no scenario is; take levels away."
        : begun ? $"This is not JSON: {reason.ReplaceLineEndings(" ")}."
        : "This is not JSON; begin with '{', as what `drctl simulate scenarios NAME` prints.";

    private static Node ReadValue(ref Utf8JsonReader reader, LineIndex lines, string path)
    {
        var place = lines.At(reader.TokenStartIndex);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return ReadMembers(ref reader, lines, place, path);
            case JsonTokenType.StartArray:
                var list = new Node(NodeKind.Items, place);
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    list.Items.Add(ReadValue(ref reader, lines, $"{path}[{list.Items.Count}]"));
                }

                return list;
            case JsonTokenType.String:
                return Node.Of(ReadText(ref reader, place, path), place);
            case JsonTokenType.Number:
                return new Node(NodeKind.Number, place) { Text = Encoding.UTF8.GetString(reader.ValueSpan) };
            case JsonTokenType.True or JsonTokenType.False:
                return new Node(NodeKind.Flag, place) { Text = reader.GetBoolean() ? "true" : "false" };
            default:
                return new Node(NodeKind.Null, place);
        }
    }

    private static string ReadText(ref Utf8JsonReader reader, Place place, string path)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new ScenarioException(
                place, path, "This text has half of a character written as \\u…; write the character itself.");
        }
    }

    private static Node ReadMembers(ref Utf8JsonReader reader, LineIndex lines, Place place, string path)
    {
        var node = new Node(NodeKind.Members, place);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var at = lines.At(reader.TokenStartIndex);
            var name = ReadText(ref reader, at, path);
            var inner = path.Length == 0 ? name : $"{path}.{name}";
            if (node.Find(name) is not null)
            {
                throw new ScenarioException(at, inner, $"'{name}' occurs twice; keep one.");
            }

            reader.Read();
            node.Members.Add(new NodeMember(name, at, ReadValue(ref reader, lines, inner)));
        }

        return node;
    }

    private sealed class LineIndex
    {
        private readonly List<int> _starts = [0];
        private readonly string _file;

        public LineIndex(byte[] bytes, string file)
        {
            _file = file;
            for (var i = 0; i < bytes.Length; i++)
            {
                if (bytes[i] == '\n')
                {
                    _starts.Add(i + 1);
                }
            }
        }

        public Place At(long offset)
        {
            var index = _starts.BinarySearch((int)offset);
            var line = index >= 0 ? index : ~index - 1;
            return new Place(_file, line + 1, (int)offset - _starts[line] + 1);
        }
    }
}
