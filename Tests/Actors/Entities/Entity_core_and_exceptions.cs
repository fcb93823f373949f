using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Tests.TestKit.Counters;

namespace ReplicationEngine.Tests.Actors.Entities;

public sealed class Entity_core_and_exceptions
{
    private readonly CoreDriver _driver = new CoreDriver().Start();

    [Fact, Trait("Req", "I29")]
    public void An_exception_while_deciding_restarts_the_entity_and_is_the_answer()
    {
        _driver.Submit(1, new CounterCommand.Add(5));

        var reply = Assert.IsType<CommandReply.Unavailable>(_driver.Submit(2, new CounterCommand.Explode()));
        Assert.Equal(UnavailableReason.EntityFailed, reply.Reason);
        Assert.Contains("decide exploded", reply.Message, StringComparison.Ordinal);
        Assert.Equal(new CommandReply.Accepted(2), _driver.Submit(3, new CounterCommand.Add(1)));
        Assert.Equal(6, _driver.Core.State.Total);
    }

    [Fact, Trait("Req", "I29")]
    public void More_exceptions_than_the_budget_allows_quarantine_the_entity_with_the_cause()
    {
        for (var i = 1; i <= 3; i++)
        {
            Assert.IsType<CommandReply.Unavailable>(_driver.Submit(i, new CounterCommand.Explode()));
        }

        var reply = Assert.IsType<CommandReply.Quarantined>(_driver.Submit(4, new CounterCommand.Explode()));
        Assert.Contains("decide exploded", reply.Cause, StringComparison.Ordinal);
        Assert.Equal(reply, _driver.Submit(5, new CounterCommand.Add(1)));
        Assert.Single(_driver.Told<CoreOutput.Quarantined>());
    }

    [Fact, Trait("Req", "I29")]
    public void Exceptions_far_apart_do_not_quarantine()
    {
        for (var i = 1; i <= 20; i++)
        {
            Assert.IsType<CommandReply.Unavailable>(_driver.Submit(i, new CounterCommand.Explode()));
            _driver.Now += TimeSpan.FromSeconds(21);
        }

        Assert.Equal(EntityPhase.Ready, _driver.Core.Phase);
    }

    [Fact, Trait("Req", "I29")]
    public void A_lifted_quarantine_loads_the_whole_stream_again_and_serves()
    {
        _driver.Submit(1, new CounterCommand.Add(5));
        _driver.Submit(2, new CounterCommand.StartWork("w"));
        _driver.Submit(3, new CounterCommand.Add(6));
        _driver.Journal.FlipBit(1);
        _driver.Restart();
        Assert.Equal(EntityPhase.Quarantined, _driver.Core.Phase);

        _driver.Drive(new CoreInput<CounterCommand>.QuarantineLifted());
        Assert.Equal(EntityPhase.Quarantined, _driver.Core.Phase);
        Assert.Contains("event 1 of", _driver.Core.QuarantineCause, StringComparison.Ordinal);

        _driver.Journal.FlipBit(1);
        var started = _driver.Started.Count();
        _driver.Drive(new CoreInput<CounterCommand>.QuarantineLifted());

        Assert.Equal((EntityPhase.Ready, 11L), (_driver.Core.Phase, _driver.Core.State.Total));
        Assert.Null(_driver.Core.QuarantineCause);
        Assert.Equal(started + 1, _driver.Started.Count());
        Assert.Equal(new CommandReply.Accepted(4), _driver.Submit(4, new CounterCommand.Add(1)));
    }

    [Fact, Trait("Req", "I29")]
    public void A_lifted_quarantine_brings_a_whole_new_restart_budget()
    {
        for (var i = 1; i <= 4; i++)
        {
            _driver.Submit(i, new CounterCommand.Explode());
        }

        _driver.Drive(new CoreInput<CounterCommand>.QuarantineLifted());
        Assert.IsType<CommandReply.Unavailable>(_driver.Submit(5, new CounterCommand.Explode()));
        Assert.IsType<CommandReply.Accepted>(_driver.Submit(6, new CounterCommand.Add(1)));
    }

