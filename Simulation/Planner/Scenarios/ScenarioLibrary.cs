using System.Reflection;

namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>Opens the scenarios that ship with the program, and those in files.</summary>
internal static class ScenarioLibrary
{
    private const string Prefix = "scenario.";

    /// <summary>The names of the included scenarios, in order.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. Assembly.GetExecutingAssembly().GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name => name[Prefix.Length..^".json".Length])
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Opens a scenario by the name of an included one, or by the path of a file.</summary>
    /// <exception cref="ScenarioException">The scenario does not exist, or is not JSON.</exception>
    public static ScenarioSource Open(string nameOrPath)
    {
        if (Names.Contains(nameOrPath, StringComparer.Ordinal))
        {
            return new ScenarioSource(NodeReader.Read(TextOf(nameOrPath), $"{nameOrPath}.json"), null);
        }

        var place = new Place(nameOrPath, 0, 0);
        if (Directory.Exists(nameOrPath))
        {
            throw new ScenarioException(place, "", "This is a directory; name a scenario file in it.");
        }

        if (!File.Exists(nameOrPath))
        {
            throw new ScenarioException(place, "", "There is no such file and no included scenario of this name; the "
                + $"included ones are {string.Join(", ", Names)}.");
        }

        var directory = Path.GetDirectoryName(Path.GetFullPath(nameOrPath));
        return new ScenarioSource(NodeReader.Read(File.ReadAllText(nameOrPath), nameOrPath), directory);
    }

    /// <summary>Returns the text of an included scenario, with its comments.</summary>
    public static string TextOf(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"{Prefix}{name}.json")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}

/// <summary>A scenario before it is checked.</summary>
/// <param name="Node">The scenario as JSON.</param>
/// <param name="Directory">The directory of the scenario's trace files; null when the scenario does not come from a
/// scenario file.</param>
internal sealed record ScenarioSource(Node Node, string? Directory)
{
    /// <summary>Makes changes to the scenario, checks it and returns it.</summary>
    /// <exception cref="ScenarioException">The scenario, or a change, is not correct.</exception>
    public Scenario Read(params IReadOnlyCollection<ScenarioChange> changes) =>
        ScenarioReader.Read(changes.Count == 0 ? Node : ScenarioChange.Apply(Node, changes), Directory);
}
