using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using ReplicationEngine.DataPlane.Nbd;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Vault.Agents;
using ReplicationEngine.Vault.Api;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Contracts.Operations;
using ReplicationEngine.Vault.Target;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>What the API shows of a VM, made from its state.</summary>
public sealed class Views_of_a_vm : IAsyncLifetime
{
    private readonly string _data = Directory.CreateTempSubdirectory("dr-views-").FullName;
    private DiskServer _server = null!;
    private VmViews _views = null!;
    private AgentRegistry _agents = null!;
    private (string What, DateTimeOffset Since)? _trouble;

    public ValueTask InitializeAsync()
    {
        _server = new DiskServer(_data, null, TimeProvider.System);
        var site = new TargetSite(_data, _server, TimeProvider.System, NullLoggerFactory.Instance);
        _agents = FakeAgent.Registry(_data);
        var sources = new SourceSide(_agents, _ => "", TimeProvider.System);
        _views = new VmViews(
            _agents, site, new FactFinder(_agents, sources, site, TimeProvider.System), () => _trouble,
            TimeProvider.System);
        return ValueTask.CompletedTask;
    }

    [Fact]
    [Trait("Req", "OPS-1")]
    public void Every_kind_of_job_has_the_name_of_its_operation()
    {
        var operations = VmOperations.All.Select(row => row.Name).ToHashSet();
        foreach (var kind in Enum.GetValues<JobKind>())
        {
            var name = VmOperations.NameOf(kind);
            Assert.True(operations.Contains(name) || kind == JobKind.InitialReplication, $"{kind} is called {name}");
        }

        var life = VmLife.Protected().With(new ProtectedVmCommand.MakeRecoveryPoint(PointKind.Crash));
        Assert.Equal(["make-point", "initial-replication", "protect"],
            VmViews.Jobs(life.State).Select(job => job.Kind));
    }

    [Fact]
    public void Of_a_point_name_who_holds_it_and_since_when()
    {
        var (id, at) = (new RecoveryPointId(new Guid(1, 2, 3, new byte[8])), VmLife.Start.AddDays(1));
        var kept = new KeptPoint(
            new RecoveryPoint(id, VmLife.Start, PointKind.Crash, new Generation(1), new Lsn(1), PointGrade.Received),
            TimeSpan.Zero);

        Assert.Null(VmViews.Point(kept).Held);
        Assert.Equal(new HoldView("alice", at), VmViews.Point(kept with { Hold = new PointHold("alice", at) }).Held);
    }

    [Fact]
    public void Of_a_vm_that_is_no_longer_protected_promise_nothing_incremental()
    {
        var life = VmLife.Protected();
        Assert.Contains("only new writes", _views.Of(life.State).Next.Why, StringComparison.Ordinal);

        life.Tell(new ProtectedVmCommand.Disable(KeepReplica: false));
        life.Succeed(EffectKind.ReleaseProtection);

        var next = _views.Of(life.State).Next;
        Assert.Equal(("full", null), (next.Mode, next.Seconds));
        Assert.Contains("nothing is sent", next.Why, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Req", "OPS-2")]
    [Trait("Req", "I28")]
    public void Tell_a_trouble_of_the_journal_while_it_lasts()
    {
        var life = VmLife.Protected();
        _trouble = ("the disk is full", VmLife.Start);
        var view = _views.Of(life.State);
        Assert.Equal("critical", view.Health);
        var cause = Assert.Single(view.Causes, cause => cause.Code == "journal-trouble");
        Assert.Contains("the disk is full", cause.Message, StringComparison.Ordinal);
        Assert.Equal(VmLife.Start, cause.Since);

        _trouble = null;
        Assert.DoesNotContain(_views.Of(life.State).Causes, cause => cause.Code == "journal-trouble");
    }

    [Fact]
    public void Say_since_when_sent_bytes_are_counted()
    {
        var life = VmLife.Protected();
        Assert.Null(_views.Of(life.State).Source.CountedSince);
        _agents.Note("site-a", Reports.Streaming);

        var source = _views.Of(life.State).Source;
        Assert.Equal((1000, 800, VmLife.Start), (source.WireBytes, source.ChangedBytes, source.CountedSince));
    }

    [Fact]
    [Trait("Req", "OPS-5")]
    public void Of_a_state_then_have_members_in_camel_case()
    {
        var life = VmLife.Protected();
        foreach (var name in Names(HistoryEndpoint.StateOf(life.State)))
        {
            Assert.False(char.IsUpper(name[0]), name);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }

    private static IEnumerable<string> Names(JsonNode? node) => node switch
    {
        JsonObject members => members.SelectMany(member => Names(member.Value).Prepend(member.Key)),
        JsonArray items => items.SelectMany(Names),
        _ => [],
    };
}
