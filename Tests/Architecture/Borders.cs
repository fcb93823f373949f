using System.Reflection;
using System.Runtime.CompilerServices;
using NetArchTest.Rules;
using Xunit;

namespace ReplicationEngine.Tests.Architecture;

/// <summary>
/// Who may know whom: the arrows of docs/STYLE.md, read from what the compiler made (IL) and not from source text. Each
/// guard is also held against types of <see cref="Violations"/>, so that it is known to find something.
/// </summary>
public sealed class Borders
{
    /// <summary>What each part may refer to, next to packages and the framework.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["ReplicationEngine.Wording"] = [],
        ["ReplicationEngine.Engine"] = [],
        ["ReplicationEngine.Actors"] = ["Engine"],
        ["ReplicationEngine.Persistence"] = ["Engine", "Actors"],
        ["ReplicationEngine.DataPlane"] = ["Engine"],
        ["ReplicationEngine.Agent.Protocol"] = ["Engine"],
        ["ReplicationEngine.Agent"] = ["Engine", "DataPlane", "Agent.Protocol"],
        ["ReplicationEngine.Orchestration"] = ["Engine", "DataPlane", "Agent.Protocol"],
        ["ReplicationEngine.Vault.Contracts"] = ["Engine"],
        ["ReplicationEngine.Vault"] =
        [
            "Wording", "Engine", "Actors", "Persistence", "DataPlane", "Agent.Protocol", "Orchestration",
            "Vault.Contracts",
        ],
        ["drctl"] =
        [
            "Wording", "Engine", "Actors", "Persistence", "DataPlane", "Agent", "Agent.Protocol", "Vault",
            "Vault.Contracts",
        ],
        ["ReplicationEngine.Simulation.Kernel"] = [],
        ["ReplicationEngine.Simulation.Planner"] =
        [
            "Wording", "Simulation.Kernel", "Engine", "Actors", "Persistence", "DataPlane", "Agent.Protocol",
            "Orchestration",
        ],
        ["drctl-simulate"] =
        [
            "Wording", "Simulation.Kernel", "Simulation.Planner", "Engine", "Actors", "Persistence", "DataPlane",
            "Agent", "Agent.Protocol", "Orchestration",
        ],
        ["ReplicationEngine.Chaos.Witness"] = [],
        ["drctl-chaos"] = ["Wording", "Chaos.Witness"],
        ["embedding"] = ["Engine", "Actors", "Persistence"],
    };

    /// <summary>What the domain does without: files, sockets, tasks, threads, clocks, chance, the process.</summary>
    private static readonly string[] Impure =
    [
        "System.IO", "System.Net", "System.Threading.Tasks", "System.Threading.Thread", "System.Threading.Timer",
        "System.Diagnostics.Process", "System.Diagnostics.Stopwatch", "System.TimeProvider", "System.Random",
        "System.Console", "System.Security.Cryptography.RandomNumberGenerator", "Microsoft", "Akka",
    ];

    public static TheoryData<string> Parts => [.. Allowed.Keys];

    [Theory]
    [MemberData(nameof(Parts))]
    public void A_part_refers_only_to_the_parts_below_it(string part) =>
        Assert.Empty(Strangers(Assembly.Load(part), Allowed[part]));

    [Fact]
    public void A_reference_that_is_not_allowed_is_found() =>
        Assert.NotEmpty(Strangers(Assembly.Load("ReplicationEngine.Persistence"), ["Engine"]));

    [Theory]
    [MemberData(nameof(Parts))]
    public void No_part_opens_its_internals_to_another_part(string part) =>
        Assert.Empty(Friends(Assembly.Load(part)).Where(IsPart));

    [Fact]
    public void A_friendship_is_found() => Assert.Contains(
        "ReplicationEngine.Tests.DataPlane", Friends(Assembly.Load("ReplicationEngine.DataPlane")));

    [Fact]
    public void The_domain_touches_nothing_outside() =>
        Assert.Empty(Dependents(Types.InAssembly(Assembly.Load("ReplicationEngine.Engine")), Impure));

    [Theory]
    [InlineData(nameof(Violations.ReadsAFile))]
    [InlineData(nameof(Violations.WaitsForATask))]
    [InlineData(nameof(Violations.DrawsANumber))]
    [InlineData(nameof(Violations.ReadsTheClock))]
    public void A_type_that_touches_something_outside_is_found(string name) => Assert.Equal(
        [name],
        Dependents(
            Types.InAssembly(typeof(Borders).Assembly).That().HaveName(name).And()
                .ResideInNamespace(typeof(Violations).Namespace!),
            Impure));

    [Fact]
    public void The_planner_knows_of_the_data_plane_its_positions_and_refusals_only() => Assert.Empty(
        Dependents(Types.InAssembly(Assembly.Load("ReplicationEngine.Simulation.Planner")), Bytes));

    [Fact]
    public void A_part_that_works_with_bytes_is_found() => Assert.NotEmpty(
        Dependents(Types.InAssembly(Assembly.Load("ReplicationEngine.Orchestration")), Bytes));

    [Fact]
    public void The_commands_that_are_clients_know_the_service_by_its_contract_only() => Assert.Empty(
        Dependents(Clients(Assembly.Load("drctl")), Service));

    [Fact]
    public void A_client_that_knows_the_service_is_found() => Assert.NotEmpty(
        Dependents(Types.InAssembly(Assembly.Load("drctl")), Service));

    /// <summary>The data plane but for what its contracts say of places in the order of changes.</summary>
    private static readonly string[] Bytes =
    [
        "ReplicationEngine.DataPlane.Blocks", "ReplicationEngine.DataPlane.Nbd",
        "ReplicationEngine.DataPlane.Replicas", "ReplicationEngine.DataPlane.Resync",
        "ReplicationEngine.DataPlane.Splitting", "ReplicationEngine.DataPlane.Storage",
        "ReplicationEngine.DataPlane.Transport",
    ];

    /// <summary>The service's own code; its contract is another assembly and another namespace.</summary>
    private static readonly string[] Service =
    [
        "ReplicationEngine.Vault.Access", "ReplicationEngine.Vault.Agents", "ReplicationEngine.Vault.Api",
        "ReplicationEngine.Vault.Effects", "ReplicationEngine.Vault.Replicas", "ReplicationEngine.Vault.Serving",
        "ReplicationEngine.Vault.Target", "ReplicationEngine.Agent.Hosting", "ReplicationEngine.Agent.Volumes",
    ];

    private static IEnumerable<string> Strangers(Assembly assembly, string[] allowed) =>
        assembly.GetReferencedAssemblies().Select(name => name.Name!).Where(IsPart)
            .Except(allowed.Select(name => "ReplicationEngine." + name), StringComparer.Ordinal);

    private static IEnumerable<string> Friends(Assembly assembly) =>
        assembly.GetCustomAttributes<InternalsVisibleToAttribute>().Select(friend => friend.AssemblyName);

    private static bool IsPart(string name) =>
        (name.StartsWith("ReplicationEngine.", StringComparison.Ordinal)
            || name.StartsWith("drctl", StringComparison.Ordinal))
        && !name.StartsWith("ReplicationEngine.Tests.", StringComparison.Ordinal)
        && name != "ReplicationEngine.Benchmarks";

    // Commands that are a client of the API; the others are hosts, or work on files of a stopped service.
    private static PredicateList Clients(Assembly drctl) =>
        Types.InAssembly(drctl).That().HaveNameMatching(
            "^(VaultClient|CommandRun|ClientCommands|FailoverCommands|OperationCommands|ProtectCommand|UriCommand"
            + "|ViewCommands|ProjectionCommands|AgentCommands|JobWait|JobsPage|PointsPage|StatusPages|WaitState)$");

    private static List<string> Dependents(Types types, string[] on) => Names(types.Should(), on);

    private static List<string> Dependents(PredicateList types, string[] on) => Names(types.Should(), on);

    private static List<string> Names(Condition types, string[] on)
    {
        var result = types.NotHaveDependencyOnAny(on).GetResult();
        return [.. result.FailingTypes.Select(type => type.Name).Order(StringComparer.Ordinal)];
    }
}
