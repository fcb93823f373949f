using Microsoft.Extensions.DependencyInjection;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Tests.Actors.Projections;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Counters;
using static ReplicationEngine.Tests.Actors.Hosting.TestEngine;

namespace ReplicationEngine.Tests.Actors.Hosting;

/// <summary>What the host itself throws ends an actor, and is met again only after a pause.</summary>
public sealed class An_actor_that_breaks
{
    [Fact]
    [Trait("Req", "I19")]
    public async Task A_command_during_which_the_host_throws_is_told_so_and_taken_once_when_it_comes_again()
    {
        var left = 3;
        var store = new OddStore(
            (_, _) => false,
            () => Interlocked.Decrement(ref left) >= 0 ? throw new InvalidCastException("no look") : null);
        await using var engine = await StartAsync(build: builder => builder.Services.AddSingleton<IEngineStore>(store));

        var replies = new List<CommandReply>();
        await Eventually.HoldsAsync(async () =>
        {
            replies.Add(await engine["a"].AskAsync(new CounterCommand.Add(2), Command(1), "me", default));
            return replies[^1] is CommandReply.Accepted;
        });
        Assert.Equal(2, (await engine["a"].StateAsync(default)).State.Total);
        Assert.Null(engine.Engine.Trouble.Current);
    }
}
