using System.Globalization;

namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>
/// Reads the members of an object by their names. The object's shape has been checked; a member that is not written has
/// its default.
/// </summary>
internal readonly struct NodeView(Node node, Shape shape, string path)
{
    public Node Node => node;

    public string Path => path;

    public bool Has(string name) => node.Find(name) is not null;

    public string Text(string name) => TextOrNull(name)
        ?? throw new ScenarioException(node.Place, path, $"'{name}' is missing; add it.");

    public string? TextOrNull(string name) => node.Find(name)?.Text ?? Declared(name).Default;

    public double Amount(string name) => AmountOrNull(name)
        ?? throw new ScenarioException(node.Place, path, $"'{name}' is missing; add it.");

    public double? AmountOrNull(string name)
    {
        if (TextOrNull(name) is not { } text)
        {
            return null;
        }

        var quantity = ((ValueKind.Amount)Declared(name).Kind).Quantity;
        return quantity.TryParse(text, out var value) ? value
            : throw new ScenarioException(node.Place, path, $"{name} is '{text}'; {quantity.Remedy}.");
    }

    public TimeSpan Time(string name) => TimeSpan.FromSeconds(Amount(name));

    public TimeSpan? TimeOrNull(string name) =>
        AmountOrNull(name) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    public TimeSpan? Delay(string name) =>
        TextOrNull(name) is { } text && text != "never" && Quantity.Duration.TryParse(text, out var seconds)
            ? TimeSpan.FromSeconds(seconds) : null;

    public long Whole(string name) => long.Parse(Text(name), CultureInfo.InvariantCulture);

    public bool Flag(string name) => Text(name) == "true";

    public TimeOnly Clock(string name) => TimeOnly.ParseExact(Text(name), "HH:mm", CultureInfo.InvariantCulture);

    public NodeView? Part(string name) => node.Find(name) is { } found
        ? new NodeView(found, ScenarioShapes.Parts[((ValueKind.Part)Declared(name).Kind).Shape], Inner(name)) : null;

    public NodeView PartOrDefaults(string name) =>
        Part(name) ?? new NodeView(
            new Node(NodeKind.Members, node.Place),
            ScenarioShapes.Parts[((ValueKind.Part)Declared(name).Kind).Shape], Inner(name));

    public IReadOnlyList<NodeView> Parts(string name)
    {
        var kind = (ValueKind.Part)((ValueKind.ListOf)Declared(name).Kind).Item;
        var inner = Inner(name);
        return node.Find(name) is { } list
            ? [.. list.Items.Select((item, i) => new NodeView(item, ScenarioShapes.Parts[kind.Shape], $"{inner}[{i}]"))]
            : [];
    }

    public IReadOnlyList<string> Texts(string name) =>
        node.Find(name) is { } list ? [.. list.Items.Select(item => item.Text)] : [];

    /// <summary>Returns a problem at a member, or at the object when the member is not written.</summary>
    public ScenarioProblem Problem(string name, string reason) =>
        new(node.Find(name)?.Place ?? node.Place, Inner(name), reason);

    private string Inner(string name) => path.Length == 0 ? name : $"{path}.{name}";

    private Field Declared(string name) => shape.Find(name)
        ?? throw new InvalidOperationException($"A {shape.Name} has no '{name}'.");
}
