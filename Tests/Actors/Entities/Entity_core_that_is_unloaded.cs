using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Tests.TestKit.Counters;
using Input = ReplicationEngine.Actors.Entities.CoreInput<ReplicationEngine.Tests.TestKit.Counters.CounterCommand>;

namespace ReplicationEngine.Tests.Actors.Entities;

public sealed class Entity_core_that_is_unloaded
{
    private static readonly EntityCoreOptions s_often = new() { SnapshotEvery = 2 };

    private readonly CoreDriver _driver = new CoreDriver(s_often).Start();

    public static TheoryData<string> Ends => ["passivation", "exception", "unknown persist", "lifted quarantine"];

    [Fact]
    public void Nothing_is_kept_when_nothing_happened()
    {
        Assert.True(new EntityMemory().IsEmpty);
        _driver.Submit(1, new CounterCommand.Add(1));
        _driver.Submit(2, new CounterCommand.Add(Counter.Limit));
        _driver.Submit(3, new CounterCommand.SetTimer("a", _driver.Now.AddMinutes(5)));
        Assert.False(_driver.Memory.IsEmpty);

        _driver.Advance(TimeSpan.FromMinutes(5));
        Assert.True(_driver.Passivate());
        Assert.True(_driver.Memory.IsEmpty);
    }

    [Fact]
    public void Exceptions_are_forgotten_when_they_count_no_longer()
    {
        _driver.Submit(1, new CounterCommand.Explode());
        Assert.True(_driver.Passivate());
        Assert.False(_driver.Memory.IsEmpty);

        _driver.Start().Advance(s_often.RestartWindow);
        Assert.True(_driver.Passivate());
        Assert.True(_driver.Memory.IsEmpty);
    }

    [Theory, Trait("Req", "I26")]
    [MemberData(nameof(Ends))]
    public void A_timer_takes_as_long_as_it_was_set_for_over_the_end_of_a_core_and_a_jump_of_the_clock(string end)
    {
        foreach (var hours in new[] { -3, 3 })
        {
            var driver = new CoreDriver(s_often).Start();
            driver.Submit(1, new CounterCommand.SetTimer("a", driver.Now.AddMinutes(5)));
            driver.Advance(TimeSpan.FromMinutes(1));
            driver.JumpWall(TimeSpan.FromHours(hours));
            End(driver, end);
            driver.Advance(TimeSpan.FromMinutes(3.9));
            Assert.Equal(0, driver.Core.State.Fired);

            driver.Advance(TimeSpan.FromMinutes(0.2));
            Assert.Equal(1, driver.Core.State.Fired);
        }
    }

    [Theory]
    [MemberData(nameof(Ends))]
    public void A_timer_that_is_held_back_is_held_back_over_the_end_of_a_core(string end)
    {
        _driver.Submit(1, new CounterCommand.SetTimer("stubborn", _driver.Now.AddMinutes(5)));
        _driver.Advance(TimeSpan.FromMinutes(5));
        var retry = _driver.Now.AddMinutes(1);
        Assert.Equal(retry, _driver.Alarm);

        End(_driver, end);
        Assert.Equal(retry, _driver.Alarm);
    }

    [Theory, Trait("Req", "I29")]
    [InlineData("passivation")]
    [InlineData("unknown persist")]
    public void Exceptions_count_over_the_end_of_a_core(string end)
    {
        for (var i = 1; i <= 3; i++)
        {
            _driver.Submit(i, new CounterCommand.Explode());
            End(_driver, end);
        }

        Assert.IsType<CommandReply.Quarantined>(_driver.Submit(4, new CounterCommand.Explode()));
    }

    [Theory]
    [InlineData("passivation", 2)]
    [InlineData("unknown persist", 2)]
    [InlineData("exception", 0)]
    [InlineData("lifted quarantine", 0)]
    public void The_whole_stream_is_read_when_there_is_reason_to_distrust_the_snapshot(string end, long after)
    {
        _driver.Submit(1, new CounterCommand.Add(1));
        _driver.Submit(2, new CounterCommand.Add(1));
        End(_driver, end);
        Assert.Equal(after, _driver.ReadAfter[^1]);

        Assert.True(_driver.Passivate());
        _driver.Start();
        Assert.Equal(2, _driver.ReadAfter[^1]);
    }

    [Fact]
    public void To_offer_a_snapshot_that_is_distrusted_is_the_hosts_mistake()
    {
        _driver.Submit(1, new CounterCommand.Add(1));
        _driver.Submit(2, new CounterCommand.Add(1));
        var memory = new EntityMemory();
        Core(memory).Step(new Input.Offered(_driver.Journal.Snapshot! with { CoversStream = false }), At());
        Assert.True(memory.ReadsWholeStream);

        Assert.Throws<InvalidOperationException>(
            () => Core(memory).Step(new Input.Offered(_driver.Journal.Snapshot!), At()));
    }

    private static EntityCore<Counter, CounterState, CounterCommand, CounterEvent> Core(EntityMemory memory) =>
        new(CoreDriver.Id, new CounterCodec(), s_often, memory);

    private EngineInstant At() => new(_driver.Now, _driver.Now);

    private static void End(CoreDriver driver, string end)
    {
        var number = 1_000 + driver.Outputs.Count;
        switch (end)
        {
            case "passivation":
                Assert.True(driver.Passivate());
                driver.Start();
                break;
            case "exception":
                driver.Submit(number, new CounterCommand.Explode());
                break;
            case "unknown persist":
                driver.Faults.Enqueue(PersistFault.UnknownAndLost);
                driver.Send(number, new CounterCommand.Add(1));
                break;
            default:
                for (var i = 0; i < 4; i++)
                {
                    driver.Submit(number + i, new CounterCommand.Explode());
                }

                Assert.Equal(EntityPhase.Quarantined, driver.Core.Phase);
                driver.Drive(new Input.QuarantineLifted());
                break;
        }

        Assert.Equal(EntityPhase.Ready, driver.Core.Phase);
    }

    [Fact, Trait("Req", "I19")]
    public void Where_events_have_left_the_journal_an_old_command_is_looked_up_before_it_is_decided()
    {
        for (var number = 1; number <= 70; number++)
        {
            _driver.Submit(number, new CounterCommand.Add(1));
        }

        Assert.Empty(_driver.Told<CoreOutput.FindCommand>());
        _driver.Memory.EventsMayBeArchived = true;
        Assert.Equal(new CommandReply.Accepted(1), _driver.Submit(1, new CounterCommand.Add(1)));
        Assert.Equal(new CommandReply.Accepted(70), _driver.Submit(70, new CounterCommand.Add(1)));
        Assert.Single(_driver.Told<CoreOutput.FindCommand>());
        Assert.Equal(new CommandReply.Accepted(71), _driver.Submit(71, new CounterCommand.Add(1)));
        Assert.Equal(2, _driver.Told<CoreOutput.FindCommand>().Count());
        Assert.Equal(71, _driver.Core.State.Total);

        _driver.IsJournalMute = true;
        Assert.IsType<CommandReply.Unavailable>(_driver.Submit(72, new CounterCommand.Add(1)));
        Assert.Equal(71, _driver.Core.State.Total);
    }
}
