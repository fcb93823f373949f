using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Tests.TestKit.ProtectedVms;
using Xunit;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Tests.Engine.ProtectedVms;

public sealed class Recovery_points_while_protected
{
    [Fact]
    [Trait("Req", "RCP-1")]
    public void Are_asked_for_every_five_minutes()
    {
        var story = Stories.Protected();
        for (var made = 0; made < 3; made++)
        {
            var due = story.Timer("point")!.DueAt;
            var requested = Assert.IsType<RecoveryPointRequested>(Assert.Single(story.Fire("point")));
            Assert.Equal((due, PointKind.Crash), (requested.At, requested.Kind));
            story.Do(new RecordRecoveryPointSealed(Story.Point(10 + made, story.Now) with { Id = requested.Point }));
            Assert.Equal(due + TimeSpan.FromMinutes(5), story.Timer("point")!.DueAt);
        }
    }

    [Fact]
    [Trait("Req", "RCP-1")]
    public void Are_one_after_a_long_sleep_not_many()
    {
        var story = Stories.Protected();
        var timer = story.Timer("point")!;
        story.Now = timer.DueAt.AddHours(3);

        Assert.Single(story.Do(ProtectedVm.TimerDue(timer.Name, timer.DueAt)));

        Assert.Equal(story.Now.AddMinutes(5), story.Timer("point")!.DueAt);
        Assert.Empty(story.Do(ProtectedVm.TimerDue(timer.Name, timer.DueAt)));
    }

    [Fact]
    public void Begin_as_soon_as_the_vm_is_protected()
    {
        var story = Stories.Finalizing();
        story.Succeed(EffectKind.FinalizeProtection);

        Assert.Equal(story.Now, story.Timer("point")!.DueAt);
    }

    [Fact]
    [Trait("Req", "RCP-2")]
    [Trait("Req", "POL-1")]
    public void Are_application_consistent_as_often_as_the_policy_says()
    {
        var story = Stories.Protected(
            policy: ReplicationPolicy.Default with { AppConsistentEvery = TimeSpan.FromHours(1) });
        var kinds = new List<PointKind>();
        for (var made = 0; made < 30; made++)
        {
            var requested = Assert.IsType<RecoveryPointRequested>(Assert.Single(story.Fire("point")));
            kinds.Add(requested.Kind);
            story.Do(new RecordRecoveryPointSealed(
                Story.Point(10 + made, story.Now, requested.Kind) with { Id = requested.Point }));
        }

        Assert.Equal([11, 23], kinds.Index().Where(k => k.Item == PointKind.App).Select(k => k.Index));
    }

    [Fact]
    [Trait("Req", "RCP-3")]
    public void Warn_when_a_freeze_failed_and_only_a_crash_point_was_made()
    {
        var story = Stories.Protected();
        var requested = (RecoveryPointRequested)story.Do(new MakeRecoveryPoint(PointKind.App))[0];

        var made = story.Do(new RecordRecoveryPointSealed(Story.Point(9, story.Now) with { Id = requested.Point }));

        Assert.NotNull(Assert.IsType<RecoveryPointSealed>(Assert.Single(made)).Warning);
        Assert.Contains(ProtectedVmHealth.Of(story.State).Causes, cause =>
            cause.Kind == HealthKind.AppConsistencyFailed);
        story.Do(new RecordRecoveryPointSealed(Story.Point(10, story.Now, PointKind.App)));
        Assert.Equal(HealthLevel.Normal, ProtectedVmHealth.Of(story.State).Level);
    }

    [Fact]
    public void Count_once_however_often_they_are_told()
    {
        var story = Stories.Protected();

        Assert.Empty(story.Do(new RecordRecoveryPointSealed(Story.Point(2, story.Now, PointKind.App))));
        Assert.Equal(3, story.State.Points.Count);
    }

