using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Tests.TestKit.ProtectedVms;
using Xunit;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Tests.Engine.ProtectedVms;

public sealed class A_held_recovery_point
{
    private static readonly RecoveryPoint Oldest = Story.Point(1, Story.Monday);

    [Fact]
    [Trait("Req", "RCP-4")]
    [Trait("Req", "I25")]
    public void Outlives_retention_and_a_policy_that_keeps_only_the_newest()
    {
        var story = Stories.Protected();
        var held = Assert.IsType<RecoveryPointHeld>(Assert.Single(story.Do(new HoldRecoveryPoint(Oldest.Id))));
        Assert.Equal(new PointHold(Story.User, held.At), story.State.Points[0].Hold);

        SealHourly(story, 60);
        Assert.Equal(Oldest.Id, story.State.Points[0].Id);
        Assert.DoesNotContain(story.State.Points, kept => kept.Id == Story.Point(2, default).Id);
        story.Do(new UpdatePolicy(ReplicationPolicy.Default with { Retention = TimeSpan.Zero }));

        Assert.Equal(
            [Oldest.Id, Story.Point(159, default).Id], story.State.Points.Select(kept => kept.Id));
    }

    [Fact]
    [Trait("Req", "RCP-4")]
    public void Changes_the_fate_of_no_other_point()
    {
        var (held, free) = (Stories.Protected(), Stories.Protected());
        SealHourly(held, 10);
        SealHourly(free, 10);
        var point = held.State.Points[6].Id;
        held.Do(new HoldRecoveryPoint(point));
        foreach (var story in (Story[])[held, free])
        {
            SealHourly(story, 50);
            story.Do(new UpdatePolicy(ReplicationPolicy.Default with { Retention = TimeSpan.FromHours(20) }));
        }

        Assert.DoesNotContain(free.State.Points, kept => kept.Id == point);
        Assert.Equal(
            free.State.Points, held.State.Points.RemoveAll(kept => kept.Id == point));
    }

    [Fact]
    public void Can_be_an_unusable_one_which_is_kept_as_evidence()
    {
        var story = Stories.Protected();
        story.Do(new RecordRecoveryPointUnusable(Oldest.Id, "Segment 3 fails its checksum."));
        story.Do(new HoldRecoveryPoint(Oldest.Id));

        SealHourly(story, 40);

        Assert.Equal("Segment 3 fails its checksum.", story.State.Points[0].UnusableBecause);
    }

    [Fact]
    public void Must_exist_not_be_held_yet_and_not_be_about_to_be_deleted()
    {
        var story = Stories.Protected();
        story.Refused<ProtectedVmRefusal.UnknownPoint>(new HoldRecoveryPoint(Story.Point(404, default).Id));
        story.Do(new HoldRecoveryPoint(Oldest.Id));
        Assert.Equal(
            $"Recovery point {Oldest.Id} is already held by alice and does not expire; to hold it as another user, "
                + "release it first.",
            story.Refused<ProtectedVmRefusal.AlreadyHeld>(new HoldRecoveryPoint(Oldest.Id)).Message);

        Stories.InitialReplication().Refused<ProtectedVmRefusal.NoUsablePoint>(new HoldRecoveryPoint(Oldest.Id));
        Stories.Committing().Refused<ProtectedVmRefusal.WrongPhase>(new HoldRecoveryPoint(Oldest.Id));
        Stories.Disabling().Refused<ProtectedVmRefusal.WrongPhase>(new HoldRecoveryPoint(Oldest.Id));
    }

    [Fact]
    [Trait("Req", "FOV-4")]
    public void Bars_the_commit_of_another_point_but_not_its_own()
    {
        var story = Stories.CommitPending().With(new HoldRecoveryPoint(Oldest.Id));
        Assert.Equal(
            $"Cannot commit: recovery point {Oldest.Id}, which alice holds, would be deleted; release it with "
                + $"`drctl release-point web-1 {Oldest.Id}`, or switch to it with "
                + $"`drctl change-point web-1 {Oldest.Id}`.",
            story.Refused<ProtectedVmRefusal.PointHeld>(new Commit()).Message);
        Assert.DoesNotContain(Operation.Commit, ProtectedVmOperations.Offered(story.State));

        story.Do(new ChangeRecoveryPoint(new PointChoice.Specific(Oldest.Id)));
        story.Succeed(EffectKind.SwitchRecoveredPoint, new EffectResult.FailoverReady(Oldest, TimeSpan.Zero, 2));
        story.Do(new Commit());
        story.Succeed(EffectKind.CommitFailover);

        Assert.Equal((Oldest.Id, Story.User), (story.State.Points.Single().Id, story.State.Points[0].Hold!.By));
    }

