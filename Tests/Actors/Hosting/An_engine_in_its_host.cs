using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Persistence.InMemory;
using ReplicationEngine.Tests.TestKit.Clocks;
using ReplicationEngine.Tests.TestKit.Counters;
using static ReplicationEngine.Tests.Actors.Hosting.TestEngine;

namespace ReplicationEngine.Tests.Actors.Hosting;

public sealed class An_engine_in_its_host
{
    [Fact]
    public async Task A_command_is_answered_and_changes_the_state()
    {
        await using var engine = await StartAsync();

        Assert.Equal(
            new CommandReply.Accepted(1),
            await engine["a"].AskAsync(new CounterCommand.Add(5), Command(1), "me", default));
        Assert.Equal(
            new EntityView<CounterState>(Counter.Initial with { Total = 5 }, 1), await engine["a"].StateAsync(default));
        Assert.Equal(0, (await engine["b"].StateAsync(default)).Sequence);
    }

    [Fact, Trait("Req", "OPS-5")]
    public async Task The_history_and_the_state_after_any_event_or_at_any_time_can_be_read()
    {
        var time = new ManualTime();
        await using var engine = await StartAsync(time: time);
        var start = time.GetUtcNow();
        for (var i = 1; i <= 5; i++)
        {
            await engine["a"].AskAsync(new CounterCommand.Add(i), Command(i), $"user{i}", default);
            time.Advance(TimeSpan.FromMinutes(1));
        }

        var history = new List<RecordedEvent<CounterEvent>>();
        await foreach (var recorded in engine["a"].HistoryAsync(2, 4, default))
        {
            history.Add(recorded);
        }

        Assert.Equal([2L, 3, 4], history.Select(recorded => recorded.Sequence));
        Assert.Equal(
            new RecordedEvent<CounterEvent>(
                3, start.AddMinutes(2), "user3", "counter.added.v1", Command(3), new CounterEvent.Added(3)),
            history[1]);
        Assert.Equal(6, (await engine["a"].StateAtAsync(3, default)).State.Total);
        Assert.Equal((10L, 4L), View(await engine["a"].StateAtAsync(start.AddMinutes(3.5), default)));
        Assert.Equal((0L, 0L), View(await engine["a"].StateAtAsync(start.AddTicks(-1), default)));
        Assert.Equal((15L, 5L), View(await engine["a"].StateAtAsync(100, default)));

        static (long, long) View(EntityView<CounterState> view) => (view.State.Total, view.Sequence);
    }

    [Fact]
    public async Task Entities_with_events_are_listed_by_vault()
    {
        await using var engine = await StartAsync();
        foreach (var name in new[] { "b", "a" })
        {
            await engine[name].AskAsync(new CounterCommand.Add(1), Command(1), "me", default);
        }

        await engine["silent"].StateAsync(default);

        Assert.Equal(["a", "b"], await engine.Counters.ListAsync(new VaultId("vault"), default));
        Assert.Empty(await engine.Counters.ListAsync(new VaultId("other"), default));
    }

    [Fact]
    public async Task The_feed_can_be_followed_from_the_start_and_into_the_future()
    {
        await using var engine = await StartAsync();
        await engine["a"].AskAsync(new CounterCommand.AddTwice(1), Command(1), "me", default);
        await using var feed = engine.Engine.FollowFeedAsync(FeedPosition.Start, default).GetAsyncEnumerator();
        await feed.MoveNextAsync();
        await feed.MoveNextAsync();
        var next = feed.MoveNextAsync();
        Assert.False(next.IsCompleted);

        await engine["b"].AskAsync(new CounterCommand.Add(1), Command(2), "me", default);

        Assert.True(await next);
        Assert.Equal((3L, "b"), (feed.Current.Position.Value, feed.Current.Id.Entity));
    }

