using ReplicationEngine.Persistence.InMemory;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Clocks;
using ReplicationEngine.Tests.TestKit.Counters;
using static ReplicationEngine.Tests.Actors.Hosting.TestEngine;

namespace ReplicationEngine.Tests.Actors.Hosting;

[Trait("Req", "I26")]
public sealed class An_engine_while_clocks_jump
{
    private readonly ManualTime _time = new();

    [Theory]
    [InlineData(-3)]
    [InlineData(3)]
    public async Task An_entity_that_sleeps_is_woken_after_the_time_that_its_timer_was_set_for(double hours)
    {
        await using var engine = await StartAsync(
            time: _time, configure: options => options.PassivateAfter = TimeSpan.FromSeconds(10));
        _time.JumpWall(TimeSpan.FromHours(-2 * hours));
        await SetAsync(engine, TimeSpan.FromMinutes(20));
        _time.Advance(TimeSpan.FromMinutes(1));
        await Eventually.HoldsAsync(() => engine.ActiveCounters == 0);

        _time.JumpWall(TimeSpan.FromHours(hours));
        await FiresAfterAsync(engine, TimeSpan.FromMinutes(19));
    }

    [Theory]
    [InlineData(-3)]
    [InlineData(3)]
    public async Task An_entity_that_nobody_has_called_since_the_start_is_woken_in_time(double hours)
    {
        var store = new MemoryStore();
        await using (var before = await StartAsync(store, time: _time))
        {
            await SetAsync(before, TimeSpan.FromMinutes(20));
        }

        await using var engine = await StartAsync(store, time: _time);
        _time.Advance(TimeSpan.FromMinutes(1));
        _time.JumpWall(TimeSpan.FromHours(hours));
        await FiresAfterAsync(engine, TimeSpan.FromMinutes(19));
    }

    [Fact]
    public async Task Jumps_both_ways_one_after_the_other_leave_the_rhythm_as_it_is()
    {
        await using var engine = await StartAsync(time: _time);
        foreach (var hours in new[] { -3.0, 7, -1, -30, 26 })
        {
            var fired = (await engine["a"].StateAsync(default)).State.Fired;
            await SetAsync(engine, TimeSpan.FromMinutes(5));
            _time.Advance(TimeSpan.FromMinutes(2));
            _time.JumpWall(TimeSpan.FromHours(hours));
            await FiresAfterAsync(engine, TimeSpan.FromMinutes(3), fired);
        }
    }

    private int _commands;

    private async Task SetAsync(TestEngine engine, TimeSpan length) => await engine["a"].AskAsync(
        new CounterCommand.SetTimer("t", _time.GetUtcNow() + length), Command(++_commands), "me", default);

    private async Task FiresAfterAsync(TestEngine engine, TimeSpan rest, int before = 0)
    {
        _time.Advance(rest - TimeSpan.FromSeconds(1));
        Assert.Equal(before, (await engine["a"].StateAsync(default)).State.Fired);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(before + 1, (await engine["a"].StateAsync(default)).State.Fired);
    }
}