    [Fact]
    public void Keep_the_order_of_the_changes_however_they_arrive()
    {
        var story = Stories.Protected();
        story.Do(new RecordRecoveryPointSealed(Story.Point(9, story.Now)));
        story.Do(new RecordRecoveryPointSealed(Story.Point(7, story.Now.AddYears(1))));

        Assert.Equal([1L, 2, 3, 7, 9], story.State.Points.Select(kept => kept.Point.Lsn.Value));
    }

    [Fact]
    public void Give_way_to_the_next_when_nobody_answers()
    {
        var story = Stories.Protected();
        var first = (RecoveryPointRequested)story.Fire("point")[0];

        var events = story.Fire("point");

        Assert.Equal(first.Point, Assert.IsType<RecoveryPointSkipped>(events[0]).Point);
        Assert.IsType<RecoveryPointRequested>(events[1]);
        story.Do(new RecordRecoveryPointSealed(Story.Point(9, story.Now) with { Id = first.Point }));
        Assert.Contains(story.State.Points, kept => kept.Id == first.Point);
    }

    [Fact]
    public void Raise_an_alarm_after_an_hour_without_one_and_clear_it_with_the_next()
    {
        var story = Stories.Protected();
        story.Do(new RecordAgentDisconnected("Connection reset."));
        Assert.Null(story.Timer("point"));

        story.Fire("no-point");

        Assert.Equal(HealthLevel.Critical, ProtectedVmHealth.Of(story.State).Level);
        Assert.Null(story.Timer("no-point"));
        story.Do(new RecordAgentConnected());
        Assert.Equal(story.Now, story.Timer("point")!.DueAt);
        story.Do(new RecordRecoveryPointSealed(Story.Point(9, story.Now)));
        Assert.Equal(HealthLevel.Normal, ProtectedVmHealth.Of(story.State).Level);
    }

    [Fact]
    [Trait("Req", "RCP-4")]
    public void Expire_by_retention_and_are_dropped_by_the_store()
    {
        var story = Stories.Protected();
        var hour = 0;
        for (; story.State.Prune is null; hour++)
        {
            Assert.InRange(hour, 0, 24 + Retention.LetGoTogether);
            story.Do(new RecordRecoveryPointSealed(Story.Point(10 + hour, story.After(TimeSpan.FromHours(1)).Now)));
        }

        // Those of an hour go together, so that an idle VM does not write two events more for each of its points.
        Assert.Equal(24, story.State.Points.Count);
        var prune = (ProtectedVmEffect.PrunePoints)story.Outstanding(EffectKind.PrunePoints);
        Assert.Equal(Retention.LetGoTogether, prune.Points.Count);
        Assert.Empty(story.Do(new RecordRecoveryPointSealed(Story.Point(10, story.Now.AddHours(-30)))));
        story.Succeed(EffectKind.PrunePoints);
        Assert.Empty(ProtectedVm.Outstanding(story.State));
    }

    [Fact]
    [Trait("Req", "RCP-4")]
    public void Expire_one_by_one_where_only_the_newest_is_kept_and_at_once_when_the_policy_keeps_fewer()
    {
        var story = Stories.Protected();
        for (var hour = 0; hour < 10; hour++)
        {
            story.Do(new RecordRecoveryPointSealed(Story.Point(10 + hour, story.After(TimeSpan.FromHours(1)).Now)));
        }

        story.Do(new UpdatePolicy(story.State.Enrollment.Policy with { Retention = TimeSpan.Zero }));
        Assert.Single(story.State.Points);
        story.Succeed(EffectKind.PrunePoints);
        story.Do(new RecordRecoveryPointSealed(Story.Point(30, story.After(TimeSpan.FromHours(1)).Now)));
        Assert.Equal(Story.Point(30, default).Id, Assert.Single(story.State.Points).Id);
    }

