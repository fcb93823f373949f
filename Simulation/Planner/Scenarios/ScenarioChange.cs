using System.Globalization;
using System.Text.RegularExpressions;

namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>
/// One change of a what-if, written <c>path=value</c>, such as <c>links.wan.bandwidth=50 Mbit/s</c>. The items of a
/// list are named by their <c>name</c>, by their number from 0, or all at once by <c>*</c>.
/// </summary>
/// <param name="Path">The path of the value that changes.</param>
/// <param name="Value">The new value.</param>
internal sealed record ScenarioChange(string Path, string Value)
{
    /// <summary>Parses <c>path=value</c>.</summary>
    /// <exception cref="ScenarioException">The text does not have that form.</exception>
    public static ScenarioChange Parse(string text)
    {
        var at = text.IndexOf('=', StringComparison.Ordinal);
        return at > 0 && at < text.Length - 1
            ? new ScenarioChange(text[..at].Trim(), text[(at + 1)..].Trim())
            : throw new ScenarioException(new Place($"--set {text}", 0, 0), "", "Write path=value, such as "
                + "links.wan.bandwidth=\"50 Mbit/s\".");
    }

    /// <summary>Returns a copy of a scenario with all changes made; the original stays as it is.</summary>
    /// <exception cref="ScenarioException">A path does not exist in the scenario, or a new object or list is not
    /// JSON.</exception>
    public static Node Apply(Node scenario, IEnumerable<ScenarioChange> changes)
    {
        var copy = scenario.Copy();
        foreach (var change in changes)
        {
            change.ApplyTo(copy);
        }

        return copy;
    }

    private void ApplyTo(Node root)
    {
        var place = new Place($"--set {Path}={Value}", 0, 0);
        var steps = Path.Replace("[", ".").Replace("]", "").Split('.', StringSplitOptions.RemoveEmptyEntries);
        var (at, shape) = (new List<Node> { root }, ScenarioShapes.Root);
        for (var i = 0; i < steps.Length; i++)
        {
            var field = shape.Find(steps[i]) ?? throw new ScenarioException(place, Path,
                $"A {shape.Name} has no '{steps[i]}'; it has "
                + $"{string.Join(", ", shape.Fields.Select(f => f.Name))}.");
            if (i == steps.Length - 1)
            {
                at.ForEach(node => node.Set(field.Name, ValueAt(field.Kind, place)));
                return;
            }

            switch (field.Kind)
            {
                case ValueKind.Part part:
                    at = [.. at.Select(node => Obtain(node, field.Name, place))];
                    shape = ScenarioShapes.Parts[part.Shape];
                    break;
                case ValueKind.ListOf { Item: ValueKind.Part part } when i < steps.Length - 2:
                    var name = steps[++i];
                    at = [.. at.SelectMany(node => node.Find(field.Name)?.Items ?? []).Where((n, k) => Is(n, k, name))];
                    shape = ScenarioShapes.Parts[part.Shape];
                    break;
                default:
                    throw new ScenarioException(place, Path, $"Nothing can be set below '{field.Name}' like this; "
                        + "name an item and one of its members, such as policies.0.retention.");
            }

            if (at.Count == 0)
            {
                throw new ScenarioException(place, Path, $"'{steps[i]}' is none of the scenario's {field.Name}; name "
                    + "one by its name, its number from 0, or all with *.");
            }
        }
    }

    private static bool Is(Node item, int index, string name) =>
        name == "*" || item.Find("name")?.Text == name
        || (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number == index);

    private static Node Obtain(Node node, string name, Place place)
    {
        if (node.Find(name) is null)
        {
            node.Set(name, new Node(NodeKind.Members, place));
        }

        return node.Find(name)!;
    }

    private Node ValueAt(ValueKind kind, Place place)
    {
        if (kind is ValueKind.ListOf or ValueKind.Part)
        {
            return NodeReader.Read(Value, place.File);
        }

        var number = Regex.IsMatch(Value, "^-?[0-9]+$", RegexOptions.None, TimeSpan.FromSeconds(1));
        var written = kind switch
        {
            ValueKind.Whole when number => NodeKind.Number,
            ValueKind.Flag when Value is "true" or "false" => NodeKind.Flag,
            _ => NodeKind.Text,
        };
        return new Node(written, place) { Text = Value };
    }
}
