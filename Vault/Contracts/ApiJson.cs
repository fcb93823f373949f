using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace ReplicationEngine.Vault.Contracts;

/// <summary>How the API reads and writes JSON: camelCase; a member it does not know is refused (S25).</summary>
public static class ApiJson
{
    /// <summary>The options, shared by service and client.</summary>
    public static JsonSerializerOptions Options { get; } =
        Configure(new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        });

    /// <summary>Applies the house's choices.</summary>
    public static JsonSerializerOptions Configure(JsonSerializerOptions options)
    {
        const int deepest = 32;
        options.MaxDepth = deepest;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.Never;
        options.NumberHandling = JsonNumberHandling.Strict;
        return options;
    }
}
