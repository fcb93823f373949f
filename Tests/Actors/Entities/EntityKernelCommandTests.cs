using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Tests.Actors.Counters;

namespace ReplicationEngine.Tests.Actors.Entities;

public sealed class EntityKernelCommandTests
{
    private readonly KernelDriver _driver = new KernelDriver().Start();

    [Fact]
    public void An_accepted_command_is_answered_with_its_last_event()
    {
        Assert.Equal(new CommandReply.Accepted(1), _driver.Submit(1, new CounterCommand.Add(5)));
        Assert.Equal(new CommandReply.Accepted(3), _driver.Submit(2, new CounterCommand.AddTwice(7)));
        Assert.Equal(19, _driver.Kernel.State.Total);
        Assert.Equal(["tester", "tester", "tester"], _driver.Stream.Select(stored => stored.Actor));
    }

    [Fact]
    public void A_refused_command_stores_nothing()
    {
        var reply = _driver.Submit(1, new CounterCommand.Add(Counter.Limit + 1));

        Assert.Equal(new CommandReply.Refused(new LimitReached(0)), reply);
        Assert.Empty(_driver.Stream);
    }

    [Fact]
    public void A_command_that_changes_nothing_is_accepted_without_an_event()
    {
        Assert.Equal(new CommandReply.Accepted(0), _driver.Submit(1, new CounterCommand.Add(0)));
        Assert.Empty(_driver.Stream);
    }

    [Fact, Trait("Req", "I19")]
    public void A_command_delivered_again_has_the_same_answer_and_no_second_effect()
    {
        var first = _driver.Submit(1, new CounterCommand.AddTwice(5));
        _driver.Submit(2, new CounterCommand.Add(1));

        Assert.Equal(first, _driver.Submit(1, new CounterCommand.AddTwice(5)));
        Assert.Equal(3, _driver.Stream.Count);
    }

    [Fact, Trait("Req", "I19")]
    public void An_id_that_comes_again_with_another_request_is_refused_and_changes_nothing()
    {
        var first = _driver.Submit(1, new CounterCommand.Add(5), "add 5");

        Assert.Equal(first, _driver.Submit(1, new CounterCommand.Add(5), "add 5"));
        Assert.Equal(
            new CommandReply.Refused(new CommandIdReused(KernelDriver.Command(1))),
            _driver.Submit(1, new CounterCommand.Add(7), "add 7"));
        Assert.Single(_driver.Stream);
        Assert.Equal(first, _driver.Submit(1, new CounterCommand.Add(5), "add 5"));
    }

    [Fact, Trait("Req", "I19")]
    public void An_id_that_was_refused_is_refused_to_another_request_too()
    {
        _driver.Submit(1, new CounterCommand.Add(Counter.Limit + 1), "too much");

        Assert.Equal(
            new CommandReply.Refused(new CommandIdReused(KernelDriver.Command(1))),
            _driver.Submit(1, new CounterCommand.Add(1), "less"));
        Assert.Empty(_driver.Stream);
    }

    [Fact, Trait("Req", "I19")]
    public void An_id_too_old_to_be_compared_is_refused()
    {
        var driver = new KernelDriver(new EntityKernelOptions { RememberedCommands = 2 }).Start();
        for (var i = 1; i < 6; i++)
        {
            driver.Submit(i, new CounterCommand.Add(1), "add");
        }

        Assert.Equal(
            new CommandReply.Refused(new CommandIdReused(KernelDriver.Command(1))),
            driver.Submit(1, new CounterCommand.Add(1), "add"));
        Assert.Equal(5, driver.Stream.Count);
    }

    [Fact, Trait("Req", "I19")]
    public void A_refusal_is_repeated_although_the_state_would_allow_the_command_now()
    {
        var first = _driver.Submit(1, new CounterCommand.Add(Counter.Limit + 5));
        _driver.Submit(2, new CounterCommand.Add(-0));
        _driver.AppendForeign(1);

        Assert.Equal(first, _driver.Submit(1, new CounterCommand.Add(1)));
    }

    [Fact, Trait("Req", "I19")]
    public void A_command_older_than_memory_is_recognised_by_the_journal_when_it_would_be_refused_now()
    {
        var driver = new KernelDriver(new EntityKernelOptions { RememberedCommands = 2 }).Start();
        var first = driver.Submit(1, new CounterCommand.AddOnce(5));
        for (var i = 2; i < 6; i++)
        {
            driver.Submit(i, new CounterCommand.Add(1));
        }

        Assert.Equal(first, driver.Submit(1, new CounterCommand.AddOnce(5)));
    }

