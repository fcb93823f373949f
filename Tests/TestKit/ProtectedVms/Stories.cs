using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;

namespace ReplicationEngine.Tests.TestKit.ProtectedVms;

/// <summary>Ways through the lifecycle, each by commands only, up to a phase.</summary>
internal static class Stories
{
    public static readonly EffectError Retryable = EffectError.Of(
        ErrorClass.Recoverable, "The link is down.", "Mend the link.");

    public static readonly EffectError Fatal = EffectError.Of(
        ErrorClass.NonRecoverable, "The key is refused.", "Enrol the agent again.");

    public static Story Enabling(string scenario = "SCN-1", ReplicationPolicy? policy = null)
    {
        var story = new Story();
        story.Do(Story.Enabling(scenario, policy));
        return story;
    }

    public static Story InitialReplication(string scenario = "SCN-1", ReplicationPolicy? policy = null)
    {
        var story = Enabling(scenario, policy);
        story.Succeed(EffectKind.CheckPrerequisites, new EffectResult.PrerequisitesMet(Story.Disks));
        story.Succeed(EffectKind.AttachSource);
        story.Succeed(EffectKind.PrepareTarget);
        story.Succeed(EffectKind.StartInitialReplication);
        return story;
    }

    public static Story Finalizing(string scenario = "SCN-1", ReplicationPolicy? policy = null)
    {
        var story = InitialReplication(scenario, policy);
        story.Do(new RecordInSync(Direction.ToRecovery, 1000));
        return story;
    }

    /// <summary>
    /// Protected, with two crash-consistent points, five minutes apart, and an app-consistent one between.
    /// </summary>
    public static Story Protected(string scenario = "SCN-1", ReplicationPolicy? policy = null)
    {
        var story = Finalizing(scenario, policy);
        story.Succeed(EffectKind.FinalizeProtection);
        story.Do(new RecordRecoveryPointSealed(Story.Point(1, story.Now)));
        story.Do(new RecordRecoveryPointSealed(
            Story.Point(2, story.After(TimeSpan.FromMinutes(2)).Now, PointKind.App)));
        story.Do(new RecordRecoveryPointSealed(Story.Point(3, story.After(TimeSpan.FromMinutes(3)).Now)));
        return story;
    }

    public static Story FailingOver(string scenario = "SCN-1")
    {
        var story = Protected(scenario);
        story.Do(new StartUnplannedFailover(new PointChoice.Latest(), false));
        return story;
    }

    public static Story CommitPending(string scenario = "SCN-1") => Recovered(FailingOver(scenario));

    public static Story ChangingPoint()
    {
        var story = CommitPending();
        story.Do(new ChangeRecoveryPoint(new PointChoice.Specific(Story.Point(1, default).Id)));
        return story;
    }

    public static Story Committing(string scenario = "SCN-1")
    {
        var story = CommitPending(scenario);
        story.Do(new Commit());
        return story;
    }

    public static Story Cancelling()
    {
        var story = CommitPending();
        story.Do(new CancelFailover(0, false));
        return story;
    }

    public static Story FailedOver(string scenario = "SCN-1")
    {
        var story = Committing(scenario);
        story.Succeed(EffectKind.CommitFailover);
        return story;
    }

    public static Story Reprotecting()
    {
        var story = FailedOver();
        story.Do(new Reprotect(Discard: true));
        return story;
    }

    public static Story ProtectedReverse()
    {
        var story = Reprotecting();
        story.Succeed(EffectKind.StartReverseReplication);
        story.Do(new RecordInSync(Direction.ToPrimary, 500));
        return story;
    }

    public static Story FailingBack()
    {
        var story = ProtectedReverse();
        story.Do(new Failback());
        return story;
    }

    public static Story FailbackCommitPending()
    {
        var story = FailingBack();
        story.Succeed(EffectKind.QuiesceTarget, new EffectResult.Quiesced(new Lsn(90), true));
        story.Succeed(EffectKind.PromoteSource);
        return story;
    }

    public static Story CommittingFailback()
    {
        var story = FailbackCommitPending();
        story.Do(new Commit());
        return story;
    }

    public static Story FailedBack()
    {
        var story = CommittingFailback();
        story.Succeed(EffectKind.CommitFailback);
        return story;
    }

    public static Story ReprotectingForward()
    {
        var story = FailedBack();
        story.Do(new Reprotect());
        return story;
    }

    public static Story Disabling()
    {
        var story = Protected();
        story.Do(new Disable(false));
        return story;
    }

    public static Story Disabled()
    {
        var story = Disabling();
        story.Succeed(EffectKind.ReleaseProtection);
        return story;
    }

    public static Story EnableFailed(bool cleanedUp)
    {
        var story = Enabling();
        story.Succeed(EffectKind.CheckPrerequisites, new EffectResult.PrerequisitesMet(Story.Disks));
        story.Fail(EffectKind.AttachSource, Fatal);
        if (cleanedUp)
        {
            story.Succeed(EffectKind.ReleaseProtection);
        }

        return story;
    }

    public static Story With(this Story story, params ReadOnlySpan<ProtectedVmCommand> commands)
    {
        foreach (var command in commands)
        {
            story.Do(command);
        }

        return story;
    }

    /// <summary>Answers the outstanding PrepareFailover with the point it chose.</summary>
    public static Story Recovered(this Story story)
    {
        var prepare = (ProtectedVmEffect.PrepareFailover)story.Outstanding(EffectKind.PrepareFailover);
        var point = prepare.Point.SealNow
            ? Story.Point(50, story.Now) with { Id = prepare.Point.Id }
            : story.State.Points.First(kept => kept.Id == prepare.Point.Id).Point;
        story.After(TimeSpan.FromSeconds(2));
        story.Succeed(EffectKind.PrepareFailover, new EffectResult.FailoverReady(point, TimeSpan.FromSeconds(7), 2));
        return story;
    }
}
