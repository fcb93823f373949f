using System.Text.Json;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Vault.Api;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Contracts.Operations;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>The one table that service, client and description are made from.</summary>
public sealed class Table_of_operations
{
    public static TheoryData<string> Names => [.. VmOperations.All.Select(row => row.Name)];

    [Fact]
    public void Has_one_row_for_each_operation_of_the_domain_but_the_change_of_policy()
    {
        Assert.Equal(
            Enum.GetValues<Operation>().Where(operation => operation is not Operation.UpdatePolicy),
            VmOperations.All.Select(row => row.Operation));
        Assert.Equal(VmOperations.All.Count, Names.Select(row => row.Data).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Writes_arguments_as_it_reads_them(string name)
    {
        var row = VmOperations.Named(name);
        var arguments = row.Read(OperationBodies.With(row, row.Members));
        var written = row.Write(arguments).ToJsonString();

        Assert.Equal("other", arguments.CommandId);
        Assert.Equal(written, row.Write(row.Read(JsonElement.Parse(written))).ToJsonString());
        Assert.Equal(row.DigestOf(arguments), row.DigestOf(row.Read(JsonElement.Parse(written))));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Refuses_a_member_that_the_operation_does_not_know(string name)
    {
        var row = VmOperations.Named(name);
        var refused = Assert.Throws<BadRequestException>(() => row.Read(JsonElement.Parse("""{"surprise":true}""")));

        Assert.Equal($"'surprise' is not an argument of {name}; its arguments are {string.Join(", ", row.Members)}.",
            refused.Message);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Refuses_values_of_a_wrong_type_by_the_members_name(string name)
    {
        var row = VmOperations.Named(name);
        foreach (var member in row.Members)
        {
            var body = JsonElement.Parse($$"""{"{{member}}":5}""");
            Assert.StartsWith($"'{member}' of {name} must be ",
                Assert.Throws<BadRequestException>(() => row.Read(body)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(null, "No recovery point is given; use an id from the list of points.")]
    [InlineData("latest", "'latest' is not the id of a recovery point, which has 32 hexadecimal digits; use an id from "
        + "the list of points.")]
    public void Refuses_to_hold_a_point_that_is_not_named_by_its_id(string? point, string refusal) => Assert.Equal(
        refusal,
        Assert.Throws<BadRequestException>(() => VmOperations.HoldPoint.CommandFor(
            "web", new PointArguments { Point = point }, new OperationFacts([], 0))).Message);

    [Theory]
    [MemberData(nameof(Names))]
    public void Takes_null_for_what_is_left_out(string name)
    {
        var row = VmOperations.Named(name);
        var nulls = JsonSerializer.SerializeToElement(row.Members.ToDictionary(member => member, _ => (string?)null));
        Assert.Equal(row.DigestOf(row.Read(OperationBodies.Empty)), row.DigestOf(row.Read(nulls)));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Is_what_the_description_of_the_interface_lists(string name)
    {
        var row = VmOperations.Named(name);
        var post = OpenApiDocument.Make()["paths"]![$"/api/v1/vms/{{vm}}/operations/{name}"]!["post"]!;
        var schema = post["requestBody"]!["content"]!["application/json"]!["schema"]!;

        Assert.Equal(row.Help, (string?)post["summary"]);
        Assert.Equal(row.Members.Order(), schema["properties"]!.AsObject().Select(member => member.Key).Order());
        Assert.False((bool)schema["additionalProperties"]!);
    }
}
