using System.Text.Json;
using System.Text.Json.Serialization;
using ReplicationEngine.Simulation.Plans;

namespace ReplicationEngine.Simulation.Cli;

/// <summary>A plan in a file, with the invariant that it breaks and the commit under which it was found.</summary>
/// <param name="Invariant">The name of the invariant that the plan breaks.</param>
/// <param name="Commit">The commit of the program that found the failure.</param>
/// <param name="Plan">The plan that leads to the failure.</param>
internal sealed record EventFile(string Invariant, string Commit, SimPlan Plan)
{
    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>Reads an event file.</summary>
    /// <exception cref="JsonException">The file is no event file.</exception>
    public static EventFile Read(string path) =>
        JsonSerializer.Deserialize<EventFile>(File.ReadAllBytes(path), Options)
            ?? throw new JsonException("the file is empty");

    /// <summary>Writes an event file.</summary>
    public static void Write(string path, SimPlan plan, string invariant, string commit) =>
        File.WriteAllText(path, JsonSerializer.Serialize(new EventFile(invariant, commit, plan), Options) + "\n");
}
