using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using Xunit;

namespace ReplicationEngine.Tests.Engine.ProtectedVms;

public sealed class In_every_life_of_a_protected_vm
{
    private static readonly Arbitrary<int[]> Lives =
        Gen.Choose(0, 1_000_000).ArrayOf(150).ToArbitrary();

    [Fact]
    [Trait("Req", "I17")]
    public void Decide_never_throws_and_what_it_decides_folds_and_keeps_the_invariants() => Always(story =>
    {
        // Story.Try folds, checks the invariants, and compares React with what Outstanding gained.
        return _ => { };
    });

    [Fact]
    [Trait("Req", "I19")]
    public void A_fact_told_again_changes_nothing() => Always(story => command =>
    {
        if (command is ProtectedVmCommand.TimerDue
            || command.GetType().Name.StartsWith("Record", StringComparison.Ordinal))
        {
            var again = ProtectedVm.Decide(story.State, command, story.Context());
            Assert.True(
                again is Decision<ProtectedVmEvent>.Accepted { Events.IsEmpty: true }
                    or Decision<ProtectedVmEvent>.Refused,
                $"{command} told again gave {again}");
        }
    });

    [Fact]
    public void Folding_the_events_again_gives_the_same_state() => Always(
        story => _ => { },
        story => Assert.Equal(story.State, story.Events.Aggregate(ProtectedVm.Initial, ProtectedVm.Evolve)));

    [Fact]
    [Trait("Req", "FOV-8")]
    public void Terms_only_rise_and_each_new_writable_side_has_a_new_one() => Always(story =>
    {
        var (term, side) = (story.State.Term, WritablePrimary.Of(story.State.Phase));
        return _ =>
        {
            var (newTerm, newSide) = (story.State.Term, WritablePrimary.Of(story.State.Phase));
            Assert.True(newTerm.CompareTo(term) >= 0);
            if (newSide != PrimarySide.None && story.State.Phase is not (Phase.FailingOver or Phase.FailingBack))
            {
                Assert.True(newSide == side || newTerm.CompareTo(term) > 0,
                    $"{side} and {newSide} both hold term {term}");
                (term, side) = (newTerm, newSide);
            }
        };
    });

    [Fact]
    public void A_timer_that_was_told_of_is_no_longer_armed_as_it_was() => Always(story => command =>
    {
        if (command is ProtectedVmCommand.TimerDue due)
        {
            Assert.DoesNotContain(new DurableTimer(due.Name, due.DueAt), ProtectedVm.Timers(story.State));
        }
    });

    [Fact]
    public void An_operation_on_offer_is_never_refused_for_its_phase() => Always(story => _ =>
    {
        foreach (var operation in ProtectedVmOperations.Offered(story.State))
        {
            Assert.Null(ProtectedVmOperations.Check(story.State, operation));
        }

        Assert.Equal(HealthLevelOf(story.State), ProtectedVmHealth.Of(story.State).Level);
    });

    [Fact]
    public void Random_lives_reach_every_phase()
    {
        var seen = new HashSet<Type>();
        var random = new Random(7);
        for (var life = 0; life < 150; life++)
        {
            var story = new Story();
            for (var step = 0; step < 400; step++)
            {
                story.Try(RandomLife.Command(story, random.Next()));
                seen.Add(story.State.Phase.GetType());
            }
        }

        Assert.Empty(typeof(Phase).GetNestedTypes().Except(seen));
    }

    private static ReplicationEngine.Engine.Health.HealthLevel HealthLevelOf(ProtectedVmState state) =>
        ProtectedVmHealth.Of(state).Causes.Select(cause => cause.Level).DefaultIfEmpty().Max();

    private static void Always(Func<Story, Action<ProtectedVmCommand>> eachStep, Action<Story>? atTheEnd = null) =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(150).WithQuietOnSuccess(true),
            Prop.ForAll(Lives, life =>
            {
                var story = new Story();
                var check = eachStep(story);
                foreach (var number in life)
                {
                    story.After(TimeSpan.FromSeconds(number % 400));
                    var command = RandomLife.Command(story, number);
                    story.Try(command);
                    check(command);
                }

                atTheEnd?.Invoke(story);
            }));
}
