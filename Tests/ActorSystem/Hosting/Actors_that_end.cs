using System.Diagnostics.Metrics;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.TestKit;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Tests.TestKit.Counters;
using Xunit;

namespace ReplicationEngine.Tests.ActorSystem.Hosting;

/// <summary>How an entity's actor ends, and what becomes of the letters to it.</summary>
public sealed class Actors_that_end : EngineTestKit
{
    private readonly BrittleCodec _codec = new();

    private protected override IEntityCodec<CounterState, CounterCommand, CounterEvent> Codec => _codec;

    [Fact]
    public async Task An_idle_actor_asks_its_parent_to_let_it_go_and_what_comes_meanwhile_is_not_lost()
    {
        await AskAsync("a", 1, new CounterCommand.Add(5));
        await EndAsync("a");
        var (parent, actor) = await StartAsync("a");
        await WatchAsync(actor);

        actor.Tell(IdleTimedOut.Instance);
        var stop = (await parent.ExpectMsgAsync<Passivate>()).StopMessage;
        Assert.IsType<StopEntity>(stop);
        actor.Tell(Told(2, new CounterCommand.Add(7)), TestActor);

        // The shard's own actor takes it; this one has promised not to.
        Assert.Equal(new CommandReply.Accepted(2), await ExpectMsgAsync<CommandReply>());
        Assert.NotEqual(actor, LastSender);
        actor.Tell(stop);
        await ExpectTerminatedAsync(actor);
        Assert.False(parent.HasMessages);
    }

    [Fact]
    public async Task An_actor_that_has_something_to_do_stays()
    {
        var (parent, actor) = await StartAsync("a");
        actor.Tell(Told(1, new CounterCommand.StartWork("w")), TestActor);
        await ExpectMsgAsync<CommandReply.Accepted>();

        actor.Tell(IdleTimedOut.Instance);
        actor.Tell(ShowState.Instance, TestActor);

        await ExpectMsgAsync<EntityView<CounterState>>();
        Assert.False(parent.HasMessages);
    }

    [Fact, Trait("Req", "I26")]
    public async Task A_wake_that_an_actor_left_behind_is_told_to_who_sent_it()
    {
        var (_, actor) = await StartAsync("a");
        await WatchAsync(actor);
        actor.Tell(StopEntity.Instance);
        await ExpectTerminatedAsync(actor);

        actor.Tell(new Wake { Lost = () => TestActor.Tell("lost") }, ActorRefs.NoSender);

        await ExpectMsgAsync("lost");
    }

    [Fact]
    public async Task A_letter_that_an_actor_left_behind_comes_back_and_other_messages_do_not()
    {
        var (_, actor) = await StartAsync("a");
        await WatchAsync(actor);
        actor.Tell(StopEntity.Instance);
        await ExpectTerminatedAsync(actor);
        var (letters, others) = (CreateTestProbe(), CreateTestProbe());

        actor.Tell(IdleTimedOut.Instance, others);
        actor.Tell(Told(1, new CounterCommand.Add(5)), letters);
        actor.Tell(ShowState.Instance, letters);

        await letters.ExpectMsgAsync<NotDelivered>();
        await letters.ExpectMsgAsync<NotDelivered>();
        Assert.False(letters.HasMessages);
        Assert.False(others.HasMessages);
        Assert.Empty(await RecordsAsync("a"));
    }

    [Fact]
    public async Task A_letter_to_an_entity_in_memory_goes_straight_to_its_actor()
    {
        var (parent, actor) = await StartAsync("a");
        actor.Tell(ShowState.Instance, TestActor);
        await ExpectMsgAsync<EntityView<CounterState>>();
        Assert.Equal(new CommandReply.Accepted(1), await AskAsync("a", 1, new CounterCommand.Add(5)));

        // By its shard another actor would have taken it, of which this one knows nothing.
        actor.Tell(ShowState.Instance, TestActor);
        Assert.Equal(5, (await ExpectMsgAsync<EntityView<CounterState>>()).State.Total);
        Assert.False(parent.HasMessages);
    }

    [Fact, Trait("Req", "I19")]
    public async Task Whoever_ends_actors_while_letters_come_no_letter_is_lost_and_none_is_taken_twice()
    {
        const int letters = 200;
        for (var number = 1; number <= letters; number++)
        {
            // Through the shard, so that it is the actor of this moment; the letter goes straight.
            EndActor(number % 3 == 0 ? StopEntity.Instance : IdleTimedOut.Instance);
            var answer = AskAsync("a", number, new CounterCommand.Add(1));
            EndActor(number % 2 == 0 ? StopEntity.Instance : IdleTimedOut.Instance);
            Assert.Equal(new CommandReply.Accepted(number), await answer);
        }

        Assert.Equal(letters, (await StateAsync("a")).State.Total);
        Assert.Equal(letters, (await RecordsAsync("a")).Count);

        void EndActor(object message) =>
            Shards.Tell(new ToEntity(Counter.TypeName, EntityAddress.Of(IdOf("a")), message), ActorRefs.NoSender);
    }