    [Fact]
    [Trait("Req", "I25")]
    public void Are_never_pruned_while_a_test_failover_stands_on_them()
    {
        var story = Stories.Protected();
        var oldest = story.State.Points[0].Id;
        story.Do(new StartTestFailover(new PointChoice.Specific(oldest)));
        story.Succeed(EffectKind.StartTestFailover, new EffectResult.TestFailoverReady(story.State.Points[0].Point, 2));
        for (var hour = 0; hour < 30; hour++)
        {
            story.Do(new RecordRecoveryPointSealed(Story.Point(10 + hour, story.After(TimeSpan.FromHours(1)).Now)));
        }

        Assert.Equal(oldest, story.State.Points[0].Id);
    }

    [Fact]
    [Trait("Req", "POL-5")]
    public void Follow_a_shorter_retention_at_once()
    {
        var story = Stories.Protected();

        var events = story.Do(new UpdatePolicy(ReplicationPolicy.Default with { Retention = TimeSpan.Zero }));

        Assert.Equal(2, Assert.IsType<RecoveryPointsExpired>(events[1]).Points.Count);
        Assert.Empty(story.Do(new UpdatePolicy(ReplicationPolicy.Default with { Retention = TimeSpan.Zero })));
    }

    [Fact]
    [Trait("Req", "RCP-6")]
    [Trait("Req", "I7")]
    public void Are_refused_for_failover_once_found_damaged()
    {
        var story = Stories.Protected();
        var damaged = story.State.Points[1].Id;
        story.Do(new RecordRecoveryPointUnusable(damaged, "Segment 3 fails its checksum."));

        var refusal = story.Refused<ProtectedVmRefusal.UnusablePoint>(
            new StartUnplannedFailover(new PointChoice.Specific(damaged), false));

        Assert.Contains("Segment 3 fails its checksum", refusal.Message, StringComparison.Ordinal);
        story.Refused<ProtectedVmRefusal.NoUsablePoint>(new StartTestFailover(new PointChoice.LatestAppConsistent()));
        Assert.Contains(ProtectedVmHealth.Of(story.State).Causes, cause => cause.Kind == HealthKind.PointUnusable);
    }

    [Fact]
    [Trait("Req", "RCP-6")]
    public void Rise_in_grade_together_in_one_event_and_never_fall()
    {
        var story = Stories.Protected();
        var ids = story.State.Points.Select(kept => kept.Id).ToValueList();

        var graded = Assert.IsType<ProtectedVmEvent.RecoveryPointsGraded>(
            Assert.Single(story.Do(new RecordRecoveryPointsGraded(PointGrade.DigestMatched, ids))));

        Assert.Equal(ids, graded.Points);
        Assert.All(story.State.Points, kept => Assert.Equal(PointGrade.DigestMatched, kept.Point.Grade));
        story.Do(new RecordRecoveryPointsGraded(PointGrade.Booted, [ids[0]]));
        var rest = Assert.IsType<ProtectedVmEvent.RecoveryPointsGraded>(
            Assert.Single(story.Do(new RecordRecoveryPointsGraded(PointGrade.FileSystemClean, ids))));
        Assert.Equal(ids.RemoveAll(id => id == ids[0]), rest.Points);
        Assert.Equal(PointGrade.Booted, story.State.Points[0].Point.Grade);
        Assert.Empty(story.Do(new RecordRecoveryPointsGraded(PointGrade.Received, ids)));
    }

    [Theory]
    [Trait("Req", "I26")]
    [InlineData(-3)]
    [InlineData(3)]
    public void Go_on_every_five_minutes_from_where_a_clock_that_jumped_stands_now(int hours)
    {
        var story = Stories.Protected();
        var due = story.Timer("point")!;
        story.Now = due.DueAt.AddHours(hours);

        story.Do(new TimerDue(due.Name, due.DueAt));

        Assert.NotNull(story.State.PointSchedule.Pending);
        Assert.Equal(story.Now.AddMinutes(5), story.Timer("point")!.DueAt);
        story.Do(new RecordRecoveryPointSealed(
            Story.Point(9, story.Now) with { Id = story.State.PointSchedule.Pending!.Id }));
        Assert.Equal(4, story.State.Points.Count);
    }

