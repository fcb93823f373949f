using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Tests.TestKit.ProtectedVms;
using Xunit;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Tests.Engine.ProtectedVms;

public sealed class Enabling_protection
{
    [Fact]
    [Trait("Req", "ENA-1")]
    [Trait("Req", "ENA-14")]
    public void Goes_through_its_steps_to_protected_only_after_finalizing()
    {
        var story = new Story();
        var enrollment = new Enrollment(
            new ProtectedVmId("web-1"), Story.Disks, "SCN-1", ReplicationPolicy.Default, "agent-1");

        Assert.Equal<ProtectedVmEvent>(
            [new EnableStarted(Story.Monday, Story.User, enrollment)], story.Do(Story.Enabling()));
        Assert.Equal(
            new ProtectedVmEffect.CheckPrerequisites(
                "agent-1", Story.Disks) { Id = new EffectId("web-1/check-prerequisites/1") },
            Assert.Single(story.Effects));
        story.Succeed(EffectKind.CheckPrerequisites, new EffectResult.PrerequisitesMet(Story.Disks));
        story.Succeed(EffectKind.AttachSource);
        story.Succeed(EffectKind.PrepareTarget);
        story.Succeed(EffectKind.StartInitialReplication);
        Assert.IsType<Phase.InitialReplication>(story.State.Phase);
        story.Do(new RecordInSync(Direction.ToRecovery, 4711));
        Assert.IsType<Phase.Finalizing>(story.State.Phase);
        story.Succeed(EffectKind.FinalizeProtection);

        Assert.IsType<Phase.Protected>(story.State.Phase);
        Assert.Equal(ReplicationStatus.Running, story.State.Replication.Status);
        var job = story.State.Jobs.First(known => known.Kind == JobKind.Enable);
        Assert.Equal(
            ["Prerequisites checked", "Agent registered, source attached", "Target resources created",
                "Initial replication started"],
            job.Steps.Select(step => step.Name));
        Assert.Equal((JobOutcome.Succeeded, Story.User), (job.Outcome, job.Actor));
        Assert.All(job.Steps, step => Assert.NotNull(step.EndedAt));
    }

