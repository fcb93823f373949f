using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Tests.Actors.Counters;

namespace ReplicationEngine.Tests.Actors.Entities;

public sealed class EntityKernelTimerTests
{
    private readonly KernelDriver _driver = new KernelDriver().Start();

    [Fact]
    public void A_timer_fires_when_it_is_due_and_not_before()
    {
        _driver.Submit(1, new CounterCommand.SetTimer("a", _driver.Now.AddMinutes(5)));
        _driver.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal(0, _driver.Kernel.State.Fired);

        _driver.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(1, _driver.Kernel.State.Fired);
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

        Assert.Equal(1, _driver.Kernel.State.Fired);
    }

    [Fact]
    public void Timers_due_at_once_fire_in_the_order_of_time_and_name()
    {
        var due = _driver.Now.AddMinutes(5);
        _driver.Submit(1, new CounterCommand.SetTimer("b", due));
        _driver.Submit(2, new CounterCommand.SetTimer("c", due.AddSeconds(-1)));
        _driver.Submit(3, new CounterCommand.SetTimer("a", due));
        _driver.Now += TimeSpan.FromHours(1);
        _driver.Drive(new EntityInput<CounterCommand>.AlarmRang());

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

    [Fact]
    public void A_timer_that_meets_an_unknown_outcome_fires_once()
    {
        _driver.Submit(1, new CounterCommand.SetTimer("a", _driver.Now.AddMinutes(5)));
        _driver.Faults.Enqueue(AppendFault.UnknownButWritten);
        _driver.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal(1, _driver.Kernel.State.Fired);
        Assert.Equal(2, _driver.Stream.Count);
    }

    [Fact]
    public void A_timer_that_meets_a_full_journal_fires_later()
    {
        _driver.Submit(1, new CounterCommand.SetTimer("a", _driver.Now.AddMinutes(5)));
        _driver.Faults.Enqueue(AppendFault.Full);
        _driver.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(0, _driver.Kernel.State.Fired);

        _driver.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, _driver.Kernel.State.Fired);
    }
}
