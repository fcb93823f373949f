using System.Text.Json;
using System.Text.Json.Nodes;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>An entity's state in readable form: its stored properties with camelCase members.</summary>
public static class StateJson
{
    /// <summary>Returns the state as a JSON object.</summary>
    public static JsonObject Of<TState, TCommand, TEvent>(IEntityCodec<TState, TCommand, TEvent> codec, TState state)
        where TState : class
        where TCommand : class
        where TEvent : class
    {
        ArgumentNullException.ThrowIfNull(codec);
        return (JsonObject)CamelCased(JsonNode.Parse(codec.EncodeState(state)))!;
    }

    private static JsonNode? CamelCased(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.Select(member => KeyValuePair.Create(
            JsonNamingPolicy.CamelCase.ConvertName(member.Key), CamelCased(member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(CamelCased)]),
        _ => node?.DeepClone(),
    };
}
