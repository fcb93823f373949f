using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Tests.TestKit.Counters;

namespace ReplicationEngine.Tests.Actors.Entities;

public sealed class Entity_core_that_recovers
{
    private static readonly EntityCoreOptions s_often = new() { SnapshotEvery = 4 };

    [Fact, Trait("Req", "I17")]
    public void Snapshot_and_tail_give_the_state_of_the_whole_stream()
    {
        var driver = new CoreDriver(s_often).Start();
        for (var i = 1; i <= 10; i++)
        {
            driver.Submit(i, new CounterCommand.Add(i));
        }

        Assert.Equal(
            [4L, 8L], driver.Told<CoreOutput.SaveSnapshot>().Select(o => o.Snapshot.Head.Sequence));
        driver.Restart();

        Assert.Equal(55, driver.Core.State.Total);
        Assert.Equal(8, driver.ReadAfter[^1]);
    }

    [Fact]
    public void A_snapshot_of_another_version_is_not_read()
    {
        var driver = new CoreDriver(s_often).Start();
        for (var i = 1; i <= 5; i++)
        {
            driver.Submit(i, new CounterCommand.Add(i));
        }

        driver.Codec = new CounterCodec { SnapshotVersion = 2 };
        driver.Restart();

        AssertIgnored(driver);
    }

    [Fact, Trait("Req", "I7")]
    public void A_damaged_snapshot_is_not_read()
    {
        var driver = new CoreDriver(s_often).Start();
        for (var i = 1; i <= 5; i++)
        {
            driver.Submit(i, new CounterCommand.Add(i));
        }

        driver.Journal.FlipSnapshotBit();
        driver.Restart();

        AssertIgnored(driver);
    }

    [Fact, Trait("Req", "I7")]
    public void A_snapshot_whose_record_cannot_be_read_is_not_missed()
    {
        var driver = new CoreDriver(s_often).Start();
        for (var i = 1; i <= 5; i++)
        {
            driver.Submit(i, new CounterCommand.Add(i));
        }

        driver.Journal.SnapshotDamage = "is cut off";
        driver.Restart();

        AssertIgnored(driver);
        Assert.Equal("is cut off", driver.Told<CoreOutput.SnapshotIgnored>().Single().Reason);
    }

    [Fact, Trait("Req", "I7")]
    public void A_snapshot_that_cannot_be_decoded_is_not_read()
    {
        var driver = new CoreDriver(s_often).Start();
        for (var i = 1; i <= 5; i++)
        {
            driver.Submit(i, new CounterCommand.Add(i));
        }

        var whole = driver.Journal.Snapshot!;
        driver.Journal.Snapshot = EntitySnapshot.Create(
            whole.Version, whole.Head, whole.DecidedAt, [(byte)'?'], whole.Commands, whole.CoversStream);
        driver.Restart();

        AssertIgnored(driver);
    }

    [Fact, Trait("Req", "I19")]
    public void A_snapshot_brings_the_commands_before_it_along()
    {
        var driver = new CoreDriver(s_often).Start();
        for (var i = 1; i <= 5; i++)
        {
            driver.Submit(i, new CounterCommand.Add(i), $"add {i}");
        }

        driver.Restart();
        driver.Outputs.Clear();

        Assert.Equal(new CommandReply.Accepted(2), driver.Submit(2, new CounterCommand.Add(2), "add 2"));
        Assert.Equal(new CommandReply.Accepted(5), driver.Submit(5, new CounterCommand.Add(5), "add 5"));
        Assert.Equal(
            new CommandReply.Refused(new CommandIdReused(CoreDriver.Command(2))),
            driver.Submit(2, new CounterCommand.Add(9), "add 9"));
        Assert.Equal(new CommandReply.Accepted(5), driver.Submit(6, new CounterCommand.Add(0), "add 0"));
        Assert.All(driver.Outputs, output => Assert.IsType<CoreOutput.Reply>(output));
    }

    [Fact, Trait("Req", "I19")]
    public void A_snapshot_says_whether_older_commands_are_known_to_the_journal_alone()
    {
        var driver = new CoreDriver(s_often with { RememberedCommands = 2 }).Start();
        for (var i = 1; i <= 4; i++)
        {
            driver.Submit(i, new CounterCommand.AddOnce(1));
            driver.Submit(10 + i, new CounterCommand.Add(1));
        }

        driver.Restart();

        Assert.Equal(new CommandReply.Accepted(1), driver.Submit(1, new CounterCommand.AddOnce(1)));
        Assert.Equal(CoreDriver.Command(1), driver.Told<CoreOutput.FindCommand>().Last().CommandId);
    }

    [Fact]
    public void The_wake_mark_says_what_the_state_owes()
    {
        var driver = new CoreDriver().Start();
        var due = driver.Now.AddMinutes(5);
        driver.Submit(1, new CounterCommand.Add(1));
        driver.Submit(2, new CounterCommand.SetTimer("a", due.AddHours(1)));
        driver.Submit(3, new CounterCommand.SetTimer("b", due));
        driver.Submit(4, new CounterCommand.StartWork("w"));
        driver.Advance(TimeSpan.FromMinutes(5));
        driver.Submit(5, new CounterCommand.RecordWorkDone("w"));

        Assert.Equal(
            [
                WakeMark.None, new(due.AddHours(1), OwesEffects: false), new(due, OwesEffects: false),
                new(due, OwesEffects: true), new(due.AddHours(1), OwesEffects: true),
                new(due.AddHours(1), OwesEffects: false),
            ],
            driver.Stream.Select(stored => stored.Command!.Wake));
    }

    [Fact]
    public void It_passivates_when_idle_but_not_while_it_owes_effects()
    {
        var driver = new CoreDriver().Start();
        driver.Submit(1, new CounterCommand.StartWork("a"));
        driver.Drive(new CoreInput<CounterCommand>.Idle());
        Assert.Equal(EntityPhase.Ready, driver.Core.Phase);

        driver.Submit(2, new CounterCommand.RecordWorkDone("a"));
        driver.Drive(new CoreInput<CounterCommand>.Idle());
        Assert.Equal(EntityPhase.Ended, driver.Core.Phase);
    }

    [Fact]
    public void A_killed_process_answers_the_repeated_command_from_the_stream()
    {
        var driver = new CoreDriver().Start();
        driver.Faults.Enqueue(PersistFault.KilledAfterWrite);

        Assert.Null(driver.Submit(1, new CounterCommand.AddTwice(5)));
        Assert.Equal(new CommandReply.Accepted(2), driver.Submit(1, new CounterCommand.AddTwice(5)));
        Assert.Equal(2, driver.Stream.Count);
    }

    // The whole stream is read in its place, at once, and gives the same state; and then a snapshot is usable again.
    private static void AssertIgnored(CoreDriver driver)
    {
        Assert.Single(driver.Told<CoreOutput.SnapshotIgnored>());
        Assert.Equal(new CoreOutput.Restart(null), Assert.Single(driver.Told<CoreOutput.Restart>()));
        Assert.Equal([0, 4, 0], driver.ReadAfter);
        Assert.Equal((EntityPhase.Ready, 15L), (driver.Core.Phase, driver.Core.State.Total));
        Assert.Equal(5, driver.Told<CoreOutput.SaveSnapshot>().Last().Snapshot.Head.Sequence);
        Assert.False(driver.Memory.ReadsWholeStream);
        driver.Restart();
        Assert.Equal((5L, 15L), (driver.ReadAfter[^1], driver.Core.State.Total));
    }
}