    [Fact]
    [Trait("Req", "I26")]
    public void Never_show_a_time_before_that_of_an_earlier_point()
    {
        var story = Stories.Protected();
        var newest = story.State.Points[^1].Point.Time;
        story.Now = story.Now.AddHours(-3);

        story.Do(new RecordRecoveryPointSealed(Story.Point(9, story.Now)));

        Assert.Equal(newest, story.State.Points[^1].Point.Time);
        Assert.Equal(9, story.State.Points[^1].Point.Lsn.Value);
    }

    [Fact]
    [Trait("Req", "I26")]
    public void Are_application_consistent_again_at_once_when_the_clock_was_set_back()
    {
        var story = Stories.Protected(
            policy: ReplicationPolicy.Default with { AppConsistentEvery = TimeSpan.FromHours(1) });
        story.Now = story.Now.AddHours(-3);

        var due = story.Timer("point")!;
        story.Do(new TimerDue(due.Name, due.DueAt));

        Assert.Equal(PointKind.App, story.State.PointSchedule.Pending!.Kind);
    }

    [Fact]
    [Trait("Req", "RCP-6")]
    public void Do_not_rise_once_found_damaged()
    {
        var story = Stories.Protected();
        var damaged = story.State.Points[1].Id;
        story.Do(new RecordRecoveryPointUnusable(damaged, "Segment 3 fails its checksum."));

        Assert.Empty(story.Do(new RecordRecoveryPointsGraded(PointGrade.DigestMatched, [damaged])));
    }
}

public sealed class Replication_that_fails
{
    [Fact]
    [Trait("Req", "ERR-1")]
    [Trait("Req", "ERR-3")]
    public void Is_tried_again_after_1_2_4_8_10_and_then_every_30_minutes()
    {
        var story = Stories.Protected();
        var waits = new List<double>();
        for (var failure = 0; failure < 8; failure++)
        {
            story.Do(new RecordReplicationError(Stories.Retryable));
            Assert.Empty(story.Do(new RecordReplicationError(Stories.Retryable)));
            waits.Add((story.Timer("retry/replication")!.DueAt - story.Now).TotalMinutes);
            story.Fire("retry/replication");
            story.Succeed(EffectKind.ResumeReplication);
        }

        Assert.Equal([1, 2, 4, 8, 10, 30, 30, 30], waits);
        story.Do(new RecordReplicationRecovered());
        Assert.Equal(HealthLevel.Normal, ProtectedVmHealth.Of(story.State).Level);
        story.Do(new RecordReplicationError(Stories.Retryable));
        Assert.Equal(TimeSpan.FromMinutes(1), story.Timer("retry/replication")!.DueAt - story.Now);
    }

    [Fact]
    [Trait("Req", "ERR-2")]
    public void Is_not_tried_again_when_a_person_is_needed_and_says_so()
    {
        var story = Stories.Protected();
        story.Do(new RecordReplicationError(Stories.Fatal));

        Assert.Null(story.Timer("retry/replication"));
        var health = ProtectedVmHealth.Of(story.State);
        Assert.Equal(HealthLevel.Critical, health.Level);
        Assert.Contains("Enrol the agent again.", health.Causes[0].Remedy, StringComparison.Ordinal);
        Assert.IsType<Phase.Protected>(story.State.Phase);
        story.Do(new RetryJob());
        Assert.True(story.Owes(EffectKind.ResumeReplication));
    }

    [Fact]
    public void Is_tried_again_at_once_when_the_agent_comes_back()
    {
        var story = Stories.Protected();
        story.Do(new RecordReplicationError(Stories.Retryable));

        story.Do(new RecordAgentConnected());

        Assert.True(story.Owes(EffectKind.ResumeReplication));
        Assert.Null(story.Timer("retry/replication"));
    }
}