    [Fact]
    public void To_lift_a_quarantine_that_there_is_not_changes_nothing()
    {
        _driver.Submit(1, new CounterCommand.Add(5));
        var outputs = _driver.Outputs.Count;

        _driver.Drive(new CoreInput<CounterCommand>.QuarantineLifted());

        Assert.Equal(outputs, _driver.Outputs.Count);
        Assert.Equal(5, _driver.Core.State.Total);
    }

    [Fact]
    public void An_event_that_cannot_be_folded_is_never_stored()
    {
        var reply = _driver.Submit(1, new CounterCommand.Emit(new CounterEvent.Impossible()));

        Assert.IsType<CommandReply.Unavailable>(reply);
        Assert.Empty(_driver.Stream);
    }

    [Fact]
    public void An_event_that_breaks_an_invariant_is_never_stored()
    {
        var reply = Assert.IsType<CommandReply.Unavailable>(_driver.Submit(1, new CounterCommand.Add(-1)));

        Assert.Equal("The total is -1, below zero.", reply.Message);
        Assert.Empty(_driver.Stream);
    }

    [Fact]
    public void An_event_that_leaves_a_state_of_which_nobody_knows_what_it_owes_is_never_stored()
    {
        var reply = Assert.IsType<CommandReply.Unavailable>(
            _driver.Submit(1, new CounterCommand.Emit(new CounterEvent.Jinx())));

        Assert.Contains("outstanding exploded", reply.Message, StringComparison.Ordinal);
        Assert.Empty(_driver.Stream);
    }

    [Fact, Trait("Req", "I29")]
    public void A_recovered_state_of_which_nobody_knows_what_it_owes_quarantines_after_its_restarts()
    {
        _driver.AppendForeign(new CounterEvent.Jinx());
        _driver.Restart();

        Assert.Equal(EntityPhase.Quarantined, _driver.Core.Phase);
        Assert.Contains("outstanding exploded", _driver.Core.QuarantineCause, StringComparison.Ordinal);
        Assert.Equal(3, _driver.Told<CoreOutput.Restart>().Count(output => output.Cause is InvalidCastException));
    }

    [Fact]
    public void An_exception_after_the_event_is_durable_does_not_take_the_answer_back()
    {
        var driver = new CoreDriver(new EntityCoreOptions { SnapshotEvery = 2 })
        {
            Codec = new CodecThatCannotEncode(total: 3),
        }.Start();
        driver.Submit(1, new CounterCommand.Add(1));

        Assert.Equal(new CommandReply.Accepted(2), driver.Submit(2, new CounterCommand.Add(2)));
        Assert.NotEmpty(driver.Told<CoreOutput.Restart>());
        Assert.Equal(2, driver.Stream.Count);
    }

    [Fact, Trait("Req", "I7")]
    public void A_damaged_stream_quarantines_at_once_and_names_the_event()
    {
        _driver.Submit(1, new CounterCommand.Add(5));
        _driver.Submit(2, new CounterCommand.Add(6));
        _driver.Submit(3, new CounterCommand.Add(7));
        _driver.Journal.FlipBit(2);
        _driver.Restart();

        var reply = Assert.IsType<CommandReply.Quarantined>(_driver.Submit(4, new CounterCommand.Add(1)));
        Assert.Contains("event 2 of counter|vault|one", reply.Cause, StringComparison.Ordinal);
        var told = Assert.Single(_driver.Told<CoreOutput.Quarantined>());
        Assert.Equal(2, Assert.IsType<JournalCorruptException>(told.Exception).Sequence);
    }

    [Fact]
    public void A_stream_that_cannot_be_folded_quarantines_after_its_restarts()
    {
        _driver.Submit(1, new CounterCommand.Add(5));
        _driver.AppendForeign(new CounterEvent.Added(-50));
        _driver.Restart();

        Assert.Equal(EntityPhase.Quarantined, _driver.Core.Phase);
        Assert.Equal(
            3, _driver.Told<CoreOutput.Restart>().Count(output => output.Cause is InvariantViolationException));
    }

