using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Projections;

/// <summary>How far a projection has taken one entity's stream: what finds gaps, repetitions and damage.</summary>
/// <param name="Id">The entity.</param>
/// <param name="Sequence">The last event that was taken.</param>
/// <param name="Seal">Its seal, in hexadecimal.</param>
/// <param name="Trouble">Why no further event can be taken; null while all is well.</param>
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
