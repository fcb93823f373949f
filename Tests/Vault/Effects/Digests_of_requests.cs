using System.Reflection;
using Xunit;
using OperationCommands = ReplicationEngine.Vault.Api.OperationCommands;
using ReplicationEngine.Vault.Contracts;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>What tells two requests under one command id apart.</summary>
[Trait("Req", "I19")]
public sealed class Digests_of_requests
{
    public static TheoryData<string> Fields => [.. typeof(OperationRequest).GetProperties()
        .Select(property => property.Name).Where(name => name != nameof(OperationRequest.CommandId))];

    [Theory]
    [MemberData(nameof(Fields))]
    public void Differ_in_every_field(string field)
    {
        var request = new OperationRequest();
        var property = typeof(OperationRequest).GetProperty(field, BindingFlags.Public | BindingFlags.Instance)!;
        object value = property.PropertyType == typeof(bool?) ? true
            : property.PropertyType == typeof(string) ? "other"
            : new List<string> { "/disks/a.img" };
        var other = request with { };
        property.SetValue(other, value);

        Assert.NotEqual(
            OperationCommands.DigestOf("protect", request), OperationCommands.DigestOf("protect", other));
    }

    [Fact]
    public void Differ_by_operation_and_not_by_what_is_left_to_its_default()
    {
        var request = new OperationRequest();
        Assert.NotEqual(OperationCommands.DigestOf("pause", request), OperationCommands.DigestOf("resume", request));
        Assert.Equal(
            OperationCommands.DigestOf("cancel", request),
            OperationCommands.DigestOf("cancel", request with { Discard = false, CommandId = "another" }));
        Assert.NotEqual(
            OperationCommands.DigestOf("protect", new OperationRequest(Disks: ["ab", "c"])),
            OperationCommands.DigestOf("protect", new OperationRequest(Disks: ["a", "bc"])));
    }
}
