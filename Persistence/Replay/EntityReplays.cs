using System.Text.Json;
using System.Text.Json.Nodes;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>The entity types whose streams can be replayed. Each aggregate needs an entry here.</summary>
public sealed class EntityReplays
{
    private readonly Dictionary<string, EntityReplay> _byType;

    /// <summary>Creates a set of the given replays.</summary>
    internal EntityReplays(params IEnumerable<EntityReplay> replays) =>
        _byType = replays.ToDictionary(replay => replay.Type, StringComparer.Ordinal);

    /// <summary>The replays of all entity types of the engine.</summary>
    public static EntityReplays OfTheEngine { get; } = new(ProtectedVms());

    /// <summary>Returns the replay of a type; null when this version does not know the type.</summary>
    internal EntityReplay? Find(string type) => _byType.GetValueOrDefault(type);

    /// <summary>Returns the replay of a stream's type.</summary>
    /// <exception cref="ReplayRefusedException">The entity type is unknown to this version.</exception>
    internal EntityReplay Of(PersistenceId id) => Find(id.Type)
        ?? throw new ReplayRefusedException("This version of the engine does not support entities of type "
            + $"'{id.Type}'.");

    private static EntityReplay<ProtectedVm, ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent> ProtectedVms()
    {
        var codec = new ProtectedVmCodec();
        return new(
            codec,
            (state, shown) =>
            {
                shown["phaseName"] = PhaseName.Of(state.Phase);
                shown["health"] = ProtectedVmHealth.Of(state).Word;
                shown["writablePrimary"] =
                    JsonNamingPolicy.CamelCase.ConvertName($"{WritablePrimary.Of(state.Phase)}");
                shown["outstanding"] = new JsonArray([.. ProtectedVm.Outstanding(state)
                    .Select(effect => JsonValue.Create(EffectName.Of(((ProtectedVmEffect)effect).Kind)))]);
                shown["timers"] = new JsonArray([.. ProtectedVm.Timers(state).Select(timer => new JsonObject
                {
                    ["name"] = timer.Name,
                    ["dueAt"] = timer.DueAt,
                })]);
            },
            stored => JsonNode.Parse(ProtectedVmCodec.ToJson(stored.Name, stored.Payload))!,
            recorded => JsonNode.Parse(ProtectedVmCodec.CommandToJson(recorded.Name, recorded.Payload))!,
            state => state.Enrollment.Vm.Value is { Length: > 0 } name ? name : null);
    }
}
