using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Tests.TestKit.ProtectedVms;
using Xunit;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Tests.Engine.ProtectedVms;

public sealed class A_change_of_the_recovery_point
{
    [Fact]
    [Trait("Req", "FOV-4")]
    public void Is_possible_until_the_commit_drops_the_other_points()
    {
        var story = Stories.CommitPending();
        var other = story.State.Points[0].Point;
        story.Do(new ChangeRecoveryPoint(new PointChoice.Specific(other.Id)));
        story.Succeed(EffectKind.SwitchRecoveredPoint,
            new EffectResult.FailoverReady(other, TimeSpan.FromMinutes(9), 2));
        Assert.Equal(other.Id, Assert.IsType<Phase.CommitPending>(story.State.Phase).Recovery.Point);
        story.Refused<ProtectedVmRefusal.SamePoint>(new ChangeRecoveryPoint(new PointChoice.Specific(other.Id)));

        story.Do(new Commit());
        story.Succeed(EffectKind.CommitFailover);

        Assert.Equal([other.Id], story.State.Points.Select(kept => kept.Id));
        story.Refused<ProtectedVmRefusal.WrongPhase>(
            new ChangeRecoveryPoint(new PointChoice.Specific(Story.Point(2, default).Id)));
    }

    [Fact]
    [Trait("Req", "FOV-4")]
    public void Loses_what_the_recovered_machine_wrote_only_with_consent()
    {
        var story = Stories.CommitPending();
        var change = new ChangeRecoveryPoint(new PointChoice.Specific(story.State.Points[0].Id))
        {
            TargetWrittenBytes = 4096,
        };
        var refusal = story.Refused<ProtectedVmRefusal.TargetHasWrites>(change);
        Assert.Equal(
            "The recovered machine has written 4096 bytes since the failover, and a change of its recovery point "
                + "would lose them; commit to keep them, or change the point with --discard.",
            refusal.Message);

        var started = (RecoveryPointChangeStarted)story.Do(change with { Discard = true })[0];

        Assert.Equal(4096, started.DiscardedBytes);
    }

    [Fact]
    [Trait("Req", "FOV-4")]
    public void Leads_to_the_latest_usable_point_or_says_that_the_machine_stands_there()
    {
        var story = Stories.CommitPending();
        var standsOn = ((Phase.CommitPending)story.State.Phase).Recovery.Point;
        Assert.Equal(standsOn, story.State.Points[^1].Id);
        var same = story.Refused<ProtectedVmRefusal.SamePoint>(new ChangeRecoveryPoint(new PointChoice.Latest()));
        Assert.Contains($"already uses recovery point {standsOn}", same.Message, StringComparison.Ordinal);

        story.Do(new RecordRecoveryPointUnusable(standsOn, "Segment 3 fails its checksum."));
        var started = (RecoveryPointChangeStarted)story.Do(new ChangeRecoveryPoint(new PointChoice.Latest()))[0];

        Assert.Equal(Story.Point(3, default).Id, started.Point);
    }

    [Fact]
    [Trait("Req", "FOV-4")]
    public void Says_so_when_no_other_point_is_usable()
    {
        var story = Stories.CommitPending();
        foreach (var kept in story.State.Points.RemoveAll(kept => kept == story.State.Points[^1]))
        {
            story.Do(new RecordRecoveryPointUnusable(kept.Id, "Segment 3 fails its checksum."));
        }

        story.Refused<ProtectedVmRefusal.NoOtherPoint>(new ChangeRecoveryPoint(new PointChoice.Latest()));
    }

    [Fact]
    [Trait("Req", "FOV-4")]
    public void Leaves_the_machine_on_its_point_when_it_fails()
    {
        var story = Stories.ChangingPoint();
        var recovery = ((Phase.ChangingPoint)story.State.Phase).Recovery;

        story.Fail(EffectKind.SwitchRecoveredPoint, Stories.Fatal);

        Assert.Equal(new Phase.CommitPending(recovery), story.State.Phase);
        Assert.Contains(ProtectedVmHealth.Of(story.State).Causes, cause => cause.Kind == HealthKind.OperationFailed);
    }
}