    [Fact, Trait("Req", "I19")]
    public async Task Many_callers_with_the_same_command_get_the_same_answer_and_one_effect()
    {
        await using var engine = await StartAsync();
        var replies = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(async () =>
            await engine["a"].AskAsync(new CounterCommand.Add(1), Command(i % 10), "me", default))));

        Assert.Equal(10, replies.Distinct().Count());
        Assert.Equal(10, (await engine["a"].StateAsync(default)).State.Total);
    }

    [Fact]
    public async Task Commands_of_many_callers_to_many_entities_all_arrive()
    {
        await using var engine = await StartAsync(configure: options => options.ConcurrentAsks = 2);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(caller => Task.Run(async () =>
        {
            for (var i = 0; i < 500; i++)
            {
                await engine[$"e{i % 7}"].AskAsync(
                    new CounterCommand.Add(1), Command(caller * 1_000 + i), "me", default);
            }
        })));

        var total = 0L;
        for (var i = 0; i < 7; i++)
        {
            total += (await engine[$"e{i}"].StateAsync(default)).State.Total;
        }

        Assert.Equal(4_000, total);
    }

    [Fact]
    public async Task More_asks_than_may_be_under_way_wait_and_none_is_lost()
    {
        var gate = new TaskCompletionSource();
        var store = new MemoryStore { Writing = _ => gate.Task };
        await using var engine = await StartAsync(store, configure: options => options.ConcurrentAsks = 4);
        var asks = Enumerable.Range(1, 50)
            .Select(i => engine["a"].AskAsync(new CounterCommand.Add(1), Command(i), "me", default).AsTask())
            .ToList();
        Assert.DoesNotContain(asks, ask => ask.IsCompleted);

        gate.SetResult();

        Assert.All(await Task.WhenAll(asks), reply => Assert.IsType<CommandReply.Accepted>(reply));
        Assert.Equal(50, (await engine["a"].StateAsync(default)).State.Total);
    }

    [Fact]
    public async Task Stopping_finishes_what_is_in_flight_and_refuses_what_comes_later()
    {
        var (writing, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        var store = new MemoryStore
        {
            Writing = _ =>
            {
                writing.SetResult();
                return gate.Task;
            },
        };
        var engine = await StartAsync(store);
        var asked = engine["a"].AskAsync(new CounterCommand.Add(1), Command(1), "me", default);
        await writing.Task;
        var stopping = engine.StopAsync();
        Assert.False(stopping.IsCompleted);

        var late = await engine["a"].AskAsync(new CounterCommand.Add(1), Command(2), "me", default);
        gate.SetResult();
        await stopping;

        Assert.Equal(new CommandReply.Accepted(1), await asked);
        Assert.Equal(UnavailableReason.NotRunning, Assert.IsType<CommandReply.Unavailable>(late).Reason);
        await engine.DisposeAsync();
    }

    [Fact, Trait("Req", "I29")]
    public async Task A_poison_entity_is_quarantined_and_the_others_go_on()
    {
        await using var engine = await StartAsync();
        for (var i = 1; i <= 4; i++)
        {
            await engine["bad"].AskAsync(new CounterCommand.Explode(), Command(i), "me", default);
        }

        var reply = await engine["bad"].AskAsync(new CounterCommand.Add(1), Command(5), "me", default);
        Assert.Contains(
            "decide exploded", Assert.IsType<CommandReply.Quarantined>(reply).Cause, StringComparison.Ordinal);
        await Assert.ThrowsAsync<EntityUnavailableException>(async () => await engine["bad"].StateAsync(default));
        Assert.IsType<CommandReply.Accepted>(
            await engine["good"].AskAsync(new CounterCommand.Add(1), Command(1), "me", default));
    }

    [Fact, Trait("Req", "I29")]
    public async Task A_quarantine_is_lifted_without_a_restart()
    {
        await using var engine = await StartAsync();
        await engine["bad"].AskAsync(new CounterCommand.Add(7), Command(9), "me", default);
        for (var i = 1; i <= 4; i++)
        {
            await engine["bad"].AskAsync(new CounterCommand.Explode(), Command(i), "me", default);
        }

        await Assert.ThrowsAsync<EntityUnavailableException>(async () => await engine["bad"].StateAsync(default));

        Assert.Equal(7, (await engine["bad"].LiftQuarantineAsync(default)).State.Total);
        Assert.IsType<CommandReply.Accepted>(
            await engine["bad"].AskAsync(new CounterCommand.Add(1), Command(5), "me", default));
        Assert.Equal(0, (await engine["new"].LiftQuarantineAsync(default)).Sequence);
    }

    [Fact, Trait("Req", "I18"), Trait("Req", "I19")]
    public async Task Commands_whose_persist_failed_before_or_after_the_write_have_one_effect()
    {
        var random = new Random(1);
        var store = new MemoryStore { Writing = _ => Sometimes("before"), Written = _ => Sometimes("after") };
        await using var engine = await StartAsync(store, configure: options => options.SnapshotEvery = 3);
        var replies = await Task.WhenAll(Enumerable.Range(1, 200).Select(i => Task.Run(async () =>
            await engine[$"e{i % 10}"].AskAsync(new CounterCommand.Add(1), Command(i), "me", default))));

        Assert.All(replies, reply => Assert.IsType<CommandReply.Accepted>(reply));
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(20, (await engine[$"e{i}"].StateAsync(default)).State.Total);
        }

        Task Sometimes(string when)
        {
            lock (random)
            {
                return random.Next(10) == 0
                    ? Task.FromException(new IOException($"the connection broke {when} the write"))
                    : Task.CompletedTask;
            }
        }
    }

    [Fact, Trait("Req", "I27")]
    public async Task A_full_journal_refuses_commands_whole_and_serves_again_when_there_is_room()
    {
        var store = new MemoryStore();
        await using var engine = await StartAsync(store);
        await engine["a"].AskAsync(new CounterCommand.Add(1), Command(1), "me", default);
        store.Full = "The disk is full.";

        var refused = await engine["a"].AskAsync(new CounterCommand.Add(1), Command(2), "me", default);
        Assert.Equal(new CommandReply.Unavailable(UnavailableReason.JournalFull, "The disk is full."), refused);
        Assert.Equal(1, (await engine["a"].StateAsync(default)).State.Total);

        store.Full = null;
        Assert.Equal(
            new CommandReply.Accepted(2),
            await engine["a"].AskAsync(new CounterCommand.Add(1), Command(2), "me", default));
    }

    [Fact, Trait("Req", "I28")]
    public async Task Trouble_of_the_journal_is_told_while_it_lasts_and_ends_by_itself()
    {
        var broken = true;
        var store = new MemoryStore
        {
            Writing = _ => broken ? Task.FromException(new IOException("The disk is gone.")) : Task.CompletedTask,
            Reading = _ =>
            {
                if (broken)
                {
                    throw new IOException("The disk is gone.");
                }
            },
        };
        await using var engine = await StartAsync(store);

        var reply = Assert.IsType<CommandReply.Unavailable>(
            await engine["a"].AskAsync(new CounterCommand.Add(1), Command(1), "me", default));
        Assert.Equal(UnavailableReason.JournalUnavailable, reply.Reason);
        Assert.Contains("The disk is gone", reply.Message, StringComparison.Ordinal);
        Assert.Contains("The disk is gone", engine.Engine.Trouble.Current!.Value.What, StringComparison.Ordinal);

        broken = false;
        Assert.Equal(
            new CommandReply.Accepted(1),
            await engine["a"].AskAsync(new CounterCommand.Add(1), Command(1), "me", default));
        Assert.Null(engine.Engine.Trouble.Current);
    }

    [Fact]
    public async Task An_actor_system_of_the_embedder_is_used_and_left_running()
    {
        Akka.Actor.ActorSystem? own = null;
        await using (var engine = await StartAsync(build: builder => builder.UseActorSystem(setup =>
            own = Akka.Actor.ActorSystem.Create("mine", setup))))
        {
            await engine["a"].AskAsync(new CounterCommand.Add(1), Command(1), "me", default);
        }

        Assert.False(own!.WhenTerminated.IsCompleted);
        await own.Terminate();
    }

    [Fact]
    public async Task A_configuration_with_a_wrong_value_is_refused()
    {
        var refused = await Assert.ThrowsAsync<EngineConfigurationException>(
            () => StartAsync(configure: options => options.AkkaConfiguration = "akka.loglevel = LOUD"));

        Assert.Contains("LOUD", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_options_are_all_named_at_start()
    {
        var exception = await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(
            () => StartAsync(configure: options => (options.ConcurrentAsks, options.SnapshotEvery) = (0, -1)));

        Assert.Equal(2, exception.Failures.Count());
    }

    [Fact]
    public async Task An_entity_type_that_was_not_added_is_named()
    {
        await using var engine = await StartAsync();

        Assert.Throws<InvalidOperationException>(() => engine.Engine.Entities<string, string, string>());
    }
}
