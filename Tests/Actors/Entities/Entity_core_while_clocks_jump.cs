using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Tests.TestKit.Counters;

namespace ReplicationEngine.Tests.Actors.Entities;

[Trait("Req", "I26")]
public sealed class Entity_core_while_clocks_jump
{
    private readonly CoreDriver _driver = new CoreDriver().Start();

    [Theory]
    [InlineData(-3)]
    [InlineData(3)]
    [InlineData(-9000)]
    [InlineData(9000)]
    public void A_timer_takes_as_long_as_it_was_set_for_whatever_the_wall_clock_does(double hours)
    {
        _driver.Submit(1, new CounterCommand.SetTimer("a", _driver.Now.AddMinutes(5)));
        _driver.Advance(TimeSpan.FromMinutes(1));
        _driver.JumpWall(TimeSpan.FromHours(hours));
        _driver.Submit(2, new CounterCommand.Add(1));
        _driver.Advance(TimeSpan.FromMinutes(3.9));
        Assert.Equal(0, _driver.Core.State.Fired);

        _driver.Advance(TimeSpan.FromMinutes(0.2));
        Assert.Equal(1, _driver.Core.State.Fired);
    }

    [Theory]
    [InlineData(-3)]
    [InlineData(3)]
    public void A_timer_set_after_the_jump_takes_its_time_too(double hours)
    {
        _driver.JumpWall(TimeSpan.FromHours(hours));
        _driver.Submit(1, new CounterCommand.SetTimer("a", _driver.Now.AddMinutes(5)));
        _driver.Advance(TimeSpan.FromMinutes(4.9));
        Assert.Equal(0, _driver.Core.State.Fired);

        _driver.Advance(TimeSpan.FromMinutes(0.2));
        Assert.Equal(1, _driver.Core.State.Fired);
    }

    [Fact]
    public void Events_say_what_the_wall_clock_said()
    {
        _driver.Submit(1, new CounterCommand.Add(1));
        _driver.JumpWall(TimeSpan.FromHours(-3));
        _driver.Submit(2, new CounterCommand.Add(1));

        Assert.Equal(_driver.Now, _driver.Stream[1].Time);
        Assert.Equal(_driver.Now.AddHours(3), _driver.Stream[0].Time);
    }

    [Fact]
    public void A_clock_that_was_set_back_while_the_host_was_away_delays_no_timer_beyond_its_length()
    {
        _driver.Submit(1, new CounterCommand.SetTimer("a", _driver.Now.AddMinutes(5)));
        _driver.JumpWall(TimeSpan.FromHours(-3));
        _driver.Restart();
        _driver.Advance(TimeSpan.FromMinutes(5.1));

        Assert.Equal(1, _driver.Core.State.Fired);
    }

    [Fact]
    public void A_timer_that_a_clock_set_which_was_ahead_takes_its_length_though_the_clock_was_put_right_since()
    {
        _driver.JumpWall(TimeSpan.FromHours(1));
        _driver.Submit(1, new CounterCommand.SetTimer("a", _driver.Now.AddMinutes(5)));
        _driver.JumpWall(TimeSpan.FromDays(-365));
        _driver.Submit(2, new CounterCommand.Add(1));
        _driver.Restart();
        _driver.Advance(TimeSpan.FromMinutes(5.1));

        Assert.Equal(1, _driver.Core.State.Fired);
    }

    [Fact]
    public void That_holds_too_when_the_last_event_is_in_the_snapshot()
    {
        var driver = new CoreDriver(new EntityCoreOptions { SnapshotEvery = 2 }).Start();
        driver.Submit(1, new CounterCommand.Add(1));
        driver.Submit(2, new CounterCommand.SetTimer("a", driver.Now.AddMinutes(5)));
        driver.JumpWall(TimeSpan.FromHours(-3));
        driver.Restart();
        driver.Advance(TimeSpan.FromMinutes(5.1));

        Assert.Equal(1, driver.Core.State.Fired);
    }

    [Fact]
    public void A_timer_that_waits_for_a_time_of_day_is_asked_again_until_the_wall_clock_is_there()
    {
        _driver.Submit(1, new CounterCommand.SetTimer("wall", _driver.Now.AddMinutes(5)));
        _driver.JumpWall(TimeSpan.FromHours(-3));
        _driver.Advance(TimeSpan.FromMinutes(30));
        Assert.Equal((0, 1), (_driver.Core.State.Fired, _driver.Stream.Count));

        _driver.JumpWall(TimeSpan.FromHours(3));
        _driver.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((1, 2), (_driver.Core.State.Fired, _driver.Stream.Count));
    }

    [Fact]
    public void The_restart_budget_is_counted_by_the_steady_clock()
    {
        for (var i = 1; i <= 20; i++)
        {
            _driver.Submit(i, new CounterCommand.Explode());
            _driver.JumpWall(TimeSpan.FromSeconds(-21));
            _driver.Advance(TimeSpan.FromSeconds(21));
        }

        Assert.Equal(EntityPhase.Ready, _driver.Core.Phase);
    }
}
