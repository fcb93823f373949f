using FsCheck.Fluent;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Tests.ActorSystem.Journaling;
using ReplicationEngine.Tests.TestKit.Counters;
using ReplicationEngine.Tests.TestKit.Properties;
using Xunit;

namespace ReplicationEngine.Tests.ActorSystem.Hosting;

/// <summary>
/// Whatever the journal does to each write, and in whatever order commands come and come again, an entity keeps its
/// word: this holds for the actor, Akka.Persistence and the core together.
/// </summary>
public sealed class Commands_over_a_faulty_journal : EngineTestKit
{
    private const int Runs = 60;
    private const int MostCommands = 20;
    private const int Ids = 8;

    private int _entities;

    [Fact, Trait("Req", "I18"), Trait("Req", "I19")]
    public void Every_answer_that_was_given_is_what_the_journal_holds()
    {
        var outcomes = Gen.Frequency(
            (3, Gen.Constant(WriteOutcome.Stored)), (2, Gen.Constant(WriteOutcome.FailedBefore)),
            (2, Gen.Constant(WriteOutcome.FailedAfter)), (1, Gen.Constant(WriteOutcome.Rejected)));
        var steps = Gen.Choose(1, Ids).SelectMany(id => outcomes.SelectMany(outcome =>
            Gen.Elements(true, false).Select(waits => new Step(id, outcome, waits))));
        Laws.Hold(Runs, Prop.ForAll(Laws.Sequences(steps, MostCommands), given =>
        {
            // The runner is synchronous; the pool's threads know no actor as their own.
            var entity = $"e{Interlocked.Increment(ref _entities)}";
            Task.Run(() => KeepsItsWordAsync(entity, given.Items)).WaitAsync(TimeSpan.FromSeconds(300))
                .GetAwaiter().GetResult();
        }));
    }

    /// <summary>What a command of this number asks; the third kind is refused once anything was added.</summary>
    private static CounterCommand CommandOf(int number) => (number % 3) switch
    {
        0 => new CounterCommand.Add(number),
        1 => new CounterCommand.AddTwice(number),
        _ => new CounterCommand.AddOnce(number),
    };

    private async Task KeepsItsWordAsync(string entity, IReadOnlyList<Step> steps)
    {
        await Journal.OnWrite.SetInterceptorAsync(
            new Outcomes(Store, JournalActor, steps.Select(step => step.Write)));
        var asked = new List<(int Number, Task<object> Answer)>();
        foreach (var step in steps)
        {
            asked.Add((step.Number, Region.AskOnceAsync(
                IdOf(entity), Told(step.Number, CommandOf(step.Number)), TimeSpan.FromSeconds(60),
                default).AsTask()));
            if (step.Waits)
            {
                await asked[^1].Answer;
            }
        }

        var answers = new List<(int Number, object Answer)>();
        foreach (var (number, answer) in asked)
        {
            answers.Add((number, await answer));
        }

        // In the end everybody who has no certain answer asks once more.
        foreach (var number in steps.Select(step => step.Number).Distinct())
        {
            answers.Add((number, await AskAsync(entity, number, CommandOf(number))));
        }

        Check(await RecordsAsync(entity), answers);
        var state = await StateAsync(entity);
        Assert.Equal((await RecordsAsync(entity)).Count, state.Sequence);
    }

    private static void Check(
        IReadOnlyList<StoredEvent> records, IReadOnlyList<(int Number, object Answer)> answers)
    {
        Assert.Equal(Enumerable.Range(1, records.Count).Select(i => (long)i), records.Select(r => r.Sequence));
        EventChain.Verify(IdOf("any"), StreamHead.Start, records);
        var places = records.Where(record => record.EndsCommand)
            .ToLookup(record => record.CommandId, record => record.Sequence);
        foreach (var (number, answer) in answers)
        {
            var stored = places[Command(number)];
            switch (answer)
            {
                case CommandReply.Accepted accepted:
                    Assert.Equal([accepted.Sequence], stored);
                    break;
                case CommandReply.Refused:
                    Assert.Empty(stored);
                    break;
                default:
                    Assert.True(
                        answer is NotDelivered or CommandReply.Unavailable
                        {
                            Reason: UnavailableReason.JournalUnavailable,
                        },
                        $"{answer}");
                    Assert.InRange(stored.Count(), 0, 1);
                    break;
            }
        }

        Assert.Equal(
            records.Count,
            answers.Where(one => one.Answer is CommandReply.Accepted).Select(one => one.Number).Distinct()
                .Sum(number => CommandOf(number) is CounterCommand.AddTwice ? 2 : 1));
    }

    /// <summary>A command is sent, and some write that is still to come gets this outcome.</summary>
    private sealed record Step(int Number, WriteOutcome Write, bool Waits);
}
