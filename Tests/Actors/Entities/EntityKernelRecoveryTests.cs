using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Tests.Actors.Counters;

namespace ReplicationEngine.Tests.Actors.Entities;

public sealed class EntityKernelRecoveryTests
{
    private static readonly EntityKernelOptions s_often = new() { SnapshotEvery = 4 };

    [Fact, Trait("Req", "I17")]
    public void Snapshot_and_tail_give_the_state_of_the_whole_stream()
    {
        var driver = new KernelDriver(s_often).Start();
        for (var i = 1; i <= 10; i++)
        {
            driver.Submit(i, new CounterCommand.Add(i));
        }

        Assert.Equal(
            [4L, 8L], driver.Outputs.OfType<EntityOutput.SaveSnapshot>().Select(o => o.Snapshot.Head.Sequence));
        driver.Outputs.Clear();
        driver.Restart();

        Assert.Equal(55, driver.Kernel.State.Total);
        Assert.Equal(8, driver.Outputs.OfType<EntityOutput.ReadStream>().First().After.Sequence);
    }

    [Fact]
    public void A_snapshot_of_another_version_is_not_read()
    {
        var driver = new KernelDriver(s_often).Start();
        for (var i = 1; i <= 5; i++)
        {
            driver.Submit(i, new CounterCommand.Add(i));
        }

        driver.Codec = new CounterCodec { SnapshotVersion = 2 };
        driver.Restart();

        Assert.Single(driver.Outputs.OfType<EntityOutput.SnapshotIgnored>());
        Assert.Equal(15, driver.Kernel.State.Total);
    }

    [Fact, Trait("Req", "I7")]
    public async Task A_damaged_snapshot_is_not_read()
    {
        var driver = new KernelDriver(s_often).Start();
        for (var i = 1; i <= 5; i++)
        {
            driver.Submit(i, new CounterCommand.Add(i));
        }

        (await driver.Snapshots.LoadAsync(KernelDriver.Id, default))!.Payload[0] ^= 1;
        driver.Restart();

        Assert.Single(driver.Outputs.OfType<EntityOutput.SnapshotIgnored>());
        Assert.Equal(15, driver.Kernel.State.Total);
    }

    [Fact]
    public void Effects_not_answered_yet_are_dispatched_again_after_recovery()
    {
        var driver = new KernelDriver().Start();
        driver.Submit(1, new CounterCommand.StartWork("a"));
        driver.Submit(2, new CounterCommand.StartWork("b"));
        driver.Submit(3, new CounterCommand.RecordWorkDone("a"));
        Assert.Equal(["work-a", "work-b"], driver.Dispatched.Select(effect => effect.Id.Value));
        driver.Outputs.Clear();
        driver.Restart();

        Assert.Equal([new DoWork("b") { Id = new EffectId("work-b") }], driver.Dispatched);
    }

    [Fact]
    public void An_effect_comes_after_its_event_is_durable()
    {
        var driver = new KernelDriver().Start();
        driver.Faults.Enqueue(AppendFault.Full);
        driver.Submit(1, new CounterCommand.StartWork("a"));

        Assert.Empty(driver.Dispatched);
    }

    [Fact]
    public async Task The_wake_mark_says_what_the_state_owes()
    {
        var driver = new KernelDriver().Start();
        var due = driver.Now.AddMinutes(5);
        driver.Submit(1, new CounterCommand.SetTimer("a", due.AddHours(1)));
        driver.Submit(2, new CounterCommand.SetTimer("b", due));
        driver.Submit(3, new CounterCommand.StartWork("w"));

        var wakes = await driver.Journal.ListWakesAsync("counter", default);
        Assert.Equal([new WakeEntry(KernelDriver.Id, new WakeMark(due, OwesEffects: true))], wakes);
    }

    [Fact]
    public void It_passivates_when_idle_but_not_while_it_owes_effects()
    {
        var driver = new KernelDriver().Start();
        driver.Submit(1, new CounterCommand.StartWork("a"));
        driver.Drive(new EntityInput<CounterCommand>.IdleTimedOut());
        Assert.Equal(EntityPhase.Ready, driver.Kernel.Phase);

        driver.Submit(2, new CounterCommand.RecordWorkDone("a"));
        driver.Drive(new EntityInput<CounterCommand>.IdleTimedOut());
        Assert.Equal(EntityPhase.Passivated, driver.Kernel.Phase);
    }

    [Fact]
    public void A_killed_process_answers_the_repeated_command_from_the_stream()
    {
        var driver = new KernelDriver().Start();
        driver.Faults.Enqueue(AppendFault.KilledAfterWrite);

        Assert.Null(driver.Submit(1, new CounterCommand.AddTwice(5)));
        Assert.Equal(new CommandReply.Accepted(2), driver.Submit(1, new CounterCommand.AddTwice(5)));
        Assert.Equal(2, driver.Stream.Count);
    }
}
