using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Agent.Hosting;
using ReplicationEngine.Vault.Agents;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>Who is taken for an agent, and what becomes of the one that held the name.</summary>
public sealed class Agents_that_register : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("dr-register-").FullName;
    private readonly AgentRegistry _agents;
    private readonly AgentSelf _self;

    public Agents_that_register()
    {
        _agents = FakeAgent.Registry(_data);
        _self = FakeAgent.Self(_data);
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task With_another_version_are_refused_before_anything_is_heard()
    {
        var (agent, challenge) = await FakeAgent.ConnectAsync(_agents);
        await using var caller = agent;
        await caller.SayAsync(_self.Hello(challenge, "site-a") with { Version = 1 });

        Assert.Contains(
            "protocol", Assert.IsType<ControlMessage.Refused>(await caller.HearAsync()).Reason,
            StringComparison.Ordinal);
        Assert.Empty(_agents.ConnectedAgents);
        Assert.Empty(_agents.Views());
    }

    [Fact]
    public async Task Under_the_name_of_another_key_are_refused_and_shown_and_end_nothing()
    {
        await using var honest = await WelcomeAsync(_self);
        honest.Answer = _ => new AgentReply.Inspected([], ["asked the honest one"]);
        _agents.Note("site-a", Reports.Streaming);
        var stranger = OtherSelf("stranger");

        var (second, said) = await FakeAgent.CallAsync(_agents, "site-a", stranger);
        await using var thief = second;
        Assert.Equal("identity", Assert.IsType<ControlMessage.Refused>(said).Code);

        var reply = await _agents.AskAsync(
            "site-a",
            new AgentRequest.Inspect("web", []), TestContext.Current.CancellationToken);
        Assert.Equal(["asked the honest one"], Assert.IsType<AgentReply.Inspected>(reply).Problems);
        Assert.Equal(Reports.Streaming, _agents.Observations.Status("web"));
        Assert.Equal(TimeSpan.Zero, _agents.Observations.AwayFor("site-a"));
        Assert.Contains("another key", Assert.Single(_agents.Views()).Conflict, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keep_their_name_over_a_restart_of_the_service_until_it_is_forgotten()
    {
        await (await WelcomeAsync(_self)).DisposeAsync();
        var restarted = FakeAgent.Registry(_data);
        var stranger = OtherSelf("stranger");

        Assert.Null(Assert.Single(restarted.Views()).LastSeen);
        await using (await CallAsync(restarted, stranger, "identity"))
        {
            // The one that the name belongs to has not come yet; the refused one is shown all the same.
            var shown = Assert.Single(restarted.Views());
            Assert.Equal(("site-a", false), (shown.Name, shown.Connected));
            Assert.Contains("drctl agents forget site-a", shown.Conflict, StringComparison.Ordinal);
            Assert.Equal(ForgetOutcome.Unknown, restarted.Forget("site-b"));
            Assert.Equal(ForgetOutcome.Forgotten, restarted.Forget("site-a"));
            Assert.Empty(restarted.Views());
        }

        await using var replacement = await CallAsync(restarted, stranger, null);
        Assert.Equal(ForgetOutcome.Connected, restarted.Forget("site-a"));
        await using var returned = await CallAsync(restarted, _self, "identity");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite,
            new FileInfo(Path.Combine(_data, "agents.json")).UnixFileMode);
    }

    [Fact]
    public async Task Once_more_as_the_same_process_win_at_once_over_their_former_connection()
    {
        await using var halfOpen = await WelcomeAsync(_self);
        var former = Secret(halfOpen);
        await using var again = await WelcomeAsync(_self);

        await Assert.ThrowsAsync<IOException>(() => halfOpen.Served);
        Assert.Null(_agents.LifeOf("site-a", former));
        Assert.False(_agents.LifeOf("site-a", Secret(again))!.Value.IsCancellationRequested);
        Assert.Equal(["site-a"], _agents.ConnectedAgents);
        Assert.Null(Assert.Single(_agents.Views()).Conflict);
    }

    [Fact]
    public async Task As_a_copy_of_a_living_one_are_refused_and_both_are_named()
    {
        await using var original = await WelcomeAsync(_self);
        using var stop = new CancellationTokenSource();
        var reporting = ReportAsync(original, stop.Token);
        var copy = AgentSelf.OfThisProcess(_self.Identity, "another-boot");

        await using var refused = await CallAsync(_agents, copy, "clone");

        var conflict = Assert.Single(_agents.Views()).Conflict!;
        Assert.Contains(_self.Process.Incarnation[..8], conflict, StringComparison.Ordinal);
        Assert.Contains(copy.Process.Incarnation[..8], conflict, StringComparison.Ordinal);
        Assert.NotNull(_agents.LifeOf("site-a", Secret(original)));
        await stop.CancelAsync();
        await reporting;
    }

    [Fact]
    public async Task After_a_power_cut_take_the_place_of_what_was_left_of_them()
    {
        await using var dead = await WelcomeAsync(_self, answers: false);
        var former = Secret(dead);
        var data = _agents.LifeOf("site-a", former)!.Value;
        var restarted = AgentSelf.OfThisProcess(_self.Identity, "next-boot");

        await using var returned = await CallAsync(_agents, restarted, null);

        await Assert.ThrowsAsync<IOException>(() => dead.Served);
        Assert.True(data.IsCancellationRequested);
        Assert.Null(_agents.LifeOf("site-a", former));
        Assert.Null(Assert.Single(_agents.Views()).Conflict);
    }

    [Fact]
    public async Task With_a_proof_that_was_made_for_another_connection_are_refused()
    {
        var (first, challenge) = await FakeAgent.ConnectAsync(_agents);
        await using var overheard = first;
        var hello = _self.Hello(challenge, "site-a");
        foreach (var said in new[]
        {
            hello, hello with { Proof = "" }, hello with { Proof = "no base64" }, hello with { PublicKey = "AAAA" },
            hello with { Process = _self.Process with { Host = "elsewhere" } },
        })
        {
            var (second, _) = await FakeAgent.ConnectAsync(_agents);
            await using var thief = second;
            await thief.SayAsync(said);
            Assert.Equal("proof", Assert.IsType<ControlMessage.Refused>(await thief.HearAsync()).Code);
        }

        Assert.Empty(_agents.Views());
        await overheard.SayAsync(hello);
        Assert.IsType<ControlMessage.Welcome>(await overheard.HearAsync());
    }

    [Fact]
    [Trait("Req", "S3")]
    public async Task Are_not_held_up_by_many_that_say_nothing()
    {
        var idle = new List<FakeAgent>();
        for (var i = 0; i < AgentDoor.MostUnproven + 20; i++)
        {
            idle.Add((await FakeAgent.ConnectAsync(_agents)).Agent);
        }

        await using var agent = await WelcomeAsync(_self);
        foreach (var oldest in idle.Take(20))
        {
            Assert.Null(await oldest.HearAsync());
        }

        foreach (var caller in idle)
        {
            await caller.DisposeAsync();
        }
    }

    private static string Secret(FakeAgent agent) => agent.Welcome!.Session;

    private AgentSelf OtherSelf(string name)
    {
        var directory = Path.Combine(_data, name);
        Directory.CreateDirectory(directory);
        return FakeAgent.Self(directory);
    }

    private Task<FakeAgent> WelcomeAsync(AgentSelf self, bool answers = true) =>
        CallAsync(_agents, self, null, answers);

    private static async Task<FakeAgent> CallAsync(
        AgentRegistry agents, AgentSelf self, string? refusal, bool answers = true)
    {
        var (agent, said) = await FakeAgent.CallAsync(agents, "site-a", self, answers);
        Assert.Equal(refusal, (said as ControlMessage.Refused)?.Code);
        Assert.Equal(refusal is null, said is ControlMessage.Welcome);
        return agent;
    }

    private static async Task ReportAsync(FakeAgent agent, CancellationToken ct)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        while (!ct.IsCancellationRequested)
        {
            await agent.ReportAsync();
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }
    }
}
