using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using MessagePack;
using ReplicationEngine.Persistence.Serialization;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;

namespace ReplicationEngine.Tests.Persistence.ProtectedVms;

// golden.txt holds what was ever released: bytes of every form and what they say (lines that end with a JSON object),
// and every member of every contract and every number of an enumeration. It only grows: with RELEASE_STORED_FORMS=1
// these tests append what is new and leave every line that stands there as it is.

/// <summary>The rule by which stored forms may change: what was released is read for ever.</summary>
public sealed class Released_forms_of_a_protected_vm
{
    private const string Variable = "RELEASE_STORED_FORMS";

    private static IEnumerable<string> Released =>
        File.ReadLines(Path.Combine(AppContext.BaseDirectory, "ProtectedVms", "golden.txt"));

    private static IEnumerable<string> ReleasedBytes => Released.Where(IsBytes);

    private static IEnumerable<string> ReleasedMembers => Released.Where(line => !IsBytes(line));

    private static IEnumerable<Type> Contracts =>
        typeof(ProtectedVmCodec).Assembly.GetTypes().Where(ContractSchema.IsContract);

    [Fact]
    [Trait("Req", "I17")]
    public void Are_read_as_they_always_were() => Assert.All(ReleasedBytes.Select(GoldenForm.Parse), golden =>
    {
        var kind = StoredKind.Of(golden.Name);
        var json = kind.Json(golden.Name, golden.Payload);

        Assert.True(
            GoldenForm.Says(JsonNode.Parse(json), JsonNode.Parse(golden.Json)), $"{golden}\nis read as\n{json}");
        Assert.Contains(kind.Decode(golden.Name, golden.Payload).GetType(), kind.Types);
    });

    [Fact]
    [Trait("Req", "I17")]
    public void Include_the_bytes_that_are_written_today()
    {
        var today = StoredKind.All.SelectMany(kind => kind.Types.SelectMany(type => Samples.GoldenNumbers(type)
            .Select(number => GoldenForm.Of(kind, kind.Sample(type, number)).ToString()))).Distinct();

        var missing = today.Except(ReleasedBytes).ToList();
        Grow(missing);
        Assert.True(
            missing.Count == 0,
            "These bytes were never released. A new event or command, or a member behind the last one: append them "
            + $"with {Variable}=1. Any other change: give the new form a new name, and go on reading the old one.\n"
            + string.Join('\n', missing));
    }

    [Fact]
    public void Keep_every_member_under_its_key_name_and_type()
    {
        var today = Schema().ToList();

        var missing = today.Except(ReleasedMembers).ToList();
        Grow(missing);
        Assert.True(
            missing.Count == 0,
            $"These members were never released; append them with {Variable}=1 when they are behind the last one.\n"
            + string.Join('\n', missing));
        var lost = ReleasedMembers.Except(today).ToList();
        Assert.True(lost.Count == 0, $"These members were released and are no more.\n{string.Join('\n', lost)}");
    }

    [Fact]
    public void Exist_for_every_event_and_every_command()
    {
        Assert.Equal(
            Samples.EventTypes.ToHashSet(), ProtectedVmCodec.Events.All.Select(form => form.Case).ToHashSet());
        Assert.Equal(
            Samples.CommandTypes.ToHashSet(), ProtectedVmCodec.Commands.All.Select(form => form.Case).ToHashSet());
        var contracts = ProtectedVmCodec.Events.All.Select(form => form.Contract)
            .Concat(ProtectedVmCodec.Commands.All.Select(form => form.Contract)).ToList();
        Assert.Equal(contracts.Count, contracts.Distinct().Count());
    }

    [Fact]
    public void Are_named_after_what_they_hold() => Assert.All(StoredKind.All, kind => Assert.All(kind.Types, type =>
        Assert.Matches(
            $"^{kind.Prefix}{JsonNamingPolicy.KebabCaseLower.ConvertName(type.Name)}\\.v[1-9][0-9]*$",
            kind.Encode(kind.Sample(type, 0)).Name)));

    [Fact]
    public void Have_keys_from_0_without_gaps() => Assert.All(Contracts, contract =>
    {
        var keys = contract.GetProperties().Select(property => property.GetCustomAttribute<KeyAttribute>()?.IntKey);

        Assert.Equal(Enumerable.Range(0, keys.Count()).Select(key => (int?)key), keys.Order());
        Assert.Equal(keys.Count(), ContractSchema.Of(contract).Members.Length);
    });

    [Theory]
    [InlineData(typeof(WithGap))]
    [InlineData(typeof(InAnotherOrder))]
    [InlineData(typeof(WithATypeThatIsNotStored))]
    [InlineData(typeof(WithAnEnumerationWithoutNumbers))]
    [InlineData(typeof(NotMarked))]
    public void Cannot_be_made_of_a_contract_that_breaks_the_rules(Type contract) =>
        Assert.Throws<InvalidOperationException>(() => ContractSchema.Of(contract));

    [Fact]
    public void Know_every_value_of_an_enumeration_and_keep_0_for_none() => Assert.All(StoredEnums.All, table =>
    {
        Assert.Equal(Enum.GetValues(table.Type).Length, table.Values.Count);
        Assert.All(Enum.GetValues(table.Type).Cast<object>(), value => Assert.Equal(value, table.Known(
            table.NumberOf(value))));
        Assert.All(table.Values, entry => Assert.True(entry.Number > 0 || entry.Text == "HEALTH_LEVEL_NORMAL"));
        Assert.Throws<FormatException>(() => table.Known(table.Values.Max(entry => entry.Number) + 1));
    });

    private static IEnumerable<string> Schema() =>
    [
        .. ProtectedVmCodec.Events.All.SelectMany(form => Members(form.Name, "", "", form.Contract)),
        .. ProtectedVmCodec.Commands.All.SelectMany(form => Members(form.Name, "", "", form.Contract)),
        .. StoredEnums.All.SelectMany(table => table.Values.Select(
            entry => $"enum {table.Name} {entry.Number} {entry.Text}")),
    ];

    private static IEnumerable<string> Members(string form, string keys, string names, Type contract) =>
        ContractSchema.Of(contract).Members.SelectMany((member, key) => (IEnumerable<string>)
        [
            $"{form} {keys}{key} {names}{member.Name} {member.Value.Name}",
            .. member.Value.Contract is { } nested
                ? Members(form, $"{keys}{key}.", $"{names}{member.Name}.", nested.Type) : [],
        ]);

    private static bool IsBytes(string line) => line.EndsWith('}');

    private static void Grow(IReadOnlyList<string> lines, [CallerFilePath] string source = "")
    {
        if (Environment.GetEnvironmentVariable(Variable) is "1")
        {
            File.AppendAllLines(Path.Combine(Path.GetDirectoryName(source)!, "golden.txt"), lines);
        }
    }

    [MessagePackObject]
    internal sealed record WithGap([property: Key(0)] string? First, [property: Key(2)] string? Third);

    [MessagePackObject]
    internal sealed record InAnotherOrder([property: Key(1)] string? Second, [property: Key(0)] string? First);

    [MessagePackObject]
    internal sealed record WithATypeThatIsNotStored([property: Key(0)] object? Anything);

    [MessagePackObject]
    internal sealed record WithAnEnumerationWithoutNumbers([property: Key(0)] DayOfWeek? Day);

    internal sealed record NotMarked([property: Key(0)] string? First);
}
