using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Counters;
using Xunit;

namespace ReplicationEngine.Tests.ActorSystem.Hosting;

/// <summary>An entity's actor when the journal cannot be read.</summary>
public sealed class Recoveries_that_fail : EngineTestKit
{
    private const int Failures = 3;

    [Fact, Trait("Req", "I18")]
    public async Task Who_asks_meanwhile_is_answered_once_when_the_journal_can_be_read_again()
    {
        await AskAsync("a", 1, new CounterCommand.Add(5));
        await EndAsync("a");
        var tried = 0;
        await Journal.OnRecovery.FailIf(_ => Interlocked.Increment(ref tried) <= Failures);

        var reply = await AskAsync("a", 2, new CounterCommand.Add(7));

        Assert.Equal(new CommandReply.Accepted(2), reply);
        Assert.True(tried > Failures);
        Assert.Equal(12, (await StateAsync("a")).State.Total);
        Assert.Equal(2, (await RecordsAsync("a")).Count);
        Assert.Null(Services.Trouble.Current);
    }

    [Fact, Trait("Req", "I18")]
    public async Task A_stream_that_breaks_off_while_it_is_read_is_not_taken_for_a_short_one()
    {
        for (var i = 1; i <= 4; i++)
        {
            await AskAsync("a", i, new CounterCommand.Add(1));
        }

        await EndAsync("a");
        var failed = 0;
        await Journal.OnRecovery.FailIf(one =>
            one.SequenceNr == 3 && Interlocked.Increment(ref failed) <= Failures);

        Assert.Equal((4L, 4L), View(await StateAsync("a")));
        Assert.True(failed > Failures);
    }

    [Fact, Trait("Req", "I18")]
    public async Task An_actor_that_cannot_read_its_stream_ends_and_its_letter_comes_back()
    {
        await AskAsync("a", 1, new CounterCommand.Add(5));
        await EndAsync("a");
        await Journal.OnRecovery.Fail();

        Shards.Tell(Letter("a", 2, new CounterCommand.Add(7)), TestActor);

        await ExpectMsgAsync<NotDelivered>();
        Assert.Contains("fail", Services.Trouble.Current!.Value.What, StringComparison.OrdinalIgnoreCase);
        await Journal.OnRecovery.Pass();
        Assert.Single(await RecordsAsync("a"));
    }

    [Fact]
    public async Task An_entity_that_owes_something_is_recovered_although_nobody_asks()
    {
        await AskAsync("a", 1, new CounterCommand.Add(5));
        await EndAsync("a");
        var tried = 0;
        await Journal.OnRecovery.FailIf(_ => Interlocked.Increment(ref tried) <= Failures);
        Shards.Tell(Letter("a", 2, new CounterCommand.Add(7)), TestActor);
        await ExpectMsgAsync<NotDelivered>();

        await Eventually.HoldsAsync(() => Volatile.Read(ref tried) > Failures);
        await Eventually.HoldsAsync(() => Region.ActiveCount == 1 && Services.Trouble.Current is null);
        Assert.Equal(5, (await StateAsync("a")).State.Total);
    }

    [Fact, Trait("Req", "I18")]
    public async Task A_journal_that_cannot_be_reached_at_all_costs_time_and_no_effect()
    {
        await AskAsync("a", 1, new CounterCommand.Add(5));
        await EndAsync("a");
        await Journal.OnConnect.Fail();
        var asked = AskAsync("a", 1, new CounterCommand.Add(5));
        await Eventually.HoldsAsync(() => Services.Trouble.Current is not null);
        Assert.False(asked.IsCompleted);

        await Journal.OnConnect.Pass();

        Assert.Equal(new CommandReply.Accepted(1), await asked);
        Assert.Single(await RecordsAsync("a"));
    }

    private static (long, long) View(EntityView<CounterState> view) => (view.State.Total, view.Sequence);
}
