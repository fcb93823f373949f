using ReplicationEngine.Engine.Observations;
using Microsoft.Extensions.Logging.Abstractions;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Nbd;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Vault.Agents;
using ReplicationEngine.Vault.Target;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>Before a planned failover of a physical server its agent itself must say that it takes no more
/// writes.</summary>
[Trait("Req", "SCN-3")]
public sealed class Quiescing_the_source : IAsyncLifetime
{
    private readonly string _data = Directory.CreateTempSubdirectory("dr-quiesce-").FullName;
    private readonly VmLife _life = VmLife.Protected("SCN-3");
    private AgentRegistry _agents = null!;
    private DiskServer _server = null!;
    private TargetSite _site = null!;
    private EffectRunner _runner = null!;

    public async ValueTask InitializeAsync()
    {
        _agents = FakeAgent.Registry(_data);
        _server = new DiskServer(_data, null, TimeProvider.System);
        _site = new TargetSite(_data, _server, TimeProvider.System, NullLoggerFactory.Instance);
        _runner = new EffectRunner(
            _site, new SourceSide(_agents, _site.KeyOf, TimeProvider.System),
            new DiskRegister(_agents, _ => Task.FromResult<IReadOnlyList<ProtectedVmState>>([])), TimeProvider.System);
        var volume = _site.Obtain("web");
        await volume.PrepareAsync([new DiskSpec("/disks/a.img", 1 << 20)], Term.First, CancellationToken.None);
        volume.Store!.EndResync(new ChangePosition(new Generation(0), Lsn.None));
        _life.Tell(new ProtectedVmCommand.StartPlannedFailover());
    }

    [Fact]
    public async Task An_agent_that_says_so_lets_the_failover_go_on()
    {
        var outcome = await QuiesceAsync(Reports.Streaming with { Role = SourceRole.Quiesced });

        Assert.IsType<ProtectedVmEvent.WritesQuiesced>(Assert.Single(_life.Tell(outcome)));
    }

    [Theory]
    [InlineData(SourceRole.Primary, 1)]
    [InlineData(SourceRole.Quiesced, 0)]
    public async Task An_agent_that_answers_but_does_not_confirm_ends_it(SourceRole role, long term)
    {
        var outcome = await QuiesceAsync(Reports.Streaming with { Role = role, Term = term });

        var failed = Assert.IsType<ProtectedVmEvent.FailoverFailed>(Assert.Single(_life.Tell(outcome)));
        Assert.Contains("SCN-3", failed.Error.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Req", "FOV-3")]
    public async Task For_an_older_point_nothing_that_is_on_its_way_is_waited_for()
    {
        var life = VmLife.Protected();
        life.Tell(new ProtectedVmCommand.RecordRecoveryPointSealed(new RecoveryPoint(
            VmLife.Point(1), VmLife.Start, PointKind.Crash, new Generation(0), Lsn.None, PointGrade.Received)));
        life.Tell(new ProtectedVmCommand.StartUnplannedFailover(
            new PointChoice.Specific(VmLife.Point(1)), TryShutdown: true));
        var (agent, _) = await FakeAgent.CallAsync(_agents, "site-a", FakeAgent.Self(_data));
        await using var connected = agent;
        agent.Answer = _ => new AgentReply.Directed(
            Reports.Streaming with { Role = SourceRole.Quiesced, Generation = 0, Lsn = 1_000_000 });
        using var limit = Eventually.Limit();

        var outcome = await _runner.RunAsync(life.State, life.Outstanding(EffectKind.QuiesceSource), limit.Token);

        Assert.IsType<ProtectedVmCommand.RecordEffectSucceeded>(outcome);
    }

    [Fact]
    [Trait("Req", "I22")]
    public async Task An_agent_whose_log_lacks_changes_is_asked_again_until_they_are_copied()
    {
        var asked = 0;
        var (agent, _) = await FakeAgent.CallAsync(_agents, "site-a", FakeAgent.Self(_data));
        await using var connected = agent;
        var quiesced = Reports.Streaming with { Role = SourceRole.Quiesced, Generation = 0, Lsn = 0 };
        agent.Answer = _ => new AgentReply.Directed(++asked switch
        {
            1 => quiesced with { Capture = CaptureMode.DirtyMap, DirtyBytes = 4 << 20 },
            2 => quiesced with { DirtyBytes = 4 << 20 },
            _ => quiesced,
        });
        var outcome = await _runner.RunAsync(
            _life.State, _life.Outstanding(EffectKind.QuiesceSource), CancellationToken.None);

        Assert.Equal(3, asked);
        Assert.IsType<ProtectedVmEvent.WritesQuiesced>(Assert.Single(_life.Tell(outcome)));
    }

    [Fact]
    public async Task An_agent_that_is_away_confirms_nothing()
    {
        var outcome = await _runner.RunAsync(
            _life.State, _life.Outstanding(EffectKind.QuiesceSource), CancellationToken.None);

        Assert.IsType<ProtectedVmCommand.RecordEffectFailed>(outcome);
        Assert.IsType<ProtectedVmEvent.EffectFailed>(Assert.Single(_life.Tell(outcome)));
    }

    public async ValueTask DisposeAsync()
    {
        await _site.DisposeAsync();
        await _server.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }

    private async Task<ProtectedVmCommand> QuiesceAsync(VolumeStatus answer)
    {
        var (agent, said) = await FakeAgent.CallAsync(_agents, "site-a", FakeAgent.Self(_data));
        await using var connected = agent;
        Assert.IsType<ControlMessage.Welcome>(said);
        agent.Answer = _ => new AgentReply.Directed(answer with { Generation = 0, Lsn = 0 });
        return await _runner.RunAsync(_life.State, _life.Outstanding(EffectKind.QuiesceSource), CancellationToken.None);
    }
}
