using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Tests.Actors.Counters;

namespace ReplicationEngine.Tests.Actors.Entities;

public sealed class EntityKernelPoisonTests
{
    private readonly KernelDriver _driver = new KernelDriver().Start();

    [Fact, Trait("Req", "I29")]
    public void An_exception_while_deciding_restarts_the_entity_and_is_the_answer()
    {
        _driver.Submit(1, new CounterCommand.Add(5));

        var reply = Assert.IsType<CommandReply.Unavailable>(_driver.Submit(2, new CounterCommand.Explode()));
        Assert.Equal(UnavailableReason.EntityFailed, reply.Reason);
        Assert.Contains("decide exploded", reply.Message, StringComparison.Ordinal);
        Assert.Equal(new CommandReply.Accepted(2), _driver.Submit(3, new CounterCommand.Add(1)));
        Assert.Equal(6, _driver.Kernel.State.Total);
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
        Assert.Single(_driver.Outputs.OfType<EntityOutput.Quarantined>());
    }

    [Fact, Trait("Req", "I29")]
    public void Exceptions_far_apart_do_not_quarantine()
    {
        for (var i = 1; i <= 20; i++)
        {
            Assert.IsType<CommandReply.Unavailable>(_driver.Submit(i, new CounterCommand.Explode()));
            _driver.Now += TimeSpan.FromSeconds(21);
        }

        Assert.Equal(EntityPhase.Ready, _driver.Kernel.Phase);
    }

    [Fact, Trait("Req", "I29")]
    public void A_lifted_quarantine_loads_the_whole_stream_again_and_serves()
    {
        _driver.Submit(1, new CounterCommand.Add(5));
        _driver.Submit(2, new CounterCommand.StartWork("w"));
        _driver.Submit(3, new CounterCommand.Add(6));
        _driver.Journal.EventsOf(KernelDriver.Id)[0].Payload[0] ^= 1;
        _driver.Restart();
        Assert.Equal(EntityPhase.Quarantined, _driver.Kernel.Phase);

        _driver.Drive(new EntityInput<CounterCommand>.QuarantineLifted());
        Assert.Equal(EntityPhase.Quarantined, _driver.Kernel.Phase);
        Assert.Contains("event 1 of", _driver.Kernel.QuarantineCause, StringComparison.Ordinal);

        _driver.Journal.EventsOf(KernelDriver.Id)[0].Payload[0] ^= 1;
        var dispatched = _driver.Dispatched.Count();
        _driver.Drive(new EntityInput<CounterCommand>.QuarantineLifted());

        Assert.Equal((EntityPhase.Ready, 11L), (_driver.Kernel.Phase, _driver.Kernel.State.Total));
        Assert.Null(_driver.Kernel.QuarantineCause);
        Assert.Equal(dispatched + 1, _driver.Dispatched.Count());
        Assert.Equal(new CommandReply.Accepted(4), _driver.Submit(4, new CounterCommand.Add(1)));
    }

    [Fact, Trait("Req", "I29")]
    public void A_lifted_quarantine_brings_a_whole_new_restart_budget()
    {
        for (var i = 1; i <= 4; i++)
        {
            _driver.Submit(i, new CounterCommand.Explode());
        }

        _driver.Drive(new EntityInput<CounterCommand>.QuarantineLifted());
        Assert.IsType<CommandReply.Unavailable>(_driver.Submit(5, new CounterCommand.Explode()));
        Assert.IsType<CommandReply.Accepted>(_driver.Submit(6, new CounterCommand.Add(1)));
    }

    [Fact]
    public void To_lift_a_quarantine_that_there_is_not_changes_nothing()
    {
        _driver.Submit(1, new CounterCommand.Add(5));
        var outputs = _driver.Outputs.Count;

        _driver.Drive(new EntityInput<CounterCommand>.QuarantineLifted());

        Assert.Equal(outputs, _driver.Outputs.Count);
        Assert.Equal(5, _driver.Kernel.State.Total);
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
    public void An_exception_after_the_event_is_durable_does_not_take_the_answer_back()
    {
        Assert.Equal(
            new CommandReply.Accepted(1), _driver.Submit(1, new CounterCommand.Emit(new CounterEvent.Jinx())));
        Assert.Single(_driver.Outputs.OfType<EntityOutput.Restarted>());
        Assert.Equal(EntityPhase.Ready, _driver.Kernel.Phase);
    }

    [Fact, Trait("Req", "I7")]
    public void A_damaged_stream_quarantines_at_once_and_names_the_event()
    {
        _driver.Submit(1, new CounterCommand.Add(5));
        _driver.Submit(2, new CounterCommand.Add(6));
        _driver.Submit(3, new CounterCommand.Add(7));
        _driver.Journal.EventsOf(KernelDriver.Id)[1].Payload[0] ^= 1;
        _driver.Restart();

        var reply = Assert.IsType<CommandReply.Quarantined>(_driver.Submit(4, new CounterCommand.Add(1)));
        Assert.Contains("event 2 of counter|vault|one", reply.Cause, StringComparison.Ordinal);
        var told = Assert.Single(_driver.Outputs.OfType<EntityOutput.Quarantined>());
        Assert.Equal(2, Assert.IsType<JournalCorruptException>(told.Exception).Sequence);
    }

    [Fact]
    public void A_stream_that_cannot_be_folded_quarantines_after_its_restarts()
    {
        _driver.Submit(1, new CounterCommand.Add(5));
        _driver.AppendForeign(-50);
        _driver.Restart();

        Assert.Equal(EntityPhase.Quarantined, _driver.Kernel.Phase);
        Assert.Equal(3, _driver.Outputs.OfType<EntityOutput.Restarted>().Count());
    }

    [Fact]
    public void A_fenced_timer_stops_the_entity_and_answers_nobody()
    {
        _driver.Submit(1, new CounterCommand.SetTimer("a", _driver.Now.AddMinutes(5)));
        _driver.Faults.Enqueue(AppendFault.Fenced);
        _driver.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal(EntityPhase.Stopped, _driver.Kernel.Phase);
        Assert.Empty(_driver.Outputs.OfType<EntityOutput.Reply>().Skip(1));
    }
}