    [Fact]
    [Trait("Req", "ENA-15")]
    public void Bars_the_end_of_protection_unless_the_replica_is_kept()
    {
        var story = Stories.Protected().With(new HoldRecoveryPoint(Oldest.Id));
        Assert.EndsWith(
            $"`drctl release-point web-1 {Oldest.Id}`, or disable with --keep-replica.",
            story.Refused<ProtectedVmRefusal.PointHeld>(new Disable(KeepReplica: false)).Message,
            StringComparison.Ordinal);

        story.Do(new Disable(KeepReplica: true));
        story.Succeed(EffectKind.ReleaseProtection);
        story.Do(Story.Enabling());

        Assert.NotNull(story.State.Points[0].Hold);
        story.Fail(EffectKind.CheckPrerequisites, Stories.Fatal);
        story.Refused<ProtectedVmRefusal.PointHeld>(new Disable(KeepReplica: false));
    }

    [Fact]
    [Trait("Req", "FOV-10")]
    public void Does_not_bar_a_cancel_which_deletes_no_point()
    {
        var story = Stories.CommitPending().With(new HoldRecoveryPoint(Oldest.Id), new CancelFailover(0, false));
        story.Succeed(EffectKind.CancelFailover);

        Assert.IsType<Phase.Protected>(story.State.Phase);
        Assert.NotNull(story.State.Points[0].Hold);
    }

    [Fact]
    [Trait("Req", "FOV-7")]
    public void Is_still_held_after_a_failover_and_the_return_to_the_source()
    {
        var story = Stories.FailbackCommitPending();
        story.Do(new HoldRecoveryPoint(story.State.Points.Single().Id));
        story.Do(new Commit());
        story.Succeed(EffectKind.CommitFailback);
        story.Do(new Reprotect());
        story.Succeed(EffectKind.StartForwardReplication);
        story.Do(new RecordInSync(Direction.ToRecovery, 77));
        var held = story.State.Points.Single();

        for (var hour = 0; hour < 40; hour++)
        {
            story.Do(new RecordRecoveryPointSealed(
                Story.Point(100 + hour, story.After(TimeSpan.FromHours(1)).Now, generation: 2)));
        }

        Assert.Equal(held, story.State.Points[0]);
    }

    [Fact]
    [Trait("Req", "RCP-4")]
    public void Once_released_expires_with_the_next_point_that_is_sealed()
    {
        var story = Stories.Protected(policy: ReplicationPolicy.Default with { Retention = TimeSpan.Zero });
        story.Do(new HoldRecoveryPoint(story.State.Points[^1].Id));
        SealHourly(story, 3);
        var held = story.State.Points[0].Id;

        Assert.Equal(
            new RecoveryPointReleased(story.Now, Story.User, held),
            Assert.Single(story.Do(new ReleaseRecoveryPoint(held))));
        Assert.Equal((2, null), (story.State.Points.Count, story.State.Points[0].Hold));
        SealHourly(story, 1);

        Assert.DoesNotContain(story.State.Points, kept => kept.Id == held);
    }

    [Fact]
    [Trait("Req", "FOV-4")]
    [Trait("Req", "ENA-15")]
    public void Once_released_bars_neither_a_commit_nor_the_end_of_protection()
    {
        ProtectedVmCommand[] once = [new HoldRecoveryPoint(Oldest.Id), new ReleaseRecoveryPoint(Oldest.Id)];

        Assert.IsType<CommitStarted>(Assert.Single(Stories.CommitPending().With(once).Do(new Commit())));
        Assert.IsType<DisableStarted>(Assert.Single(Stories.Protected().With(once).Do(new Disable(false))));
    }

    [Fact]
    public void Is_released_once_by_its_id()
    {
        var story = Stories.Protected();
        Assert.Equal(
            "No recovery point is held, so there is none to release.",
            story.Refused<ProtectedVmRefusal.NotHeld>(new ReleaseRecoveryPoint(Oldest.Id)).Message);

        story.Do(new HoldRecoveryPoint(Oldest.Id));
        story.Refused<ProtectedVmRefusal.UnknownPoint>(new ReleaseRecoveryPoint(Story.Point(404, default).Id));
        var free = story.State.Points[1].Id;
        Assert.Equal(
            $"Recovery point {free} is not held; choose one that `drctl points` shows as held.",
            story.Refused<ProtectedVmRefusal.NotHeld>(new ReleaseRecoveryPoint(free)).Message);
    }

    private static void SealHourly(Story story, int points)
    {
        for (var made = 0; made < points; made++)
        {
            story.Do(new RecordRecoveryPointSealed(Story.Point(
                (int)Math.Max(100, story.State.Points[^1].Point.Lsn.Value + 1),
                story.After(TimeSpan.FromHours(1)).Now)));
        }
    }
}