    [Fact, Trait("Req", "I19")]
    public void A_command_older_than_memory_is_recognised_by_the_journal_when_it_would_be_accepted_now()
    {
        var driver = new KernelDriver(new EntityKernelOptions { RememberedCommands = 2 }).Start();
        var first = driver.Submit(1, new CounterCommand.Add(5));
        for (var i = 2; i < 6; i++)
        {
            driver.Submit(i, new CounterCommand.Add(1));
        }

        Assert.Equal(first, driver.Submit(1, new CounterCommand.Add(5)));
        Assert.Equal(5, driver.Stream.Count);
    }

    [Fact]
    public void A_command_that_was_overtaken_is_decided_again_on_the_newer_state()
    {
        _driver.Faults.Enqueue(AppendFault.Overtaken);

        Assert.IsType<CommandReply.Refused>(_driver.Submit(1, new CounterCommand.AddOnce(5)));
        Assert.Equal(1, _driver.Kernel.State.Total);
    }

    [Fact]
    public void Endless_conflicts_end_in_an_answer()
    {
        for (var i = 0; i < 20; i++)
        {
            _driver.Faults.Enqueue(AppendFault.Overtaken);
        }

        var reply = Assert.IsType<CommandReply.Unavailable>(_driver.Submit(1, new CounterCommand.Add(5)));
        Assert.Equal(UnavailableReason.Contended, reply.Reason);
        Assert.Equal(EntityPhase.Ready, _driver.Kernel.Phase);
        Assert.Equal(9, _driver.Kernel.State.Total);
    }

    [Fact, Trait("Req", "I18")]
    public void An_unknown_append_that_was_written_is_found_under_a_new_epoch_and_not_repeated()
    {
        _driver.Faults.Enqueue(AppendFault.UnknownButWritten);

        Assert.Equal(new CommandReply.Accepted(2), _driver.Submit(1, new CounterCommand.AddTwice(5)));
        Assert.Single(_driver.Outputs.OfType<EntityOutput.TakeEpoch>());
        Assert.Equal(2, _driver.Stream.Count);
    }

    [Fact, Trait("Req", "I18")]
    public void An_unknown_append_that_was_lost_is_done_again_under_a_new_epoch()
    {
        _driver.Faults.Enqueue(AppendFault.UnknownAndLost);

        Assert.Equal(new CommandReply.Accepted(2), _driver.Submit(1, new CounterCommand.AddTwice(5)));
        Assert.Equal(2, _driver.Stream.Count);
    }

    [Fact]
    public void An_unknown_append_without_a_new_epoch_stops_the_entity()
    {
        _driver.Faults.Enqueue(AppendFault.UnknownAndLost);
        _driver.RefuseEpochs = true;

        var reply = Assert.IsType<CommandReply.Unavailable>(_driver.Submit(1, new CounterCommand.Add(5)));
        Assert.Equal(UnavailableReason.JournalUnavailable, reply.Reason);
        Assert.Equal(EntityPhase.Stopped, _driver.Kernel.Phase);
    }

    [Fact, Trait("Req", "I15")]
    public void A_fenced_entity_stops_and_writes_nothing()
    {
        _driver.Faults.Enqueue(AppendFault.Fenced);

        var reply = Assert.IsType<CommandReply.Unavailable>(_driver.Submit(1, new CounterCommand.Add(5)));
        Assert.Equal(UnavailableReason.Fenced, reply.Reason);
        Assert.Equal(EntityPhase.Stopped, _driver.Kernel.Phase);
        Assert.Empty(_driver.Stream);
    }

    [Fact, Trait("Req", "I27")]
    public void A_full_journal_refuses_the_command_whole_and_the_entity_goes_on()
    {
        _driver.Faults.Enqueue(AppendFault.Full);

        var reply = Assert.IsType<CommandReply.Unavailable>(_driver.Submit(1, new CounterCommand.AddTwice(5)));
        Assert.Equal(UnavailableReason.JournalFull, reply.Reason);
        Assert.Empty(_driver.Stream);
        Assert.Equal(0, _driver.Kernel.State.Total);
        Assert.Equal(new CommandReply.Accepted(2), _driver.Submit(1, new CounterCommand.AddTwice(5)));
    }

    [Fact]
    public void An_input_out_of_turn_is_the_hosts_mistake()
    {
        Assert.Throws<InvalidOperationException>(
            () => _driver.Drive(new EntityInput<CounterCommand>.Started()));
    }
}
