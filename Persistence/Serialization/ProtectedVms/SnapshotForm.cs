using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

// A snapshot is the state's public properties as JSON: ids as their bare values, times of retention as ticks, closed
// hierarchies with a "$type" that is the case's name. No long-term data depends on it: when a property of the state
// (or of a value in it) is added, renamed or changes its meaning, raise Version, and older snapshots are ignored in
// favour of the events. A test compares the form with a golden text, so that this is not forgotten.

/// <summary>The stored form of a state.</summary>
internal static class SnapshotForm
{
    /// <summary>The version of the form.</summary>
    public const int Version = 6;

    private static readonly JsonSerializerOptions Options = new()
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = false,
        Converters =
        {
            new ValueListConverter(), new IdentifierConverter(), new PointKindConverter(),
            new JsonStringEnumConverter(),
        },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { CloseHierarchies, OnlyWhatIsStored } },
    };

    /// <summary>Writes a state.</summary>
    public static byte[] Write(ProtectedVmState state) => JsonSerializer.SerializeToUtf8Bytes(state, Options);

    /// <summary>Reads a state.</summary>
    public static ProtectedVmState Read(ReadOnlySpan<byte> payload)
    {
        try
        {
            return JsonSerializer.Deserialize<ProtectedVmState>(payload, Options)
                ?? throw new UnreadableEventException("A snapshot of a protected VM is empty.");
        }
        catch (Exception exception) when (exception is JsonException or FormatException or NotSupportedException
            or InvalidOperationException or ArgumentException)
        {
            throw new UnreadableEventException("A snapshot of a protected VM is damaged.", exception);
        }
    }

    private static void CloseHierarchies(JsonTypeInfo type)
    {
        if (type.Type != typeof(Phase) && type.Type != typeof(TestFailover))
        {
            return;
        }

        type.PolymorphismOptions = new JsonPolymorphismOptions { TypeDiscriminatorPropertyName = "$type" };
        foreach (var derived in type.Type.GetNestedTypes())
        {
            type.PolymorphismOptions.DerivedTypes.Add(new JsonDerivedType(derived, derived.Name));
        }
    }

    // Derived properties have no setter.
    private static void OnlyWhatIsStored(JsonTypeInfo type)
    {
        if (type.Kind != JsonTypeInfoKind.Object)
        {
            return;
        }

        for (var index = type.Properties.Count - 1; index >= 0; index--)
        {
            if (type.Properties[index].Set is null)
            {
                type.Properties.RemoveAt(index);
            }
        }
    }
}
