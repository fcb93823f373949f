using Akka.Persistence.TestKit;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Tests.ActorSystem.Journaling;
using ReplicationEngine.Tests.TestKit.Counters;
using Xunit;

namespace ReplicationEngine.Tests.ActorSystem.Hosting;

/// <summary>An entity's actor when the journal fails, or refuses, to store a command's events.</summary>
public sealed class Writes_that_fail : EngineTestKit
{
    [Theory, Trait("Req", "I18")]
    [InlineData(WriteOutcome.FailedBefore)]
    [InlineData(WriteOutcome.FailedAfter)]
    [InlineData(WriteOutcome.Rejected)]
    public async Task The_sender_is_not_told_that_it_was_done_and_the_actor_ends(WriteOutcome outcome)
    {
        await SetAsync(outcome);

        var (reply, actor) = await TellAsync("a", 1, new CounterCommand.Add(5));

        Assert.Equal(
            UnavailableReason.JournalUnavailable, Assert.IsType<CommandReply.Unavailable>(reply).Reason);
        await WatchAsync(actor);
        await ExpectTerminatedAsync(actor);
        Assert.Equal(outcome == WriteOutcome.FailedAfter ? 1 : 0, (await RecordsAsync("a")).Count);
    }

    [Theory, Trait("Req", "I19")]
    [InlineData(WriteOutcome.FailedBefore)]
    [InlineData(WriteOutcome.FailedAfter)]
    [InlineData(WriteOutcome.Rejected)]
    public async Task The_same_command_sent_again_is_done_once_by_the_next_actor(WriteOutcome outcome)
    {
        await SetAsync(outcome);
        var (_, first) = await TellAsync("a", 1, new CounterCommand.AddTwice(5));
        await WatchAsync(first);
        await ExpectTerminatedAsync(first);

        var (reply, second) = await TellAsync("a", 1, new CounterCommand.AddTwice(5));

        Assert.Equal(new CommandReply.Accepted(2), reply);
        Assert.NotEqual(first, second);
        Assert.Equal([1L, 2], (await RecordsAsync("a")).Select(record => record.Sequence));
        Assert.Equal(10, (await StateAsync("a")).State.Total);
    }

    [Theory, Trait("Req", "I19")]
    [InlineData(WriteOutcome.FailedBefore)]
    [InlineData(WriteOutcome.FailedAfter)]
    public async Task A_command_that_is_too_old_to_be_remembered_is_looked_up_and_done_once(WriteOutcome outcome)
    {
        const int othersThanRemembered = 70;
        await SetAsync(outcome);
        await TellAsync("a", 1, new CounterCommand.Add(1_000));
        for (var i = 2; i <= othersThanRemembered; i++)
        {
            await AskAsync("a", i, new CounterCommand.Add(1));
        }

        var reply = await AskAsync("a", 1, new CounterCommand.Add(1_000));

        var place = outcome == WriteOutcome.FailedAfter ? 1 : othersThanRemembered;
        Assert.Equal(new CommandReply.Accepted(place), reply);
        Assert.Equal(1_000 + othersThanRemembered - 1, (await StateAsync("a")).State.Total);
        Assert.Equal(1, Store.Lookups);
    }

    [Theory, Trait("Req", "I18")]
    [InlineData(WriteOutcome.FailedBefore)]
    [InlineData(WriteOutcome.FailedAfter)]
    [InlineData(WriteOutcome.Rejected)]
    public async Task Who_asks_through_the_engine_gets_one_answer_after_any_number_of_failures(WriteOutcome outcome)
    {
        var outcomes = await SetAsync([.. Enumerable.Repeat(outcome, 4)]);

        var reply = await AskAsync("a", 1, new CounterCommand.Add(5));

        Assert.Equal(new CommandReply.Accepted(1), reply);
        Assert.Equal(outcome == WriteOutcome.FailedAfter ? 1 : 5, outcomes.Writes);
        Assert.Single(await RecordsAsync("a"));
    }