    [Fact, Trait("Req", "I29")]
    public async Task An_actor_whose_recovery_throws_makes_way_for_one_that_may_do_better()
    {
        await AskAsync("a", 1, new CounterCommand.Add(5));
        await EndAsync("a");
        _codec.Faults = 1;
        var parent = CreateTestProbe();
        var actor = parent.ChildActorOf(PropsOf("a"));
        await WatchAsync(actor);

        var stop = (await parent.ExpectMsgAsync<Passivate>()).StopMessage;
        actor.Tell(Told(2, new CounterCommand.Add(7)), TestActor);
        Assert.Equal(new CommandReply.Accepted(2), await ExpectMsgAsync<CommandReply>());
        Assert.NotEqual(actor, LastSender);
        actor.Tell(stop);

        await ExpectTerminatedAsync(actor);
        Assert.Equal(12, (await StateAsync("a")).State.Total);
    }

    [Fact, Trait("Req", "I29")]
    public async Task An_actor_whose_recovery_keeps_throwing_stays_and_says_why()
    {
        await AskAsync("a", 1, new CounterCommand.Add(5));
        await EndAsync("a");
        _codec.Faults = int.MaxValue;

        var reply = await AskAsync("a", 2, new CounterCommand.Add(7));

        Assert.Contains(
            "the codec breaks", Assert.IsType<CommandReply.Quarantined>(reply).Cause, StringComparison.Ordinal);
        Assert.Equal(new CommandReply.Accepted(1), await AskAsync("b", 1, new CounterCommand.Add(1)));
        _codec.Faults = 0;
        Assert.Equal(5, (await Entity("a").LiftQuarantineAsync(default)).State.Total);
    }

    [Fact]
    public async Task An_actor_that_cannot_be_made_ends_at_once_and_the_next_one_serves()
    {
        var failures = 1;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, all) =>
        {
            if (instrument.Name == "replication_engine.entity.active" && instrument.Meter.Scope == Meters)
            {
                all.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            if (Interlocked.Decrement(ref failures) >= 0)
            {
                throw new InvalidOperationException("The listener breaks.");
            }
        });
        listener.Start();

        Shards.Tell(Letter("a", 1, new CounterCommand.Add(5)), TestActor);
        await ExpectMsgAsync<NotDelivered>();

        Assert.Equal(0, Region.ActiveCount);
        Assert.Equal(new CommandReply.Accepted(1), await AskAsync("a", 1, new CounterCommand.Add(5)));
        Assert.Equal(1, Region.ActiveCount);
    }

    /// <summary>An entity's actor whose parent is a probe, recovered.</summary>
    private async Task<(TestProbe Parent, IActorRef Actor)> StartAsync(string name)
    {
        var parent = CreateTestProbe();
        var actor = parent.ChildActorOf(PropsOf(name));
        actor.Tell(ShowState.Instance, TestActor);
        await ExpectMsgAsync<EntityView<CounterState>>();
        return (parent, actor);
    }

    /// <summary>A codec that throws on the next events it reads.</summary>
    private sealed class BrittleCodec : IEntityCodec<CounterState, CounterCommand, CounterEvent>
    {
        private readonly CounterCodec _codec = new();
        private int _faults;

        public int Faults
        {
            set => Volatile.Write(ref _faults, value);
        }

        public int SnapshotVersion => _codec.SnapshotVersion;

        public EncodedEvent Encode(CounterEvent @event) => _codec.Encode(@event);

        public CounterEvent Decode(string name, ReadOnlyMemory<byte> payload) =>
            Volatile.Read(ref _faults) > 0 && Interlocked.Decrement(ref _faults) >= 0
                ? throw new InvalidCastException("the codec breaks") : _codec.Decode(name, payload);

        public EncodedCommand EncodeCommand(CounterCommand command) => _codec.EncodeCommand(command);

        public CounterCommand DecodeCommand(string name, ReadOnlyMemory<byte> payload) =>
            _codec.DecodeCommand(name, payload);

        public byte[] EncodeState(CounterState state) => _codec.EncodeState(state);

        public CounterState DecodeState(ReadOnlyMemory<byte> payload) => _codec.DecodeState(payload);
    }
}
