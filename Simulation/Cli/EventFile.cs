using System.Text.Json;
using System.Text.Json.Serialization;
using ReplicationEngine.Simulation.Plans;

namespace ReplicationEngine.Simulation.Cli;

/// <summary>A plan in a file, with what it broke and when it was found.</summary>
/// <param name="Invariant">What it broke.</param>
/// <param name="Commit">The commit under which it did.</param>
/// <param name="Plan">The plan.</param>
internal sealed record EventFile(string Invariant, string Commit, SimPlan Plan)
{
    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>Reads a file.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static EventFile Read(string path) =>
        JsonSerializer.Deserialize<EventFile>(File.ReadAllBytes(path), Options)
            ?? throw new JsonException("the file is empty");

    /// <summary>Writes a file.</summary>
    public static void Write(string path, SimPlan plan, string invariant, string commit) =>
        File.WriteAllText(path, JsonSerializer.Serialize(new EventFile(invariant, commit, plan), Options) + "\n");
}