    [Fact]
    [Trait("Req", "ENA-2")]
    [Trait("Req", "POL-3")]
    public void Refuses_a_bad_request_with_every_reason_at_once()
    {
        var request = new Enable(
            new ProtectedVmId("-web"),
            [new ProtectedDisk("/a", 0), new ProtectedDisk("/a", -1), new ProtectedDisk("", 0)],
            "SCN-2",
            ReplicationPolicy.Default
                with { Retention = TimeSpan.FromDays(16), AppConsistentEvery = TimeSpan.FromMinutes(30) },
            "agent-1");

        var refusal = new Story().Refused<ProtectedVmRefusal.InvalidRequest>(request);

        Assert.Equal(6, refusal.Problems.Count);
        Assert.Contains("'-web'", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("'/a' is given twice", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("1 h to 12 h", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Req", "SCN-11")]
    public void Refuses_an_unknown_scenario_and_lists_the_known_ones()
    {
        var refusal = new Story().Refused<ProtectedVmRefusal.UnknownScenario>(Story.Enabling("SCN-99"));

        Assert.Equal("Scenario 'SCN-99' is unknown; use one of SCN-1, SCN-2, SCN-3, SCN-5.", refusal.Message);
    }

    [Fact]
    [Trait("Req", "ENA-2")]
    public void Fails_with_every_missing_prerequisite_and_creates_nothing()
    {
        var story = Stories.Enabling();
        var error = new EffectError(
            ErrorClass.NonRecoverable, ["Disk /disks/a.img does not exist.",
                "Disk /disks/b.img is protected already."], "Choose other disks.");

        story.Fail(EffectKind.CheckPrerequisites, error);

        Assert.Equal(new Phase.EnableFailed(error, CleanUpOwed: false), story.State.Phase);
        Assert.Empty(ProtectedVm.Outstanding(story.State));
        Assert.Equal(JobOutcome.Failed, Assert.Single(story.State.Jobs).Outcome);
        story.Do(Story.Enabling());
        Assert.IsType<Phase.Enabling>(story.State.Phase);
    }

    [Fact]
    [Trait("Req", "ENA-2")]
    public void Removes_what_it_had_created_before_it_may_begin_again()
    {
        var story = Stories.EnableFailed(cleanedUp: false);

        story.Refused<ProtectedVmRefusal.CleanUpInProgress>(Story.Enabling());
        story.Succeed(EffectKind.ReleaseProtection);

        story.Do(Story.Enabling());
    }

    [Fact]
    [Trait("Req", "ERR-1")]
    public void Tries_a_recoverable_step_again_and_goes_on()
    {
        var story = Stories.Enabling();
        var first = story.Outstanding(EffectKind.CheckPrerequisites).Id;
        story.Fail(EffectKind.CheckPrerequisites, Stories.Retryable);
        Assert.False(story.Owes(EffectKind.CheckPrerequisites));
        Assert.Equal(HealthLevel.Warning, ProtectedVmHealth.Of(story.State).Level);

        story.Fire("retry/check-prerequisites");

        Assert.Equal(
            new EffectId("web-1/check-prerequisites/1.1"), story.Outstanding(EffectKind.CheckPrerequisites).Id);
        Assert.Empty(story.Do(new RecordEffectSucceeded(first, new EffectResult.PrerequisitesMet(Story.Disks))));
        story.Succeed(EffectKind.CheckPrerequisites, new EffectResult.PrerequisitesMet(Story.Disks));
        Assert.Empty(story.State.Retries);
        Assert.Equal(HealthLevel.Normal, ProtectedVmHealth.Of(story.State).Level);
    }

    [Fact]
    public void Takes_the_sizes_that_the_agent_found()
    {
        var story = new Story();
        story.Do(Story.Enabling() with { Disks = [new ProtectedDisk("/disks/a.img", 0)] });

        story.Succeed(EffectKind.CheckPrerequisites,
            new EffectResult.PrerequisitesMet([new ProtectedDisk("/disks/a.img", 99)]));

        var attach = (ProtectedVmEffect.AttachSource)story.Outstanding(EffectKind.AttachSource);
        Assert.Equal([new ProtectedDisk("/disks/a.img", 99)], attach.Disks);
    }

    [Fact]
    [Trait("Req", "ENA-15")]
    public void Is_undone_by_disabling_and_the_term_goes_on()
    {
        var story = Stories.Cancelling();
        story.Succeed(EffectKind.CancelFailover);
        Assert.Equal(new Term(3), story.State.Term);
        story.Do(new Disable(false));
        Assert.Equal(
            new ProtectedVmEffect.ReleaseProtection(false) { Id = story.Effects[^1].Id }, story.Effects[^1]);
        story.Succeed(EffectKind.ReleaseProtection);

        Assert.Equal(new Phase.Disabled(false, PrimarySide.Source), story.State.Phase);
        Assert.Empty(story.State.Points);
        story.Do(Story.Enabling());
        Assert.Equal(new Term(3), story.State.Term);
    }

    [Fact]
    [Trait("Req", "ENA-15")]
    public void Keeps_replica_and_points_when_asked()
    {
        var story = Stories.Protected().With(new Disable(true));
        story.Succeed(EffectKind.ReleaseProtection);

        Assert.Equal(3, story.State.Points.Count);
        story.Do(Story.Enabling());
        Assert.Equal(3, story.State.Points.Count);
    }

    [Fact]
    [Trait("Req", "ENA-15")]
    public void Deletes_a_kept_replica_by_disabling_again_once_no_point_is_held()
    {
        var story = Stories.Protected().With(new HoldRecoveryPoint(Story.Point(1, default).Id), new Disable(true));
        story.Succeed(EffectKind.ReleaseProtection);
        story.Refused<ProtectedVmRefusal.ReplicaIsKept>(new Disable(true));
        story.Refused<ProtectedVmRefusal.PointHeld>(new Disable(false));

        story.Do(new ReleaseRecoveryPoint(Story.Point(1, default).Id));
        story.Do(new Disable(false));
        Assert.Equal(
            new ProtectedVmEffect.ReleaseProtection(KeepReplica: false) { Id = story.Effects[^1].Id },
            story.Effects[^1]);
        story.Succeed(EffectKind.ReleaseProtection);

        Assert.Equal(new Phase.Disabled(false, PrimarySide.Source), story.State.Phase);
        Assert.Empty(story.State.Points);
        story.Refused<ProtectedVmRefusal.NotProtected>(new Disable(false));
    }

    [Fact]
    public void Never_removes_the_recovered_disks_that_the_machine_runs_on()
    {
        var story = Stories.FailedOver();

        story.Refused<ProtectedVmRefusal.ReplicaIsPrimary>(new Disable(false));
        story.Do(new Disable(true));
        story.Succeed(EffectKind.ReleaseProtection);

        Assert.Equal(PrimarySide.Target, WritablePrimary.Of(story.State.Phase));
        story.Refused<ProtectedVmRefusal.ReplicaIsPrimary>(Story.Enabling());
    }
}
