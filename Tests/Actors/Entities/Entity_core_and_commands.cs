using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Tests.TestKit.Counters;

namespace ReplicationEngine.Tests.Actors.Entities;

public sealed class Entity_core_and_commands
{
    private readonly CoreDriver _driver = new CoreDriver().Start();

    [Fact]
    public void An_accepted_command_is_answered_with_its_last_event()
    {
        Assert.Equal(new CommandReply.Accepted(1), _driver.Submit(1, new CounterCommand.Add(5)));
        Assert.Equal(new CommandReply.Accepted(3), _driver.Submit(2, new CounterCommand.AddTwice(7)));
        Assert.Equal(19, _driver.Core.State.Total);
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
            new CommandReply.Refused(new CommandIdReused(CoreDriver.Command(1))),
            _driver.Submit(1, new CounterCommand.Add(7), "add 7"));
        Assert.Single(_driver.Stream);
        Assert.Equal(first, _driver.Submit(1, new CounterCommand.Add(5), "add 5"));
    }

    [Fact, Trait("Req", "I19")]
    public void An_id_that_was_refused_is_refused_to_another_request_too()
    {
        _driver.Submit(1, new CounterCommand.Add(Counter.Limit + 1), "too much");

        Assert.Equal(
            new CommandReply.Refused(new CommandIdReused(CoreDriver.Command(1))),
            _driver.Submit(1, new CounterCommand.Add(1), "less"));
        Assert.Empty(_driver.Stream);
    }

    [Fact, Trait("Req", "I19")]
    public void An_id_older_than_memory_is_compared_with_the_request_that_the_journal_holds()
    {
        var driver = new CoreDriver(new EntityCoreOptions { RememberedCommands = 2 }).Start();
        for (var i = 1; i < 6; i++)
        {
            driver.Submit(i, new CounterCommand.Add(i), $"add {i}");
        }

        Assert.Equal(
            new CommandReply.Refused(new CommandIdReused(CoreDriver.Command(1))),
            driver.Submit(1, new CounterCommand.Add(7), "add 7"));
        Assert.Equal(
            new CommandReply.Refused(new CommandIdReused(CoreDriver.Command(1))),
            driver.Submit(1, new CounterCommand.Add(0), "add 0"));
        Assert.Equal(new CommandReply.Accepted(1), driver.Submit(1, new CounterCommand.Add(1), "add 1"));
        Assert.Equal(5, driver.Stream.Count);
    }

    [Fact, Trait("Req", "I19")]
    public void A_refusal_is_repeated_although_the_state_would_allow_the_command_now()
    {
        var first = _driver.Submit(1, new CounterCommand.Add(Counter.Limit + 5));
        _driver.Submit(2, new CounterCommand.Add(1));

        Assert.Equal(first, _driver.Submit(1, new CounterCommand.Add(1)));
    }

    [Fact, Trait("Req", "I19")]
    public void A_command_older_than_memory_is_recognised_by_the_journal_when_it_would_be_refused_now()
    {
        var driver = new CoreDriver(new EntityCoreOptions { RememberedCommands = 2 }).Start();
        var first = driver.Submit(1, new CounterCommand.AddOnce(5));
        for (var i = 2; i < 6; i++)
        {
            driver.Submit(i, new CounterCommand.Add(1));
        }

        Assert.Equal(first, driver.Submit(1, new CounterCommand.AddOnce(5)));
        Assert.Equal(first, driver.Submit(1, new CounterCommand.AddOnce(5)));
        Assert.Single(driver.Told<CoreOutput.FindCommand>());
    }

    [Fact, Trait("Req", "I19")]
    public void A_command_older_than_memory_is_recognised_by_the_journal_when_it_would_be_accepted_now()
    {
        var driver = new CoreDriver(new EntityCoreOptions { RememberedCommands = 2 }).Start();
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
        _driver.Faults.Enqueue(PersistFault.Overtaken);

        Assert.IsType<CommandReply.Refused>(_driver.Submit(1, new CounterCommand.AddOnce(5)));
        Assert.Equal(1, _driver.Core.State.Total);
    }

    [Fact]
    public void Endless_conflicts_end_in_an_answer()
    {
        for (var i = 0; i < 20; i++)
        {
            _driver.Faults.Enqueue(PersistFault.Overtaken);
        }

        var reply = Assert.IsType<CommandReply.Unavailable>(_driver.Submit(1, new CounterCommand.Add(5)));
        Assert.Equal(UnavailableReason.JournalUnavailable, reply.Reason);
        Assert.Equal(EntityPhase.Ready, _driver.Core.Phase);
        Assert.Equal(8, _driver.Core.State.Total);
    }

    [Fact, Trait("Req", "I18")]
    public void An_unknown_persist_that_was_written_is_found_and_not_repeated()
    {
        _driver.Faults.Enqueue(PersistFault.UnknownButWritten);

        var reply = Assert.IsType<CommandReply.Unavailable>(_driver.Send(1, new CounterCommand.AddTwice(5)));
        Assert.Equal(UnavailableReason.JournalUnavailable, reply.Reason);
        Assert.Equal(new CoreOutput.Restart(null), Assert.Single(_driver.Told<CoreOutput.Restart>()));
        Assert.Equal(10, _driver.Core.State.Total);
        Assert.Equal(new CommandReply.Accepted(2), _driver.Send(1, new CounterCommand.AddTwice(5)));
        Assert.Equal(2, _driver.Stream.Count);
    }

    [Fact, Trait("Req", "I18")]
    public void An_unknown_persist_that_was_lost_is_done_when_the_command_comes_again()
    {
        _driver.Faults.Enqueue(PersistFault.UnknownAndLost);

        Assert.IsType<CommandReply.Unavailable>(_driver.Send(1, new CounterCommand.AddTwice(5)));
        Assert.Equal(0, _driver.Core.State.Total);
        Assert.Equal(new CommandReply.Accepted(2), _driver.Send(1, new CounterCommand.AddTwice(5)));
        Assert.Equal(2, _driver.Stream.Count);
    }

    [Theory, Trait("Req", "I18"), Trait("Req", "I19")]
    [InlineData(PersistFault.UnknownAndLost, 100, false)]
    [InlineData(PersistFault.UnknownAndLost, 100, true)]
    [InlineData(PersistFault.UnknownAndLost, 3, false)]
    [InlineData(PersistFault.UnknownAndLost, 3, true)]
    [InlineData(PersistFault.UnknownButWritten, 100, false)]
    [InlineData(PersistFault.UnknownButWritten, 100, true)]
    [InlineData(PersistFault.UnknownButWritten, 3, false)]
    [InlineData(PersistFault.UnknownButWritten, 3, true)]
    public void An_unknown_persist_has_one_effect_however_late_the_command_comes_again(
        PersistFault fault, int snapshotEvery, bool processDies)
    {
        var options = new EntityCoreOptions { RememberedCommands = 2, SnapshotEvery = snapshotEvery };
        var driver = new CoreDriver(options).Start();
        driver.Faults.Enqueue(fault);
        Assert.IsType<CommandReply.Unavailable>(driver.Send(1, new CounterCommand.Add(100), "add 100"));
        for (var i = 2; i < 8; i++)
        {
            driver.Submit(i, new CounterCommand.Add(1), "add 1");
        }

        if (processDies)
        {
            driver.Restart();
        }

        var written = fault == PersistFault.UnknownButWritten;
        var reply = driver.Submit(1, new CounterCommand.Add(100), "add 100");
        Assert.Equal(new CommandReply.Accepted(written ? 1 : 7), reply);
        Assert.Equal(reply, driver.Submit(1, new CounterCommand.Add(100), "add 100"));
        Assert.Equal((106, 7), (driver.Core.State.Total, driver.Stream.Count));
    }

    [Fact, Trait("Req", "I19")]
    public void A_command_that_may_have_been_accepted_is_not_judged_while_the_journal_cannot_be_asked()
    {
        var driver = new CoreDriver(new EntityCoreOptions { RememberedCommands = 2 }).Start();
        var first = driver.Submit(1, new CounterCommand.AddOnce(5));
        for (var i = 2; i < 6; i++)
        {
            driver.Submit(i, new CounterCommand.Add(1));
        }

        driver.IsJournalMute = true;
        var reply = Assert.IsType<CommandReply.Unavailable>(driver.Send(1, new CounterCommand.AddOnce(5)));
        Assert.Equal(UnavailableReason.JournalUnavailable, reply.Reason);
        Assert.Equal(new CommandReply.Accepted(6), driver.Submit(6, new CounterCommand.Add(1)));

        driver.IsJournalMute = false;
        Assert.Equal(first, driver.Send(1, new CounterCommand.AddOnce(5)));
    }

    [Fact, Trait("Req", "I17")]
    public void The_last_event_of_a_command_says_how_it_was_decided()
    {
        _driver.Now += TimeSpan.FromMinutes(1);
        _driver.JumpWall(TimeSpan.FromHours(3));
        _driver.Submit(1, new CounterCommand.AddTwice(5), "add 5 twice");

        Assert.Null(_driver.Stream[0].Command);
        var recorded = Assert.IsType<RecordedCommand>(_driver.Stream[1].Command);
        Assert.Equal(
            new CounterCommand.AddTwice(5), _driver.Codec.DecodeCommand(recorded.Name, recorded.Payload));
        Assert.Equal("add 5 twice", recorded.Digest);
        var started = _driver.Now - TimeSpan.FromHours(3) - TimeSpan.FromMinutes(1);
        Assert.Equal(new SteadyInstant(started, started.AddMinutes(1)), recorded.Steady);
        Assert.All(_driver.Stream, stored => Assert.Equal(_driver.Now, stored.Time));
    }

    [Fact, Trait("Req", "I27")]
    public void A_full_journal_refuses_the_command_whole_and_the_entity_goes_on()
    {
        _driver.Faults.Enqueue(PersistFault.Full);

        var reply = Assert.IsType<CommandReply.Unavailable>(_driver.Submit(1, new CounterCommand.AddTwice(5)));
        Assert.Equal(UnavailableReason.JournalFull, reply.Reason);
        Assert.Empty(_driver.Stream);
        Assert.Equal(0, _driver.Core.State.Total);
        Assert.Equal(new CommandReply.Accepted(2), _driver.Submit(1, new CounterCommand.AddTwice(5)));
    }

    [Fact]
    public void An_input_out_of_turn_is_the_hosts_mistake()
    {
        Assert.Throws<InvalidOperationException>(() => _driver.Drive(new CoreInput<CounterCommand>.Recovered()));
        Assert.Throws<InvalidOperationException>(() => _driver.Drive(new CoreInput<CounterCommand>.Persisted()));
        Assert.Throws<InvalidOperationException>(
            () => _driver.Drive(new CoreInput<CounterCommand>.CommandFound(null)));
        Assert.Throws<InvalidOperationException>(() => new CoreDriver().Drive(new CoreInput<CounterCommand>.Idle()));
    }
}