    [Fact, Trait("Req", "I7")]
    public void A_record_that_cannot_be_read_quarantines_at_once_and_names_the_event()
    {
        _driver.Submit(1, new CounterCommand.Add(5));
        _driver.Submit(2, new CounterCommand.Add(6));
        _driver.Submit(3, new CounterCommand.Add(7));
        _driver.Journal.MakeUnreadable(2, "has 7 fields, not 8");
        _driver.Restart();

        Assert.Equal(EntityPhase.Quarantined, _driver.Core.Phase);
        Assert.Contains(
            "event 2 of counter|vault|one: 'counter.added.v1' has 7 fields, not 8", _driver.Core.QuarantineCause,
            StringComparison.Ordinal);

        _driver.Journal.MakeUnreadable(2, null);
        _driver.Drive(new CoreInput<CounterCommand>.QuarantineLifted());
        Assert.Equal((EntityPhase.Ready, 18L), (_driver.Core.Phase, _driver.Core.State.Total));
    }

    [Fact, Trait("Req", "I7")]
    public void A_missing_event_quarantines_at_once_and_is_named()
    {
        _driver.Submit(1, new CounterCommand.Add(5));
        _driver.Submit(2, new CounterCommand.Add(6));
        _driver.Submit(3, new CounterCommand.Add(7));
        _driver.Journal.Remove(2);
        _driver.Restart();

        Assert.Equal(EntityPhase.Quarantined, _driver.Core.Phase);
        Assert.Contains("event 2 of", _driver.Core.QuarantineCause, StringComparison.Ordinal);
        Assert.Empty(_driver.Told<CoreOutput.Restart>());
    }

    [Fact, Trait("Req", "I7")]
    public void An_event_behind_a_snapshot_that_does_not_follow_it_quarantines_at_once()
    {
        var driver = new CoreDriver(new EntityCoreOptions { SnapshotEvery = 2 }).Start();
        for (var i = 1; i <= 3; i++)
        {
            driver.Submit(i, new CounterCommand.Add(i));
        }

        driver.Journal.Change(3, stored => stored with { Previous = stored.Hash });
        driver.Restart();

        Assert.Equal((EntityPhase.Quarantined, 2L), (driver.Core.Phase, driver.ReadAfter[^1]));
        Assert.Contains("event 3 of", driver.Core.QuarantineCause, StringComparison.Ordinal);
    }

    [Fact, Trait("Req", "I7")]
    public void An_event_of_a_newer_version_quarantines_at_once()
    {
        _driver.Journal.TryAppend([EventChain.Seal(
            StreamHead.Start, new EncodedEvent("counter.added.v9", []), _driver.Now, "tester", CoreDriver.Command(1),
            new RecordedCommand("counter.command.add.v9", [], null, null, WakeMark.None))]);
        _driver.Restart();

        Assert.Equal(EntityPhase.Quarantined, _driver.Core.Phase);
        Assert.Contains("counter.added.v9 is not known", _driver.Core.QuarantineCause, StringComparison.Ordinal);
        Assert.Empty(_driver.Told<CoreOutput.Restart>());
    }

    private sealed class CodecThatCannotEncode(long total) : IEntityCodec<CounterState, CounterCommand, CounterEvent>
    {
        private readonly CounterCodec _codec = new();

        public int SnapshotVersion => _codec.SnapshotVersion;

        public EncodedEvent Encode(CounterEvent @event) => _codec.Encode(@event);

        public CounterEvent Decode(string name, ReadOnlyMemory<byte> payload) => _codec.Decode(name, payload);

        public EncodedCommand EncodeCommand(CounterCommand command) => _codec.EncodeCommand(command);

        public CounterCommand DecodeCommand(string name, ReadOnlyMemory<byte> payload) =>
            _codec.DecodeCommand(name, payload);

        public byte[] EncodeState(CounterState state) => state.Total == total
            ? throw new InvalidCastException("encode exploded") : _codec.EncodeState(state);

        public CounterState DecodeState(ReadOnlyMemory<byte> payload) => _codec.DecodeState(payload);
    }
}
