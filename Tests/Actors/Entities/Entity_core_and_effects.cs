using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Tests.TestKit.Counters;

namespace ReplicationEngine.Tests.Actors.Entities;

public sealed class Entity_core_and_effects
{
    private readonly CoreDriver _driver = new CoreDriver().Start();

    [Fact]
    public void An_effect_is_started_once_while_it_is_outstanding()
    {
        _driver.Submit(1, new CounterCommand.StartWork("a"));
        _driver.Submit(2, new CounterCommand.Add(1));
        _driver.Submit(3, new CounterCommand.StartWork("b"));
        _driver.Submit(4, new CounterCommand.StartWork("a"));

        Assert.Equal([Work("a"), Work("b")], _driver.Started);
        Assert.Empty(_driver.Told<CoreOutput.CancelEffect>());
    }

    [Fact]
    public void An_effect_that_is_outstanding_no_longer_is_cancelled_and_when_outstanding_again_started_again()
    {
        _driver.Submit(1, new CounterCommand.StartWork("a"));
        _driver.Submit(2, new CounterCommand.StartWork("b"));
        _driver.Submit(3, new CounterCommand.RecordWorkDone("a"));

        Assert.Equal(
            new CoreOutput.CancelEffect(Work("a").Id), Assert.Single(_driver.Told<CoreOutput.CancelEffect>()));
        Assert.Equal([Work("b")], _driver.Running);

        _driver.Submit(4, new CounterCommand.StartWork("a"));
        Assert.Equal([Work("a"), Work("b"), Work("a")], _driver.Started);
    }

    [Fact]
    public void What_is_outstanding_after_a_recovery_is_started_again()
    {
        _driver.Submit(1, new CounterCommand.StartWork("a"));
        _driver.Submit(2, new CounterCommand.StartWork("b"));
        _driver.Submit(3, new CounterCommand.RecordWorkDone("a"));
        _driver.Outputs.Clear();
        _driver.Restart();

        Assert.Equal([Work("b")], _driver.Started);
    }

    [Fact]
    public void What_is_outstanding_after_an_exception_or_an_unknown_persist_is_started_again()
    {
        _driver.Submit(1, new CounterCommand.StartWork("a"));
        _driver.Submit(2, new CounterCommand.Explode());
        Assert.Equal([Work("a"), Work("a")], _driver.Started);

        _driver.Faults.Enqueue(PersistFault.UnknownAndLost);
        _driver.Send(3, new CounterCommand.Add(1));
        Assert.Equal([Work("a"), Work("a"), Work("a")], _driver.Started);
    }

    [Fact]
    public void An_effect_whose_event_was_not_stored_is_not_started()
    {
        _driver.Faults.Enqueue(PersistFault.Full);
        _driver.Send(1, new CounterCommand.StartWork("a"));
        _driver.Faults.Enqueue(PersistFault.UnknownAndLost);
        _driver.Send(2, new CounterCommand.StartWork("b"));

        Assert.Empty(_driver.Started);
    }

    [Fact]
    public void An_effect_whose_event_may_be_stored_waits_until_the_stream_says_so()
    {
        _driver.Faults.Enqueue(PersistFault.UnknownButWritten);
        _driver.Send(1, new CounterCommand.StartWork("a"));

        var told = _driver.Outputs.FindIndex(output => output is CoreOutput.Restart);
        Assert.InRange(told, 0, _driver.Outputs.FindIndex(output => output is CoreOutput.StartEffect));
        Assert.Equal([Work("a")], _driver.Started);
    }

    [Fact]
    public void The_answer_comes_before_the_effect()
    {
        _driver.Submit(1, new CounterCommand.StartWork("a"));

        Assert.Equal(
            [typeof(CoreOutput.Persist), typeof(CoreOutput.Reply), typeof(CoreOutput.StartEffect)],
            _driver.Outputs.Select(output => output.GetType()));
    }

    [Fact, Trait("Req", "I29")]
    public void A_quarantine_cancels_what_runs()
    {
        _driver.Submit(1, new CounterCommand.StartWork("a"));
        for (var i = 2; i <= 5; i++)
        {
            _driver.Submit(i, new CounterCommand.Explode());
        }

        Assert.Equal(EntityPhase.Quarantined, _driver.Core.Phase);
        Assert.Empty(_driver.Running);
    }

    private static DoWork Work(string name) => new(name) { Id = new EffectId("work-" + name) };
}