public sealed class Replication_under_a_policy
{
    [Fact]
    [Trait("Req", "POL-4")]
    public void Says_when_the_loss_at_risk_exceeds_the_threshold_and_goes_on()
    {
        var story = Stories.Protected();
        story.Do(new RecordLag(TimeSpan.FromMinutes(61), 1 << 20));
        Assert.Empty(story.Do(new RecordLag(TimeSpan.FromMinutes(70), 1 << 20)));
        Assert.Equal(HealthKind.RpoExceeded, Assert.Single(ProtectedVmHealth.Of(story.State).Causes).Kind);
        Assert.Equal(ReplicationStatus.Running, story.State.Replication.Status);

        story.Do(new RecordLag(TimeSpan.FromMinutes(1), 5));

        Assert.Empty(ProtectedVmHealth.Of(story.State).Causes);
    }

    [Fact]
    [Trait("Req", "REP-10")]
    public void Pauses_and_resumes_and_a_pause_that_outgrew_the_log_ends_in_resync()
    {
        var story = Stories.Protected();
        story.Now = Story.Monday.Date.AddHours(20);
        story.Do(new Pause());
        story.Succeed(EffectKind.PauseReplication);
        Assert.Null(story.Timer("point"));
        story.Do(new RecordResyncNeeded(ResyncReason.PauseOutgrewLog));
        Assert.Null(story.Timer("resync"));
        story.Refused<ProtectedVmRefusal.ReplicationPaused>(new StartResync());

        story.Do(new Resume());

        Assert.Equal(ReplicationStatus.ResyncRequired, story.State.Replication.Status);
        story.Fire("resync");
        Assert.True(story.Owes(EffectKind.ResumeReplication) && story.Owes(EffectKind.StartResync));
    }

    [Fact]
    [Trait("Req", "I27")]
    public void Says_when_changes_are_only_marked_and_when_that_is_over()
    {
        var story = Stories.Protected();
        story.Do(new RecordDirtyMapModeEntered("The cache directory is full."));
        Assert.Equal(HealthKind.CacheFull, Assert.Single(ProtectedVmHealth.Of(story.State).Causes).Kind);

        story.Do(new RecordDirtyMapModeLeft());
        story.Do(new RecordResyncStarted(ResyncReason.DirtyMap));
        Assert.Empty(story.Effects.OfType<ProtectedVmEffect.StartResync>());
        story.Do(new RecordResyncCompleted(4096));

        Assert.Equal(ReplicationStatus.Running, story.State.Replication.Status);
        Assert.Equal(JobOutcome.Succeeded, story.State.Jobs.Last(job => job.Kind == JobKind.Resync).Outcome);
    }

    [Fact]
    [Trait("Req", "OPS-1")]
    public void Keeps_the_last_jobs_with_who_asked_for_them()
    {
        var story = Stories.Protected();
        for (var made = 0; made < 40; made++)
        {
            var requested = (RecoveryPointRequested)story.Do(new MakeRecoveryPoint(PointKind.Crash), "bob")[0];
            story.Do(new RecordRecoveryPointSealed(Story.Point(10 + made, story.Now) with { Id = requested.Point }));
        }

        Assert.Equal(JobHistory.Kept, story.State.Jobs.Count);
        Assert.All(story.State.Jobs, job => Assert.Equal(("bob", JobOutcome.Succeeded), (job.Actor, job.Outcome)));
        Assert.Equal(story.State.Jobs.Select(job => job.Id).Order(), story.State.Jobs.Select(job => job.Id));
    }

    [Fact]
    public void Names_the_disk_that_it_does_not_know()
    {
        var refusal = Stories.Protected().Refused<ProtectedVmRefusal.UnknownDisk>(
            new RecordDiskResized("/disks/z.img", 1));

        Assert.Contains("/disks/z.img", refusal.Message, StringComparison.Ordinal);
    }
}
