using System.Collections.Immutable;
using FsCheck.Fluent;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Tests.TestKit.Properties;
using Xunit;

namespace ReplicationEngine.Tests.Engine.ProtectedVms;

public sealed class The_origins_of_events
{
    [Fact]
    [Trait("Req", "I17")]
    public void Of_every_decision_are_among_the_candidates() => Laws.Hold(
        120, Prop.ForAll(Laws.Sequences(Gen.Choose(0, 1_000_000), 250), life =>
        {
            var (story, tried) = (new Story(), 0);
            foreach (var number in life.Items)
            {
                var before = story.State;
                var count = story.Events.Count;
                var command = RandomLife.Command(story.After(TimeSpan.FromSeconds(number % 400)), number);
                story.Try(command);
                tried++;
                var events = story.Events.Skip(count).ToImmutableArray();
                Assert.True(
                    events.IsEmpty || IsExplained(before, events, story.Now, tried, Story.User),
                    $"{command} in {before.Phase} led to {string.Join(", ", events)}, and nobody knows how.");
            }
        }));

    [Fact]
    [Trait("Req", "I17")]
    public void Of_events_with_another_time_actor_or_order_are_not()
    {
        var story = new Story();
        var before = story.State;
        var events = story.Do(Story.Enabling());

        Assert.True(IsExplained(before, events, story.Now, 1, Story.User));
        Assert.False(IsExplained(before, events, story.Now.AddTicks(1), 1, Story.User));
        Assert.False(IsExplained(before, events, story.Now, 1, "mallory"));
        Assert.False(IsExplained(before, [.. events, .. events], story.Now, 1, Story.User));
        Assert.False(IsExplained(story.State, events, story.Now, 1, Story.User));
    }

    private static bool IsExplained(
        ProtectedVmState before, ImmutableArray<ProtectedVmEvent> events, DateTimeOffset now, int number, string actor)
    {
        var context = new DecisionContext(now, new CommandId(Story.Numbered(number)), actor)
        {
            Steady = Story.Steady(now),
        };
        return ProtectedVmOrigins.Of(before, events).Any(command =>
            ProtectedVm.Decide(before, command, context) is Decision<ProtectedVmEvent>.Accepted accepted
            && accepted.Events.Select(ProtectedVmOrigins.WithoutWords)
                .SequenceEqual(events.Select(ProtectedVmOrigins.WithoutWords)));
    }
}
