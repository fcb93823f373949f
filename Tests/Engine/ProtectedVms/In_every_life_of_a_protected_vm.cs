using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Tests.TestKit.Properties;
using ReplicationEngine.Tests.TestKit.ProtectedVms;
using Xunit;
using Xunit.Sdk;

namespace ReplicationEngine.Tests.Engine.ProtectedVms;

public sealed class In_every_life_of_a_protected_vm
{
    private static readonly Arbitrary<int[]> Lives = Laws.Sequences(Gen.Choose(0, 1_000_000), 300)
        .Convert(steps => steps.Items.ToArray(), numbers => new Steps<int>(numbers));

    [Fact]
    [Trait("Req", "I17")]
    public void Decide_never_throws_and_what_it_decides_folds_and_keeps_the_invariants() => Always(story =>
    {
        // Story.Try folds, checks the invariants, and compares what is outstanding before and after each event.
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
        var offered = ProtectedVmOperations.Offered(story.State);
        foreach (var operation in Enum.GetValues<Operation>())
        {
            for (var arguments = 0; arguments < 6; arguments++)
            {
                var command = RandomLife.Of(operation, story, arguments);
                var decision = ProtectedVm.Decide(story.State, command, story.Context());
                if (offered.Contains(operation))
                {
                    Assert.False(
                        decision is Decision<ProtectedVmEvent>.Refused { Refusal: ProtectedVmRefusal.WrongPhase },
                        $"{command} is on offer in {story.State.Phase} and was refused for its phase");
                }
                else
                {
                    Assert.True(
                        decision is Decision<ProtectedVmEvent>.Refused,
                        $"{command} is not on offer in {story.State.Phase} and was accepted");
                }
            }
        }
    });

    [Fact]
    [Trait("Req", "OPS-2")]
    public void Health_is_as_bad_as_its_worst_cause_and_normal_only_where_protection_works_or_is_being_made() =>
        Always(story => _ =>
    {
        var (state, health) = (story.State, ProtectedVmHealth.Of(story.State));
        if (state.Phase is Phase.NotProtected or Phase.Disabled)
        {
            Assert.Equal("none", health.Word);
            return;
        }

        Assert.Equal(health.Causes.Select(cause => cause.Level).DefaultIfEmpty().Max(), health.Level);
        Assert.All(health.Causes, cause => Assert.NotEmpty(cause.Message));
        if (health.Level == HealthLevel.Normal && state.Phase is Phase.Protected or Phase.ProtectedReverse
            or Phase.CommitPending or Phase.FailedOver or Phase.FailbackCommitPending or Phase.FailedBack
            or Phase.EnableFailed)
        {
            Assert.True(Protection.Works(state), $"{state.Phase} with {state.Replication} is told as normal");
        }
    });

    [Fact]
    public void The_time_without_protection_begins_with_the_event_that_ended_it() => Always(story =>
    {
        var since = story.State.UnprotectedSince;
        return _ =>
        {
            var state = story.State;
            Assert.Equal(
                Protection.IsWanted(state.Phase) && !Protection.Works(state), state.UnprotectedSince is not null);
            Assert.True(state.UnprotectedSince is null || since is null || state.UnprotectedSince == since
                || story.Events[^1].At >= since);
            since = state.UnprotectedSince;
        };
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

    [Fact]
    public void A_life_that_breaks_a_law_is_told_as_given_when_then()
    {
        var said = Laws.Fail(150, Law(
            story => _ => Assert.Equal(typeof(Phase.NotProtected), story.State.Phase.GetType()), _ => { }));
        Assert.Matches(
            @"given a VM of which nothing is known\nwhen \d\d:\d\d:\d\d Enable \{[^\n]*\nthen Assert.Equal", said);
    }

    private static void Always(Func<Story, Action<ProtectedVmCommand>> eachStep, Action<Story>? atTheEnd = null) =>
        Laws.Hold(150, Law(eachStep, atTheEnd ?? (_ => { })));

    private static Property Law(Func<Story, Action<ProtectedVmCommand>> eachStep, Action<Story> atTheEnd) =>
        Prop.ForAll(Lives, life =>
        {
            var (story, steps) = (new Story(), new List<string>());
            try
            {
                var check = eachStep(story);
                foreach (var number in life)
                {
                    story.After(TimeSpan.FromSeconds(number % 400));
                    var command = RandomLife.Command(story, number);
                    steps.Add(string.Create(CultureInfo.InvariantCulture, $"{story.Now:HH:mm:ss} {command}"));
                    story.Try(command);
                    check(command);
                }

                atTheEnd(story);
            }
            catch (Exception broken)
            {
                throw new XunitException(
                    $"given a VM of which nothing is known\nwhen {string.Join("\n and ", steps)}\n"
                        + $"then {broken.Message}",
                    broken);
            }
        });
}
