using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Tests.TestKit.Counters;

namespace ReplicationEngine.Tests.Actors.Entities;

public sealed class Entity_core_and_timers
{
    private readonly CoreDriver _driver = new CoreDriver().Start();

    [Fact]
    public void A_timer_fires_when_it_is_due_and_not_before()
    {
        _driver.Submit(1, new CounterCommand.SetTimer("a", _driver.Now.AddMinutes(5)));
        _driver.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal(0, _driver.Core.State.Fired);

        _driver.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(1, _driver.Core.State.Fired);
        Assert.Equal("engine", _driver.Stream[^1].Actor);
        Assert.Null(_driver.Alarm);
    }

    [Fact]
    public void The_alarm_is_set_for_the_earliest_timer()
    {
        var start = _driver.Now;
        _driver.Submit(1, new CounterCommand.SetTimer("late", start.AddHours(2)));
        _driver.Submit(2, new CounterCommand.SetTimer("early", start.AddHours(1)));
        Assert.Equal(start.AddHours(1), _driver.Alarm);

        _driver.Advance(TimeSpan.FromHours(1));
        Assert.Equal(start.AddHours(2), _driver.Alarm);
    }

    [Fact, Trait("Req", "ERR-3")]
    public void A_timer_that_came_due_while_the_engine_was_down_fires_after_recovery()
    {
        _driver.Submit(1, new CounterCommand.SetTimer("a", _driver.Now.AddMinutes(5)));
        _driver.Now += TimeSpan.FromHours(1);
        _driver.Restart();

        Assert.Equal(1, _driver.Core.State.Fired);
    }

    [Fact]
    public void Timers_due_at_once_fire_in_the_order_of_time_and_name()
    {
        var due = _driver.Now.AddMinutes(5);
        _driver.Submit(1, new CounterCommand.SetTimer("b", due));
        _driver.Submit(2, new CounterCommand.SetTimer("c", due.AddSeconds(-1)));
        _driver.Submit(3, new CounterCommand.SetTimer("a", due));
        _driver.Now += TimeSpan.FromHours(1);
        _driver.Drive(new CoreInput<CounterCommand>.Woken());

        Assert.Equal(
            ["c", "a", "b"],
            _driver.Stream.Skip(3).Select(stored => System.Text.Encoding.UTF8.GetString(stored.Payload)));
    }

    [Fact]
    public void A_timer_whose_command_changes_nothing_is_tried_again_a_minute_later()
    {
        _driver.Submit(1, new CounterCommand.SetTimer("stubborn", _driver.Now.AddMinutes(5)));
        _driver.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal(_driver.Now.AddMinutes(1), _driver.Alarm);
        Assert.Single(_driver.Stream);
    }

    [Theory, Trait("Req", "I18")]
    [InlineData(PersistFault.UnknownButWritten)]
    [InlineData(PersistFault.UnknownAndLost)]
    [InlineData(PersistFault.Overtaken)]
    public void A_timer_that_meets_an_unknown_outcome_fires_once(PersistFault fault)
    {
        _driver.Submit(1, new CounterCommand.SetTimer("a", _driver.Now.AddMinutes(5)));
        _driver.Faults.Enqueue(fault);
        _driver.Advance(TimeSpan.FromMinutes(10));

        Assert.Equal(1, _driver.Core.State.Fired);
        Assert.Single(_driver.Stream, stored => stored.Name == "counter.timer-fired.v1");
        Assert.Single(_driver.Told<CoreOutput.Reply>());
    }

    [Fact]
    public void A_wake_while_something_is_in_flight_is_made_up_for_afterwards()
    {
        var core = new EntityCore<Counter, CounterState, CounterCommand, CounterEvent>(
            CoreDriver.Id, new CounterCodec(), new EntityCoreOptions(), new EntityMemory());
        var now = _driver.Now;
        core.Step(new CoreInput<CounterCommand>.Recovered(), At(now));
        core.Step(Set("a", now.AddMinutes(5)), At(now));
        core.Step(new CoreInput<CounterCommand>.Persisted(), At(now));
        core.Step(Set("b", now.AddMinutes(9)), At(now));

        Assert.Empty(core.Step(new CoreInput<CounterCommand>.Woken(), At(now.AddMinutes(5))));
        var outputs = core.Step(new CoreInput<CounterCommand>.Persisted(), At(now.AddMinutes(6)));
        Assert.Equal("counter.timer-fired.v1", outputs.OfType<CoreOutput.Persist>().Single().Events.Single().Name);
    }

    [Fact]
    public void A_timer_that_meets_a_full_journal_fires_later()
    {
        _driver.Submit(1, new CounterCommand.SetTimer("a", _driver.Now.AddMinutes(5)));
        _driver.Faults.Enqueue(PersistFault.Full);
        _driver.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(0, _driver.Core.State.Fired);

        _driver.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, _driver.Core.State.Fired);
    }

    private static EngineInstant At(DateTimeOffset now) => new(now, now);

    private static CoreInput<CounterCommand>.Received Set(string name, DateTimeOffset due) => new(
        new CommandEnvelope<CounterCommand>(
            CoreDriver.Command(name[0]), "tester", new CounterCommand.SetTimer(name, due)));
}
