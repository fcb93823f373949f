using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Projections;

/// <summary>A projection's progress in one entity's stream, which reveals gaps, repetitions and damage.</summary>
/// <param name="Id">The id of the entity.</param>
/// <param name="Sequence">The number of the last event processed.</param>
/// <param name="Seal">The seal of the last event processed, in hexadecimal.</param>
/// <param name="Trouble">Why no further event can be processed; null while there is no problem.</param>
internal sealed record EntityMark(string Id, long Sequence, string Seal, string? Trouble) : IDocument<EntityMark>
{
    public static string Kind => "entity";

    public static JsonTypeInfo<EntityMark> Form => EntityMarkJson.Default.EntityMark;

    [JsonIgnore]
    public StreamHead Head => new(Sequence, new ChainHash(Convert.FromHexString(Seal)));

    public static EntityMark Of(PersistenceId id, StreamHead head, string? trouble = null) =>
        new(id.ToString(), head.Sequence, head.Hash.ToString(), trouble);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EntityMark))]
internal sealed partial class EntityMarkJson : JsonSerializerContext;
