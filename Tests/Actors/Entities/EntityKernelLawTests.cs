using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Tests.Actors.Counters;

namespace ReplicationEngine.Tests.Actors.Entities;

public sealed class EntityKernelLawTests
{
    private static readonly EntityKernelOptions s_tight = new() { SnapshotEvery = 5, RememberedCommands = 3 };

    private static readonly AppendFault[] s_faults =
    [
        AppendFault.None, AppendFault.None, AppendFault.UnknownAndLost, AppendFault.UnknownButWritten,
        AppendFault.Overtaken, AppendFault.Full, AppendFault.KilledAfterWrite,
    ];

    [Fact, Trait("Req", "I19"), Trait("Req", "I18")]
    public void A_command_has_one_effect_and_one_answer_however_it_is_delivered_and_whatever_goes_wrong()
    {
        var delivery =
            from command in Gen.Choose(1, 8)
            from first in Gen.Elements(s_faults)
            from second in Gen.Elements(s_faults)
            from restart in Gen.Choose(0, 9)
            select new Delivery(command, first, second, restart == 0);
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(300),
            Prop.ForAll(delivery.ListOf().ToArbitrary(), deliveries => HoldsFor([.. deliveries])));
    }

    [Fact, Trait("Req", "I17")]
    public void The_same_inputs_give_the_same_outputs()
    {
        var delivery =
            from command in Gen.Choose(1, 8)
            from first in Gen.Elements(s_faults)
            from second in Gen.Elements(s_faults)
            select new Delivery(command, first, second, Restart: false);
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(100),
            Prop.ForAll(delivery.ListOf().ToArbitrary(), deliveries =>
                Trace([.. deliveries]).SequenceEqual(Trace([.. deliveries]))));
    }

    private static bool HoldsFor(IReadOnlyList<Delivery> deliveries)
    {
        var driver = new KernelDriver(s_tight).Start();
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
            var events = own.Where(stored => stored.CommandId == KernelDriver.Command(command)).ToList();
            Assert.Equal(EventsOf(command), events.Count);
            Assert.Equal(((CommandReply.Accepted)reply).Sequence, events[^1].Sequence);
        }

        Assert.All(own.GroupBy(stored => stored.CommandId), group => Assert.InRange(group.Count(), 1, 2));
        driver.Restart();
        var total = driver.Stream.Sum(stored => long.Parse(
            System.Text.Encoding.UTF8.GetString(stored.Payload), System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(total, driver.Kernel.State.Total);
        return true;
    }

    private static List<string> Trace(IReadOnlyList<Delivery> deliveries)
    {
        var driver = new KernelDriver(s_tight).Start();
        foreach (var delivery in deliveries)
        {
            Deliver(driver, delivery);
        }

        return [.. driver.Outputs.Select(output => output is EntityOutput.Append append
            ? $"append {append.Request.NewHead}" : $"{output.GetType().Name}")];
    }

    private static CommandReply? Deliver(KernelDriver driver, Delivery delivery)
    {
        driver.Faults.Clear();
        driver.Faults.Enqueue(delivery.First);
        driver.Faults.Enqueue(delivery.Second);
        if (delivery.Restart)
        {
            driver.Restart();
        }

        return driver.Submit(delivery.Command, EventsOf(delivery.Command) == 2
            ? new CounterCommand.AddTwice(delivery.Command)
            : new CounterCommand.Add(delivery.Command));
    }

    private static int EventsOf(int command) => command % 2 == 0 ? 2 : 1;

    private sealed record Delivery(int Command, AppendFault First, AppendFault Second, bool Restart);
}
