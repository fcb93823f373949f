using ReplicationEngine.Vault.Contracts.Operations;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>What tells two requests under one command id apart.</summary>
[Trait("Req", "I19")]
public sealed class Digests_of_requests
{
    public static TheoryData<string, string> Fields =>
        [.. VmOperations.All.SelectMany(row => row.Members, (row, member) => (row.Name, member))
            .Where(member => member.member != "commandId")];

    [Theory]
    [MemberData(nameof(Fields))]
    public void Differ_in_every_field(string operation, string member)
    {
        var row = VmOperations.Named(operation);
        Assert.NotEqual(
            row.DigestOf(row.Read(OperationBodies.Empty)), row.DigestOf(row.Read(OperationBodies.With(row, member))));
    }

    [Fact]
    public void Differ_by_operation_and_not_by_what_is_left_to_its_default()
    {
        var none = new NoArguments();
        Assert.NotEqual(VmOperations.Pause.DigestOf(none), VmOperations.Resume.DigestOf(none));
        Assert.Equal(
            VmOperations.Cancel.DigestOf(VmOperations.Cancel.Read(OperationBodies.Empty)),
            VmOperations.Cancel.DigestOf(new DiscardArguments { Discard = false, CommandId = "another" }));
        Assert.NotEqual(
            VmOperations.Protect.DigestOf(new ProtectArguments { Disks = ["ab", "c"] }),
            VmOperations.Protect.DigestOf(new ProtectArguments { Disks = ["a", "bc"] }));
    }
}
