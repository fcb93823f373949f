using System.Text.Json;
using ReplicationEngine.Vault.Contracts.Operations;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>Bodies of requests for operations.</summary>
internal static class OperationBodies
{
    /// <summary>Nothing is given.</summary>
    public static JsonElement Empty { get; } = JsonElement.Parse("{}");

    /// <summary>These members have values that are no defaults.</summary>
    public static JsonElement With(VmOperation row, params IEnumerable<string> members) =>
        JsonSerializer.SerializeToElement(members.ToDictionary(
            member => member,
            object (member) => row.Arguments.Properties.Single(property => property.Name == member).PropertyType switch
            {
                var type when type == typeof(bool) => true,
                var type when type == typeof(string) => "other",
                _ => new[] { "/disks/a.img" },
            }));
}
