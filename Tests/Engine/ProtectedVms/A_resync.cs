using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Tests.TestKit.ProtectedVms;
using Xunit;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Tests.Engine.ProtectedVms;

public sealed class A_resync
{
    [Theory]
    [Trait("Req", "RES-1")]
    [Trait("Req", "RES-2")]
    [Trait("Req", "RES-3")]
    [Trait("Req", "RES-4")]
    [InlineData(ResyncReason.TransferFailed)]
    [InlineData(ResyncReason.ForcedShutdown)]
    [InlineData(ResyncReason.ConfigurationChanged)]
    [InlineData(ResyncReason.LogHalfOfDisk)]
    public void Is_marked_for_the_evening_during_office_hours(ResyncReason reason)
    {
        var story = Stories.Protected();

        var events = story.Do(new RecordResyncNeeded(reason));

        var evening = new DateTimeOffset(2024, 3, 4, 18, 30, 0, TimeSpan.Zero);
        Assert.Equal<ProtectedVmEvent>([new ResyncMarked(story.Now, [reason], evening)], events);
        Assert.Equal(evening, story.Timer("resync")!.DueAt);
        Assert.Empty(story.Do(new RecordResyncNeeded(reason)));
        Assert.Equal(HealthKind.ResyncRequired, Assert.Single(ProtectedVmHealth.Of(story.State).Causes).Kind);
    }

    [Fact]
    [Trait("Req", "RES-6")]
    public void Starts_by_itself_in_the_window()
    {
        var story = Stories.Protected();
        story.Do(new RecordResyncNeeded(ResyncReason.TransferFailed));

        story.Fire("resync");

        Assert.Equal(ReplicationStatus.Resyncing, story.State.Replication.Status);
        Assert.Equal([ResyncReason.TransferFailed],
            ((ProtectedVmEffect.StartResync)story.Outstanding(EffectKind.StartResync)).Reasons);
    }

    [Fact]
    [Trait("Req", "RES-6")]
    public void Starts_at_once_when_marked_at_night_or_when_the_policy_says_immediately()
    {
        var night = Stories.Protected();
        night.Now = new DateTimeOffset(2024, 3, 4, 23, 0, 0, TimeSpan.Zero);
        night.Do(new RecordResyncNeeded(ResyncReason.TransferFailed));
        var hasty = Stories.Protected(policy: ReplicationPolicy.Default with { AutoResync = AutoResync.Immediately });
        hasty.Do(new RecordResyncNeeded(ResyncReason.TransferFailed));

        Assert.True(night.Owes(EffectKind.StartResync) && hasty.Owes(EffectKind.StartResync));
    }

    [Fact]
    [Trait("Req", "RES-6")]
    public void Waits_for_the_next_evening_when_the_engine_slept_through_the_window()
    {
        var story = Stories.Protected();
        story.Do(new RecordResyncNeeded(ResyncReason.TransferFailed));
        var timer = story.Timer("resync")!;
        story.Now = new DateTimeOffset(2024, 3, 5, 7, 0, 0, TimeSpan.Zero);

        story.Do(new TimerDue(timer.Name, timer.DueAt));

        Assert.Equal(new DateTimeOffset(2024, 3, 5, 18, 30, 0, TimeSpan.Zero), story.Timer("resync")!.DueAt);
        Assert.False(story.Owes(EffectKind.StartResync));
    }

    [Fact]
    [Trait("Req", "RES-6")]
    [Trait("Req", "I26")]
    public void Waits_for_its_window_without_a_word_when_the_clock_was_set_back()
    {
        var story = Stories.Protected();
        story.Do(new RecordResyncNeeded(ResyncReason.TransferFailed));
        var timer = story.Timer("resync")!;

        story.Now = timer.DueAt.AddHours(-3);
        Assert.Empty(story.Do(new TimerDue(timer.Name, timer.DueAt)));

        story.Now = timer.DueAt;
        Assert.Single(story.Do(new TimerDue(timer.Name, timer.DueAt)));
        Assert.True(story.Owes(EffectKind.StartResync));
    }

    [Fact]
    [Trait("Req", "RES-6")]
    public void Can_be_started_by_hand_at_any_time_marked_or_not()
    {
        var marked = Stories.Protected().With(new RecordResyncNeeded(ResyncReason.ForcedShutdown), new StartResync());
        var unmarked = Stories.Protected().With(new StartResync());

        Assert.True(marked.Owes(EffectKind.StartResync));
        Assert.Equal([ResyncReason.UserRequest], unmarked.State.Replication.Resync!.Reasons);
    }

