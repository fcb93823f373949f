using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Tests.TestKit.ProtectedVms;
using Xunit;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Tests.Engine.ProtectedVms;

public sealed class A_failover
{
    [Fact]
    [Trait("Req", "FOV-2")]
    [Trait("Req", "I22")]
    public void Planned_stops_the_source_before_the_target_is_made_writable()
    {
        var story = Stories.Protected();
        var started = (FailoverStarted)story.Do(new StartPlannedFailover())[0];

        Assert.Equal((FailoverKind.Planned, new Term(2), true), (started.Kind, started.Term, started.Point.SealNow));
        Assert.False(story.Owes(EffectKind.PrepareFailover) || story.Owes(EffectKind.FenceSource));
        story.Succeed(EffectKind.QuiesceSource, new EffectResult.Quiesced(new Lsn(40), true));

        var prepare = (ProtectedVmEffect.PrepareFailover)story.Outstanding(EffectKind.PrepareFailover);
        Assert.Equal((started.Point, new Term(2)), (prepare.Point, prepare.NewTerm));
    }

    [Fact]
    [Trait("Req", "FOV-2")]
    public void Planned_is_refused_while_somebody_may_be_writing_unless_the_user_insists()
    {
        var story = Stories.Protected();
        var asked = new StartPlannedFailover { Writers = ["qemu-system-x86 (process 17, user 64055)"] };

        var refusal = story.Refused<ProtectedVmRefusal.SourceHasWriters>(asked);
        Assert.Contains("qemu-system-x86", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("source-has-writers", refusal.Code);

        var started = (FailoverStarted)story.Do(asked with { Force = true })[0];
        Assert.True(started.Forced);
        Assert.True(((Phase.FailingOver)story.State.Phase).Forced);
    }

    [Fact]
    [Trait("Req", "FOV-3")]
    [Trait("Req", "FOV-9")]
    public void Unplanned_needs_nothing_of_the_source_and_reports_loss_and_duration()
    {
        var story = Stories.Protected();
        story.Do(new StartUnplannedFailover(new PointChoice.Latest(), false));
        var startedAt = story.Now;

        story.Recovered();

        var pending = Assert.IsType<Phase.CommitPending>(story.State.Phase);
        Assert.Equal(
            new Recovery(FailoverKind.Unplanned, story.State.Points[^1].Id, TimeSpan.FromSeconds(7), 2, startedAt,
                story.Now),
            pending.Recovery);
        Assert.Equal(PrimarySide.Target, WritablePrimary.Of(pending));
    }

    [Fact]
    [Trait("Req", "FOV-3")]
    public void Unplanned_goes_on_when_the_source_cannot_be_shut_down()
    {
        var story = Stories.Protected();
        story.Do(new StartUnplannedFailover(new PointChoice.LatestProcessed(), true));
        var quiesce = (ProtectedVmEffect.QuiesceSource)story.Outstanding(EffectKind.QuiesceSource);
        Assert.True(quiesce.BestEffort);
        Assert.False(quiesce.Drain, "an older point needs nothing of what is on its way");

        story.Fail(EffectKind.QuiesceSource, Stories.Fatal);

        Assert.True(story.Owes(EffectKind.PrepareFailover));
    }

    [Fact]
    [Trait("Req", "FOV-8")]
    [Trait("Req", "I15")]
    public void Unplanned_goes_on_trying_to_fence_the_source_until_it_hears_of_it()
    {
        var story = Stories.CommitPending();
        story.Fail(EffectKind.FenceSource, Stories.Fatal);
        Assert.NotNull(story.Timer("retry/fence-source"));

        story.Do(new RecordAgentConnected());
        Assert.Equal(new Term(2), ((ProtectedVmEffect.FenceSource)story.Outstanding(EffectKind.FenceSource)).NewTerm);
        story.Do(new RecordSourceFenced(8192));

        Assert.False(story.Owes(EffectKind.FenceSource));
        Assert.Contains("8192 bytes", ProtectedVmHealth.Of(story.State).Causes[0].Message, StringComparison.Ordinal);
        Assert.Empty(story.Do(new RecordSourceFenced(8192)));
    }

    [Theory]
    [Trait("Req", "RCP-5")]
    [InlineData(0, 3)]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    public void Recovers_to_any_choice_of_point(int choice, int expected)
    {
        PointChoice[] choices =
            [new PointChoice.LatestProcessed(), new PointChoice.LatestAppConsistent(),
                new PointChoice.Specific(Story.Point(1, default).Id)];
        var story = Stories.Protected();

        var started = (FailoverStarted)story.Do(new StartUnplannedFailover(choices[choice], false))[0];

        Assert.Equal(new ChosenPoint(Story.Point(expected, default).Id, SealNow: false), started.Point);
    }

    [Fact]
    public void Names_a_point_that_does_not_exist()
    {
        var missing = Story.Point(404, default).Id;

        var refusal = Stories.Protected().Refused<ProtectedVmRefusal.UnknownPoint>(
            new StartUnplannedFailover(new PointChoice.Specific(missing), false));

        Assert.Contains(missing.ToString(), refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Req", "FOV-10")]
    public void Is_not_cancelled_over_what_the_target_wrote_unless_it_may_be_discarded()
    {
        var story = Stories.CommitPending();

        var refusal = story.Refused<ProtectedVmRefusal.TargetHasWrites>(new CancelFailover(12345, false));
        Assert.Contains("12345 bytes", refusal.Message, StringComparison.Ordinal);
        var cancelled = (CancelStarted)story.Do(new CancelFailover(12345, true))[0];

        Assert.Equal((12345L, new Term(3)), (cancelled.DiscardedBytes, cancelled.Term));
        Assert.Equal(Direction.ToRecovery,
            ((ProtectedVmEffect.CancelFailover)story.Outstanding(EffectKind.CancelFailover)).Direction);
        story.Succeed(EffectKind.CancelFailover);
        Assert.IsType<Phase.Protected>(story.State.Phase);
        Assert.Equal(story.Now, story.Timer("point")!.DueAt);
    }

    [Fact]
    [Trait("Req", "I20")]
    public void That_cannot_be_carried_out_is_undone_under_a_new_term()
    {
        var story = Stories.FailingOver();

        story.Fail(EffectKind.PrepareFailover, Stories.Fatal);

        Assert.Equal((new Phase.Cancelling(Direction.ToRecovery), new Term(3)), (story.State.Phase, story.State.Term));
        story.Succeed(EffectKind.CancelFailover);
        Assert.IsType<Phase.Protected>(story.State.Phase);
        Assert.Equal(JobOutcome.Failed, story.State.Jobs.First(job => job.Kind == JobKind.UnplannedFailover).Outcome);
        Assert.Contains(ProtectedVmHealth.Of(story.State).Causes, cause => cause.Kind == HealthKind.OperationFailed);
    }

    [Fact]
    [Trait("Req", "SCN-3")]
    [Trait("Req", "SCN-11")]
    public void Planned_from_a_physical_server_needs_the_agents_word_that_it_is_shut_down()
    {
        var unconfirmed = Stories.Protected("SCN-3").With(new StartPlannedFailover());
        var failed = (FailoverFailed)unconfirmed.Succeed(
            EffectKind.QuiesceSource, new EffectResult.Quiesced(new Lsn(4), false))[0];
        var confirmed = Stories.Protected("SCN-3").With(new StartPlannedFailover());
        confirmed.Succeed(EffectKind.QuiesceSource, new EffectResult.Quiesced(new Lsn(4), true));

        Assert.Contains("SCN-3", failed.Error.Message, StringComparison.Ordinal);
        Assert.True(confirmed.Owes(EffectKind.PrepareFailover));
    }

    [Fact]
    public void Refuses_a_result_that_is_not_its_own()
    {
        var story = Stories.FailingOver();

        story.Refused<ProtectedVmRefusal.UnexpectedResult>(
            new RecordEffectSucceeded(story.Outstanding(EffectKind.PrepareFailover).Id, new EffectResult.Done()));
    }

    [Fact]
    [Trait("Req", "FOV-10")]
    public void Cancelled_before_protection_was_complete_goes_back_to_complete_it()
    {
        var story = Stories.InitialReplication();
        story.Do(new RecordRecoveryPointSealed(Story.Point(1, story.Now)));
        story.Do(new StartUnplannedFailover(new PointChoice.Latest(), false));
        story.Do(new CancelFailover(0, false));
        story.Succeed(EffectKind.CancelFailover);

        Assert.IsType<Phase.Finalizing>(story.State.Phase);
        story.Succeed(EffectKind.FinalizeProtection);
        Assert.Equal(ReplicationStatus.Resyncing, story.State.Replication.Status);
        Assert.Null(story.Timer("point"));
        story.Do(new RecordResyncCompleted(9));
        Assert.NotNull(story.Timer("point"));
    }
}

public sealed class A_test_failover
{
    [Fact]
    [Trait("Req", "FOV-1")]
    [Trait("Req", "I23")]
    public void Leaves_phase_replication_and_points_as_they_were()
    {
        var story = Stories.Protected();
        var before = story.State;
        story.Do(new StartTestFailover(new PointChoice.LatestProcessed()));
        story.Succeed(EffectKind.StartTestFailover, new EffectResult.TestFailoverReady(before.Points[^1].Point, 2));
        Assert.Equal(new TestFailover.Active(before.Points[^1].Id, 2, story.Now), story.State.TestFailover);
        story.Do(new CleanUpTestFailover("all files there"));
        story.Succeed(EffectKind.CleanUpTestFailover);

        Assert.Equal(before, story.State with { EventCount = before.EventCount, Jobs = before.Jobs });
        Assert.Contains(story.Events.OfType<TestFailoverCleanUpStarted>(), e => e.Notes == "all files there");
    }

    [Fact]
    public void Of_the_latest_point_seals_it_first()
    {
        var story = Stories.Protected();
        story.Do(new StartTestFailover(new PointChoice.Latest()));
        var start = (ProtectedVmEffect.StartTestFailover)story.Outstanding(EffectKind.StartTestFailover);
        Assert.True(start.Point.SealNow);

        story.Succeed(
            EffectKind.StartTestFailover,
            new EffectResult.TestFailoverReady(Story.Point(8, story.Now) with { Id = start.Point.Id }, 2));

        Assert.Equal(start.Point.Id, story.State.Points[^1].Id);
    }

    [Fact]
    [Trait("Req", "I23")]
    public void That_fails_is_cleaned_up_by_itself()
    {
        var story = Stories.Protected().With(new StartTestFailover(new PointChoice.LatestProcessed()));

        story.Fail(EffectKind.StartTestFailover, Stories.Fatal);
        story.Succeed(EffectKind.CleanUpTestFailover);

        Assert.IsType<TestFailover.None>(story.State.TestFailover);
        Assert.Equal(JobOutcome.Failed, story.State.Jobs.First(job => job.Kind == JobKind.TestFailover).Outcome);
    }

    [Fact]
    public void Bars_planned_failover_and_commit_but_not_an_unplanned_failover()
    {
        var story = Stories.Protected().With(new StartTestFailover(new PointChoice.LatestProcessed()));
        story.Succeed(EffectKind.StartTestFailover,
            new EffectResult.TestFailoverReady(story.State.Points[^1].Point, 2));

        story.Refused<ProtectedVmRefusal.TestFailoverActive>(new StartPlannedFailover());
        story.Do(new StartUnplannedFailover(new PointChoice.Latest(), false));
        story.Recovered();
        story.Refused<ProtectedVmRefusal.TestFailoverActive>(new Commit());
        story.Do(new CleanUpTestFailover(""));
        story.Succeed(EffectKind.CleanUpTestFailover);
        story.Do(new Commit());
    }
}

public sealed class Returning_to_the_primary_site
{
    [Fact]
    [Trait("Req", "FOV-6")]
    [Trait("Req", "FOV-7")]
    [Trait("Req", "I24")]
    public void Is_reprotect_failback_commit_and_reprotect_again()
    {
        var story = Stories.ReprotectingForward();
        Assert.Equal(new Term(3), story.State.Term);
        Assert.Empty(story.Do(new RecordInSync(Direction.ToRecovery, 1)));
        story.Succeed(EffectKind.StartForwardReplication);
        Assert.Empty(story.Do(new RecordInSync(Direction.ToPrimary, 1)));

        story.Do(new RecordInSync(Direction.ToRecovery, 77));

        Assert.IsType<Phase.Protected>(story.State.Phase);
        Assert.Equal(PrimarySide.Source, WritablePrimary.Of(story.State.Phase));
        Assert.Equal(story.Now, story.Timer("point")!.DueAt);
    }

    [Fact]
    [Trait("Req", "SCN-5")]
    public void Goes_on_by_itself_where_reverse_replication_is_automatic()
    {
        var story = Stories.Committing("SCN-5");
        story.Do(new RecordSourceFenced(0));

        var events = story.Succeed(EffectKind.CommitFailover);

        Assert.Equal(
            new ReprotectStarted(story.Now, ProtectedVm.EngineActor, Direction.ToPrimary),
            Assert.IsType<ReprotectStarted>(events[^1]));
        Assert.True(story.Owes(EffectKind.StartReverseReplication));
    }

    [Theory]
    [Trait("Req", "SCN-5")]
    [Trait("Req", "I16")]
    [InlineData(null)]
    [InlineData(512L)]
    public void Waits_for_a_person_where_it_may_overwrite_what_the_old_source_wrote_alone(long? heard)
    {
        var story = Stories.Committing("SCN-5");
        if (heard is { } bytes)
        {
            story.Do(new RecordSourceFenced(bytes));
        }

        story.Succeed(EffectKind.CommitFailover);

        Assert.IsType<Phase.FailedOver>(story.State.Phase);
        Assert.Equal("source-has-writes", story.Refused<ProtectedVmRefusal.SourceHasWrites>(new Reprotect()).Code);
    }

    [Fact]
    [Trait("Req", "I16")]
    public void Needs_no_consent_when_the_old_source_says_that_it_wrote_nothing_alone()
    {
        var story = Stories.FailedOver();
        story.Do(new RecordSourceFenced(0));

        var started = Assert.IsType<ReprotectStarted>(Assert.Single(story.Do(new Reprotect())));

        Assert.Equal((0, false), (started.DiscardedBytes, started.DiscardedUnknown));
    }

    [Fact]
    [Trait("Req", "I16")]
    public void Asks_for_consent_when_newer_points_were_given_up_also_after_a_planned_failover()
    {
        var story = Stories.CommitPending();
        var older = story.State.Points[0].Id;
        Assert.NotEqual(older, story.State.Points[^1].Id);
        story.Do(new ChangeRecoveryPoint(new PointChoice.Specific(older)));
        story.Succeed(
            EffectKind.SwitchRecoveredPoint,
            new EffectResult.FailoverReady(story.State.Points[0].Point, TimeSpan.FromMinutes(5), 1));
        story.Do(new Commit());
        story.Succeed(EffectKind.CommitFailover);
        story.Do(new RecordSourceFenced(0));

        Assert.Contains(
            older.ToString(), story.Refused<ProtectedVmRefusal.SourceIsNewer>(new Reprotect()).Message,
            StringComparison.Ordinal);
        var started = Assert.IsType<ReprotectStarted>(Assert.Single(story.Do(new Reprotect(Discard: true))));

        Assert.Equal((0, true), (started.DiscardedBytes, started.DiscardedUnknown));
    }

    [Fact]
    [Trait("Req", "I16")]
    public void Names_the_bytes_it_would_overwrite_and_records_the_consent()
    {
        var story = Stories.FailedOver();
        story.Do(new RecordSourceFenced(4096));

        Assert.Contains(
            "4096 bytes", story.Refused<ProtectedVmRefusal.SourceHasWrites>(new Reprotect()).Message,
            StringComparison.Ordinal);
        var started = Assert.IsType<ReprotectStarted>(Assert.Single(story.Do(new Reprotect(Discard: true))));

        Assert.Equal((4096, false), (started.DiscardedBytes, started.DiscardedUnknown));
        Assert.Null(story.State.DivergentBytes);
    }

    [Fact]
    [Trait("Req", "I16")]
    public void Asks_for_consent_while_the_old_source_was_not_heard_of()
    {
        var story = Stories.FailedOver();

        Assert.Null(story.Refused<ProtectedVmRefusal.SourceHasWrites>(new Reprotect()).Bytes);
        var started = Assert.IsType<ReprotectStarted>(Assert.Single(story.Do(new Reprotect(Discard: true))));

        Assert.Equal((0, true), (started.DiscardedBytes, started.DiscardedUnknown));
    }

    [Fact]
    [Trait("Req", "SCN-3")]
    [Trait("Req", "FOV-7")]
    public void Is_refused_where_the_scenario_has_no_failback()
    {
        var story = Stories.FailedOver("SCN-3");

        Assert.Equal(
            "Scenario SCN-3 forbids this: it has no reverse replication, so no reprotect.",
            story.Refused<ProtectedVmRefusal.ScenarioForbids>(new Reprotect()).Message);
        Assert.Contains("SCN-3", story.Refused<ProtectedVmRefusal.ScenarioForbids>(new Failback()).Message,
            StringComparison.Ordinal);
        Assert.DoesNotContain(Operation.Reprotect, ProtectedVmOperations.Offered(story.State));
    }

    [Fact]
    [Trait("Req", "FOV-10")]
    public void Can_be_cancelled_until_the_source_takes_writes()
    {
        var story = Stories.FailingBack();
        story.Do(new CancelFailover(0, false));
        story.Succeed(EffectKind.CancelFailover);
        Assert.Equal((new Phase.ProtectedReverse(), new Term(4)), (story.State.Phase, story.State.Term));

        Stories.FailbackCommitPending().Refused<ProtectedVmRefusal.FailbackNotCancellable>(new CancelFailover(0, true));
    }

    [Fact]
    [Trait("Req", "FOV-8")]
    public void Has_one_writable_primary_at_every_step()
    {
        Func<Story>[] way =
        [
            () => Stories.Protected(), () => Stories.FailingOver(), () => Stories.CommitPending(), () =>
                Stories.FailedOver(),
            Stories.ProtectedReverse, Stories.FailingBack, Stories.FailbackCommitPending, Stories.FailedBack,
        ];

        Assert.Equal(
            [
                PrimarySide.Source, PrimarySide.None, PrimarySide.Target, PrimarySide.Target, PrimarySide.Target,
                PrimarySide.Target, PrimarySide.Source, PrimarySide.Source,
            ],
            way.Select(step => WritablePrimary.Of(step().State.Phase)));
    }
}
