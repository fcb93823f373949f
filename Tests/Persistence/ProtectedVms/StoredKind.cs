using System.Text.Json.Nodes;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;

namespace ReplicationEngine.Tests.Persistence.ProtectedVms;

/// <summary>One kind of what a protected VM stores, events or commands, through the public codec.</summary>
internal sealed record StoredKind(
    string Name,
    string Prefix,
    IReadOnlyList<Type> Types,
    Func<Type, int, object> Sample,
    Func<object, (string Name, byte[] Payload)> Encode,
    Func<string, ReadOnlyMemory<byte>, object> Decode,
    Func<string, ReadOnlyMemory<byte>, string> Json)
{
    private static readonly ProtectedVmCodec Codec = new();

    public static StoredKind Events { get; } = new(
        "event", "protected-vm.", [.. Samples.EventTypes], Samples.Event,
        value => (Codec.Encode((ProtectedVmEvent)value).Name, Codec.Encode((ProtectedVmEvent)value).Payload),
        (name, payload) => Codec.Decode(name, payload), ProtectedVmCodec.ToJson);

    public static StoredKind Commands { get; } = new(
        "command", "protected-vm.command.", [.. Samples.CommandTypes], Samples.Command,
        value => (Codec.EncodeCommand((ProtectedVmCommand)value).Name,
            Codec.EncodeCommand((ProtectedVmCommand)value).Payload),
        (name, payload) => Codec.DecodeCommand(name, payload), ProtectedVmCodec.CommandToJson);

    public static IReadOnlyList<StoredKind> All { get; } = [Events, Commands];

    /// <summary>The kind that a stored name belongs to.</summary>
    public static StoredKind Of(string name) =>
        name.StartsWith(Commands.Prefix, StringComparison.Ordinal) ? Commands : Events;

    public override string ToString() => Name;
}

/// <summary>A line of golden.txt: a stored name, a payload and what it says.</summary>
internal sealed record GoldenForm(string Name, byte[] Payload, string Json)
{
    public static GoldenForm Of(StoredKind kind, object value)
    {
        var (name, payload) = kind.Encode(value);
        return new GoldenForm(name, payload, kind.Json(name, payload));
    }

    public static GoldenForm Parse(string line)
    {
        var parts = line.Split(' ', 3);
        return new GoldenForm(parts[0], Convert.FromHexString(parts[1]), parts[2]);
    }

    /// <summary>Whether everything that one JSON text says is said by another; a newer form may say more.</summary>
    public static bool Says(JsonNode? all, JsonNode? part) => (all, part) switch
    {
        (JsonObject a, JsonObject p) => p.All(member => a.ContainsKey(member.Key) && Says(a[member.Key], member.Value)),
        (JsonArray a, JsonArray p) => a.Count == p.Count && a.Zip(p).All(pair => Says(pair.Item1, pair.Item2)),
        _ => JsonNode.DeepEquals(all, part),
    };

    public override string ToString() => $"{Name} {Convert.ToHexStringLower(Payload)} {Json}";
}