    [Fact, Trait("Req", "I18")]
    public async Task A_journal_that_stays_away_is_told_of_and_forgotten_when_it_is_back()
    {
        await WithJournalWriteAsync(write => write.Fail(), async () =>
        {
            var reply = await Entity("a").AskAsync(new CounterCommand.Add(5), Command(1), "me", default);
            Assert.Equal(
                UnavailableReason.JournalUnavailable, Assert.IsType<CommandReply.Unavailable>(reply).Reason);
            Assert.NotNull(Services.Trouble.Current);
            Assert.Empty(await RecordsAsync("a"));
        });

        Assert.Equal(new CommandReply.Accepted(1), await AskAsync("a", 1, new CounterCommand.Add(5)));
        Assert.Null(Services.Trouble.Current);
        Assert.Single(await RecordsAsync("a"));
    }

    [Fact]
    public async Task Only_the_entity_whose_write_failed_is_troubled()
    {
        await AskAsync("b", 1, new CounterCommand.Add(1));
        var (_, other) = await TellAsync("b", 2, new CounterCommand.Add(1));
        await WithJournalWriteAsync(write => write.FailIf(one => one.PersistenceId == IdOf("a").ToString()), async () =>
        {
            var (failed, _) = await TellAsync("a", 1, new CounterCommand.Add(1));
            Assert.IsType<CommandReply.Unavailable>(failed);
            Assert.Equal(
                (new CommandReply.Accepted(3), other), await TellAsync("b", 3, new CounterCommand.Add(1)));
        });
    }

    [Fact, Trait("Req", "I18")]
    public async Task Nobody_is_told_and_nobody_is_shown_what_is_not_yet_durable()
    {
        var gate = new Gate();
        await Journal.OnWrite.SetInterceptorAsync(gate);
        var reader = CreateTestProbe();
        Shards.Tell(Letter("a", 1, new CounterCommand.Add(5)), TestActor);
        await gate.Entered;
        Shards.Tell(new ToEntity(Counter.TypeName, EntityAddress.Of(IdOf("a")), ShowState.Instance), reader);
        Assert.Equal(0, (await StateAsync("b")).Sequence);

        Assert.False(HasMessages);
        Assert.False(reader.HasMessages);
        Assert.Empty(await RecordsAsync("a"));
        gate.Open();

        Assert.Equal(new CommandReply.Accepted(1), await ExpectMsgAsync<CommandReply>());
        Assert.Single(await RecordsAsync("a"));
        Assert.Equal(5, (await reader.ExpectMsgAsync<EntityView<CounterState>>()).State.Total);
    }

    [Fact]
    public async Task What_waited_behind_a_failed_write_comes_back_to_its_sender()
    {
        var gate = new Gate(thenFails: true);
        await Journal.OnWrite.SetInterceptorAsync(gate);
        var (writer, reader) = (CreateTestProbe(), CreateTestProbe());
        Shards.Tell(Letter("a", 1, new CounterCommand.Add(5)), TestActor);
        await gate.Entered;
        Shards.Tell(Letter("a", 2, new CounterCommand.Add(7)), writer);
        Shards.Tell(new ToEntity(Counter.TypeName, EntityAddress.Of(IdOf("a")), ShowState.Instance), reader);
        Assert.Equal(0, (await StateAsync("b")).Sequence);
        gate.Open();

        Assert.IsType<CommandReply.Unavailable>(await ExpectMsgAsync<CommandReply>());
        await writer.ExpectMsgAsync<NotDelivered>();
        await reader.ExpectMsgAsync<NotDelivered>();
        Assert.Empty(await RecordsAsync("a"));
    }

    private async Task<Outcomes> SetAsync(params WriteOutcome[] outcomes)
    {
        var set = new Outcomes(Store, JournalActor, outcomes);
        await Journal.OnWrite.SetInterceptorAsync(set);
        return set;
    }

    private async Task WithJournalWriteAsync(Func<JournalWriteBehavior, Task> behave, Func<Task> act)
    {
        await behave(Journal.OnWrite);
        await act();
        await Journal.OnWrite.Pass();
    }
}
