using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Tests.TestKit.Clocks;
using ReplicationEngine.Vault.Agents;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>How often the service's log says that an agent is refused, which tries again every few seconds.</summary>
public sealed class Refusals_in_the_log
{
    private readonly ManualTime _time = new();
    private readonly RefusalsSaid _said;

    public Refusals_in_the_log() => _said = new RefusalsSaid(_time);

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public void Come_once_in_ten_minutes_whatever_port_and_process_the_caller_has(string address)
    {
        Assert.True(_said.IsWorthSaying(Claim($"{address}:40001", process: 1), "identity"));
        for (var attempt = 2; attempt <= 100; attempt++)
        {
            Assert.False(_said.IsWorthSaying(Claim($"{address}:{40000 + attempt}", process: attempt), "identity"));
        }

        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.True(_said.IsWorthSaying(Claim($"{address}:50000", process: 101), "identity"));
    }

    [Fact]
    public void Come_once_for_each_of_two_callers_that_alternate_and_for_another_reason()
    {
        var lines = 0;
        for (var attempt = 0; attempt < 50; attempt++)
        {
            lines += _said.IsWorthSaying(Claim($"10.0.0.1:{attempt}"), "identity") ? 1 : 0;
            lines += _said.IsWorthSaying(Claim($"10.0.0.2:{attempt}"), "identity") ? 1 : 0;
        }

        Assert.Equal(2, lines);
        Assert.True(_said.IsWorthSaying(Claim("10.0.0.1:7"), "clone"));
    }

    [Fact]
    public void Are_few_however_many_keys_a_caller_makes_and_begin_anew_when_the_name_has_its_agent()
    {
        var lines = Enumerable.Range(0, 1000).Count(
            key => _said.IsWorthSaying(Claim("127.0.0.1:1") with { Key = $"{key}" }, "identity"));
        Assert.Equal(RefusalsSaid.MostCallers, lines);
        _said.Forget("site-a");
        Assert.True(_said.IsWorthSaying(Claim("127.0.0.1:1"), "identity"));
    }

    private static AgentClaim Claim(string address, int process = 1) => new(
        "site-a", "key", new AgentProcessInfo($"incarnation-{process}", "boot", "host", process), address);
}