    [Fact]
    [Trait("Req", "RES-8")]
    public void Lets_points_be_made_again_when_done_and_keeps_the_old_ones()
    {
        var story = Stories.Protected().With(new StartResync());
        story.Succeed(EffectKind.StartResync);
        Assert.Null(story.Timer("point"));
        story.Refused<ProtectedVmRefusal.ResyncInProgress>(new StartResync());

        story.Do(new RecordResyncCompleted(65536));

        Assert.Equal(ReplicationStatus.Running, story.State.Replication.Status);
        Assert.Equal(story.Now, story.Timer("point")!.DueAt);
        Assert.Equal(3, story.State.Points.Count(kept => kept.Usable));
    }

    [Fact]
    [Trait("Req", "FOV-9")]
    public void Refuses_planned_and_test_failover_but_an_unplanned_one_cancels_it()
    {
        var story = Stories.Protected().With(new StartResync());

        story.Refused<ProtectedVmRefusal.ResyncInProgress>(new StartPlannedFailover());
        story.Refused<ProtectedVmRefusal.ResyncInProgress>(new StartTestFailover(new PointChoice.LatestProcessed()));
        var started = (FailoverStarted)story.Do(new StartUnplannedFailover(new PointChoice.Latest(), false))[0];

        Assert.Equal(new ChosenPoint(story.State.Points[^1].Id, SealNow: false), started.Point);
        Assert.False(story.Owes(EffectKind.StartResync));
        story.Do(new CancelFailover(0, false));
        story.Succeed(EffectKind.CancelFailover);
        Assert.True(story.Owes(EffectKind.StartResync));
    }

    [Fact]
    public void That_the_data_plane_began_by_itself_is_never_ordered()
    {
        var story = Stories.Protected().With(
            new RecordResyncStarted(ResyncReason.DirtyMap), new StartUnplannedFailover(new PointChoice.Latest(), false),
            new CancelFailover(0, false));
        story.Succeed(EffectKind.CancelFailover);

        Assert.Equal(ReplicationStatus.Resyncing, story.State.Replication.Status);
        Assert.Equal(0, story.State.Replication.Resync!.Since);
        Assert.False(story.Owes(EffectKind.StartResync));
        story.Do(new RecordResyncCompleted(5));
        Assert.Equal(ReplicationStatus.Running, story.State.Replication.Status);
    }

    [Fact]
    public void That_waited_is_decided_anew_when_a_failover_is_undone()
    {
        var story = Stories.Protected().With(
            new RecordResyncNeeded(ResyncReason.TransferFailed),
            new StartUnplannedFailover(new PointChoice.Latest(), false), new CancelFailover(0, false));
        story.Succeed(EffectKind.CancelFailover);

        Assert.Equal(ReplicationStatus.ResyncRequired, story.State.Replication.Status);
        story.Fire("resync");
        Assert.Equal(new TimeOnly(18, 30), TimeOnly.FromDateTime(story.Timer("resync")!.DueAt.UtcDateTime));
    }

    [Fact]
    [Trait("Req", "RES-7")]
    public void That_fails_for_good_raises_an_error_and_is_then_started_by_hand()
    {
        var story = Stories.Protected();
        story.Do(new RecordResyncNeeded(ResyncReason.TransferFailed));
        story.Fire("resync");
        story.Succeed(EffectKind.StartResync);
        story.Do(new RecordResyncFailed(Stories.Fatal));

        Assert.Equal(HealthLevel.Critical, ProtectedVmHealth.Of(story.State).Level);
        Assert.DoesNotContain(ProtectedVm.Timers(story.State), timer => timer.Name is "resync" or "retry/start-resync");
        Assert.False(story.Owes(EffectKind.StartResync));
        story.Do(new StartResync());
        Assert.True(story.Owes(EffectKind.StartResync));
        Assert.Empty(story.State.Retries);
    }

    [Fact]
    [Trait("Req", "ERR-1")]
    public void That_fails_half_way_keeps_to_the_retry_schedule()
    {
        var story = Stories.Protected().With(new StartResync());
        var waits = new List<double>();
        for (var failure = 0; failure < 4; failure++)
        {
            story.Succeed(EffectKind.StartResync);
            story.Do(new RecordResyncFailed(Stories.Retryable));
            waits.Add((story.Timer("retry/start-resync")!.DueAt - story.Now).TotalMinutes);
            story.Fire("retry/start-resync");
        }

        Assert.Equal([1, 2, 4, 8], waits);
    }

    [Fact]
    [Trait("Req", "RES-3")]
    public void Follows_a_resized_disk()
    {
        var story = Stories.Protected().With(new RecordDiskResized("/disks/a.img", 2L << 30));

        Assert.Equal(2L << 30, story.State.Enrollment.Disks[0].SizeBytes);
        Assert.Equal([ResyncReason.DiskResized], story.State.Replication.Resync!.Reasons);
    }
}
