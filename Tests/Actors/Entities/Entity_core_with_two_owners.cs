using FsCheck.Fluent;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Tests.TestKit.Counters;
using ReplicationEngine.Tests.TestKit.Properties;

namespace ReplicationEngine.Tests.Actors.Entities;

/// <summary>Two hosts that both take themselves for the owner of one entity, over one journal.</summary>
public sealed class Entity_core_with_two_owners
{
    private static readonly EntityCoreOptions s_tight = new() { SnapshotEvery = 5, RememberedCommands = 3 };

    private static readonly PersistFault[] s_faults =
    [
        PersistFault.None, PersistFault.None, PersistFault.UnknownAndLost, PersistFault.UnknownButWritten,
        PersistFault.Full, PersistFault.KilledAfterWrite,
    ];

    private readonly CoreJournal _journal = new();

    [Fact, Trait("Req", "I15"), Trait("Req", "I18")]
    public void Who_comes_second_stores_nothing_reads_again_and_decides_anew()
    {
        var (first, second) = (Owner(), Owner());
        Assert.Equal(new CommandReply.Accepted(1), first.Send(1, new CounterCommand.AddOnce(5)));

        var reply = Assert.IsType<CommandReply.Unavailable>(second.Send(2, new CounterCommand.AddOnce(7)));
        Assert.Equal(UnavailableReason.JournalUnavailable, reply.Reason);
        Assert.Single(_journal.Events);
        Assert.Equal(new CommandReply.Refused(new LimitReached(5)), second.Send(2, new CounterCommand.AddOnce(7)));
        Assert.Equal(5, second.Core.State.Total);
    }

    [Fact, Trait("Req", "I19")]
    public void A_command_that_reaches_both_has_one_effect_and_one_answer()
    {
        var (first, second) = (Owner(), Owner());
        var reply = first.Submit(1, new CounterCommand.Add(5), "add 5");

        Assert.Equal(reply, second.Submit(1, new CounterCommand.Add(5), "add 5"));
        Assert.Single(_journal.Events);
    }

    [Fact, Trait("Req", "I18")]
    public void A_timer_that_rings_for_both_fires_once()
    {
        var first = Owner();
        first.Submit(1, new CounterCommand.SetTimer("a", first.Now.AddMinutes(5)));
        var second = Owner();
        first.Advance(TimeSpan.FromMinutes(10));
        second.Advance(TimeSpan.FromMinutes(10));

        Assert.Equal(2, _journal.Events.Count);
        Assert.Equal((1, 1), (first.Core.State.Fired, second.Core.State.Fired));
    }

    [Fact, Trait("Req", "I15"), Trait("Req", "I18"), Trait("Req", "I19")]
    public void Two_owners_never_both_append_and_each_command_has_one_effect_and_one_answer() => Laws.Hold(
        300, Prop.ForAll(Laws.Sequences(Delivery.Any, 40), deliveries =>
        {
            var journal = new CoreJournal();
            var owners = new[] { new CoreDriver(s_tight, journal).Start(), new CoreDriver(s_tight, journal).Start() };
            var answers = new Dictionary<int, CommandReply>();
            foreach (var delivery in deliveries.Items)
            {
                if (delivery.To(owners[delivery.Owner]) is CommandReply.Accepted reply
                    && !answers.TryAdd(delivery.Command, reply))
                {
                    Assert.Equal(answers[delivery.Command], reply);
                }
            }

            AssertSound(journal, answers);
            Array.ForEach(owners, owner => owner.Restart());
            Assert.Equal(owners[0].Core.State.Total, owners[1].Core.State.Total);
            Assert.Equal(owners[0].Core.Head, owners[1].Core.Head);
        }));

    private static void AssertSound(CoreJournal journal, Dictionary<int, CommandReply> answers)
    {
        Assert.Equal(journal.Head, EventChain.Verify(CoreDriver.Id, StreamHead.Start, journal.Events));
        foreach (var group in journal.Events.GroupBy(stored => stored.CommandId))
        {
            var last = group.Last();
            Assert.True(last.EndsCommand);
            Assert.Equal(last.Sequence - group.Count() + 1, group.First().Sequence);
        }

        foreach (var (command, reply) in answers)
        {
            var events = journal.Events.Where(stored => stored.CommandId == CoreDriver.Command(command)).ToList();
            Assert.Equal(Delivery.EventsOf(command), events.Count);
            Assert.Equal(new CommandReply.Accepted(events[^1].Sequence), reply);
        }
    }

    private CoreDriver Owner() => new CoreDriver(null, _journal).Start();

    private sealed record Delivery(int Owner, int Command, PersistFault Fault, bool Crash)
    {
        public static FsCheck.Gen<Delivery> Any { get; } =
            from owner in Gen.Choose(0, 1)
            from command in Gen.Choose(1, 12)
            from fault in Gen.Elements(s_faults)
            from crash in Gen.Choose(0, 9)
            select new Delivery(owner, command, fault, crash == 0);

        public static int EventsOf(int command) => command % 2 == 0 ? 2 : 1;

        public CommandReply? To(CoreDriver owner)
        {
            if (Crash)
            {
                owner.Restart();
            }

            owner.Faults.Clear();
            owner.Faults.Enqueue(Fault);
            return owner.Submit(Command, EventsOf(Command) == 2
                ? new CounterCommand.AddTwice(Command) : new CounterCommand.Add(Command));
        }
    }
}
