using FsCheck.Fluent;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Tests.TestKit.Counters;
using ReplicationEngine.Tests.TestKit.Properties;

namespace ReplicationEngine.Tests.Actors.Entities;

public sealed class Laws_of_the_entity_core
{
    private static readonly EntityCoreOptions s_tight = new() { SnapshotEvery = 5, RememberedCommands = 3 };

    private static readonly PersistFault[] s_faults =
    [
        PersistFault.None, PersistFault.None, PersistFault.UnknownAndLost, PersistFault.UnknownButWritten,
        PersistFault.Overtaken, PersistFault.Full, PersistFault.KilledAfterWrite,
    ];

    private static readonly Interruption[] s_interruptions =
    [
        Interruption.None, Interruption.None, Interruption.None, Interruption.None, Interruption.None,
        Interruption.None, Interruption.None, Interruption.Crash, Interruption.Passivation, Interruption.Exception,
    ];

    [Fact, Trait("Req", "I19"), Trait("Req", "I18")]
    public void A_command_has_one_effect_and_one_answer_however_it_is_delivered_and_whatever_goes_wrong()
    {
        var delivery =
            from command in Gen.Choose(1, 8)
            from first in Gen.Elements(s_faults)
            from second in Gen.Elements(s_faults)
            from before in Gen.Elements(s_interruptions)
            select new Delivery(command, first, second, before);
        Laws.Hold(300, Prop.ForAll(Laws.Sequences(delivery), deliveries => HoldsFor(deliveries.Items)));
    }

    [Fact, Trait("Req", "I17")]
    public void The_same_inputs_give_the_same_outputs()
    {
        var delivery =
            from command in Gen.Choose(1, 8)
            from first in Gen.Elements(s_faults)
            from second in Gen.Elements(s_faults)
            select new Delivery(command, first, second, Interruption.None);
        Laws.Hold(100, Prop.ForAll(Laws.Sequences(delivery), deliveries =>
            Trace(deliveries.Items).SequenceEqual(Trace(deliveries.Items))));
    }

    private static bool HoldsFor(IReadOnlyList<Delivery> deliveries)
    {
        var driver = new CoreDriver(s_tight).Start();
        var answers = new Dictionary<int, CommandReply>();
        foreach (var delivery in deliveries)
        {
            var reply = Deliver(driver, delivery);
            if (reply is CommandReply.Accepted && !answers.TryAdd(delivery.Command, reply))
            {
                Assert.Equal(answers[delivery.Command], reply);
            }
        }

        var own = driver.Stream.Where(stored => stored.Actor == "tester").ToList();
        foreach (var (command, reply) in answers)
        {
            var events = own.Where(stored => stored.CommandId == CoreDriver.Command(command)).ToList();
            Assert.Equal(EventsOf(command), events.Count);
            Assert.Equal(((CommandReply.Accepted)reply).Sequence, events[^1].Sequence);
        }

        Assert.All(own.GroupBy(stored => stored.CommandId), group => Assert.InRange(group.Count(), 1, 2));
        driver.Restart();
        var total = driver.Stream.Sum(stored => long.Parse(
            System.Text.Encoding.UTF8.GetString(stored.Payload), System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(total, driver.Core.State.Total);
        return true;
    }

    private static List<string> Trace(IReadOnlyList<Delivery> deliveries)
    {
        var driver = new CoreDriver(s_tight).Start();
        foreach (var delivery in deliveries)
        {
            Deliver(driver, delivery);
        }

        return [.. driver.Outputs.Select(output => output switch
        {
            CoreOutput.Persist persist => $"persist up to {persist.Events[^1].Head}",
            CoreOutput.SaveSnapshot save => $"save {save.Snapshot.Checksum}",
            _ => $"{output}",
        })];
    }

    private static CommandReply? Deliver(CoreDriver driver, Delivery delivery)
    {
        driver.Faults.Clear();
        driver.Faults.Enqueue(delivery.First);
        driver.Faults.Enqueue(delivery.Second);
        switch (delivery.Before)
        {
            case Interruption.Crash:
                driver.Restart();
                break;
            case Interruption.Passivation:
                Assert.True(driver.Passivate());
                break;
            case Interruption.Exception:
                driver.Now += TimeSpan.FromMinutes(1);
                driver.Submit(driver.Outputs.Count + 100, new CounterCommand.Explode());
                break;
        }

        return driver.Submit(delivery.Command, EventsOf(delivery.Command) == 2
            ? new CounterCommand.AddTwice(delivery.Command)
            : new CounterCommand.Add(delivery.Command));
    }

    private static int EventsOf(int command) => command % 2 == 0 ? 2 : 1;

    private sealed record Delivery(int Command, PersistFault First, PersistFault Second, Interruption Before);

    private enum Interruption
    {
        None,
        Crash,
        Passivation,
        Exception,
    }
}
