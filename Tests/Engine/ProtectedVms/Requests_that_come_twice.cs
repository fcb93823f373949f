using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Tests.TestKit.ProtectedVms;
using Xunit;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Tests.Engine.ProtectedVms;

/// <summary>A user's request is known by its id and its digest, as long as the state remembers it.</summary>
[Trait("Req", "I19")]
public sealed class Requests_that_come_twice
{
    private readonly Story _story = Stories.Protected();

    [Fact]
    public void Are_recorded_before_what_they_lead_to()
    {
        var context = _story.Context() with { Digest = "pause" };

        var events = Events(ProtectedVm.Decide(_story.State, new Pause(), context));

        Assert.Equal(
            [
                new CommandAccepted(_story.Now, Story.User, context.CommandId, "pause"),
                new ReplicationPaused(_story.Now, Story.User),
            ],
            events);
    }

    [Fact]
    public void Change_nothing_the_second_time_and_are_refused_when_they_are_others()
    {
        var context = _story.Context() with { Digest = "pause" };
        var state = Events(ProtectedVm.Decide(_story.State, new Pause(), context))
            .Aggregate(_story.State, ProtectedVm.Evolve);

        Assert.Empty(Events(ProtectedVm.Decide(state, new Pause(), context)));
        var refused = Assert.IsType<Decision<ProtectedVmEvent>.Refused>(
            ProtectedVm.Decide(state, new Resume(), context with { Digest = "resume" }));
        Assert.Equal("command-id-reused", refused.Refusal.Code);
        Assert.NotEmpty(Events(ProtectedVm.Decide(state, new Resume(), _story.Context() with { Digest = "resume" })));
    }

    [Fact]
    public void That_change_nothing_or_are_refused_are_not_recorded()
    {
        var context = _story.Context() with { Digest = "again" };

        Assert.Empty(Events(ProtectedVm.Decide(
            _story.State, new UpdatePolicy(_story.State.Enrollment.Policy), context)));
        Assert.IsType<Decision<ProtectedVmEvent>.Refused>(ProtectedVm.Decide(_story.State, new Resume(), context));
    }

    [Fact]
    public void Are_remembered_up_to_a_number()
    {
        var state = _story.State;
        for (var i = 0; i < 200; i++)
        {
            var context = _story.Context() with { Digest = "policy" };
            var policy = state.Enrollment.Policy with { Retention = TimeSpan.FromHours(1 + i) };
            state = Events(ProtectedVm.Decide(state, new UpdatePolicy(policy), context))
                .Aggregate(state, ProtectedVm.Evolve);
        }

        Assert.Equal(64, state.Accepted.Count);
    }

    private static IEnumerable<ProtectedVmEvent> Events(Decision<ProtectedVmEvent> decision) =>
        Assert.IsType<Decision<ProtectedVmEvent>.Accepted>(decision).Events;
}
