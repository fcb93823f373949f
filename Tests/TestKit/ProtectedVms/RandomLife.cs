using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;

namespace ReplicationEngine.Tests.TestKit.ProtectedVms;

/// <summary>
/// Turns numbers into the commands of a life: mostly answers to what is outstanding and users' commands, so that random
/// sequences reach every phase, mixed with facts, failures and timers.
/// </summary>
internal static class RandomLife
{
    private static readonly Func<Story, int, ProtectedVmCommand>[] Users =
    [
        (_, n) => Story.Enabling(Pick(["SCN-1", "SCN-2", "SCN-3", "SCN-5", "SCN-9"], n)),
        (_, n) => new Disable(n % 2 == 0),
        (_, n) => new UpdatePolicy(ReplicationPolicy.Default with
        {
            Retention = TimeSpan.FromHours(n % 40), AutoResync = n % 2 == 0 ? AutoResync.Immediately
                : AutoResync.InWindow,
            AppConsistentEvery = TimeSpan.FromHours(n % 3),
        }),
        (_, _) => new Pause(),
        (_, _) => new Resume(),
        (_, _) => new StartResync(),
        (_, n) => new MakeRecoveryPoint(
            n % 2 == 0 ? PointKind.Crash : PointKind.App, n % 3 == 0 ? null : n % 3 == 1),
        (story, n) => new StartTestFailover(Choice(story, n)),
        (_, _) => new CleanUpTestFailover("done"),
        (_, _) => new StartPlannedFailover(),
        (story, n) => new StartUnplannedFailover(Choice(story, n), n % 2 == 0),
        (story, n) => new ChangeRecoveryPoint(Choice(story, n)),
        (_, _) => new Commit(),
        (_, n) => new CancelFailover(n % 3 * 512, n % 2 == 0),
        (_, n) => new Reprotect(n % 2 == 0),
        (_, _) => new Failback(),
        (_, _) => new RetryJob(),
        (story, n) => new HoldRecoveryPoint(AnyPoint(story, n)),
        (story, n) => new ReleaseRecoveryPoint(AnyPoint(story, n)),
    ];

    private static readonly Func<Story, int, ProtectedVmCommand>[] Facts =
    [
        (_, n) => new RecordInSync(n % 2 == 0 ? Direction.ToPrimary : Direction.ToRecovery, n),
        (story, n) => new RecordRecoveryPointSealed(Story.Point(
            n % 500, story.Now.AddMinutes(n % 7), n % 3 == 0 ? PointKind.App : PointKind.Crash, 1 + (n % 3))),
        (story, n) => new RecordRecoveryPointSkipped(AnyPoint(story, n), "No room."),
        (story, n) => new RecordRecoveryPointUnusable(AnyPoint(story, n), "Digest differs."),
        (story, n) => new RecordRecoveryPointsGraded(
            (PointGrade)(1 + (n % 5)), [AnyPoint(story, n), AnyPoint(story, n / 7)]),
        (_, n) => new RecordResyncNeeded((ResyncReason)(1 + (n % 8))),
        (_, n) => new RecordResyncStarted((ResyncReason)(1 + (n % 8))),
        (_, n) => new RecordResyncCompleted(n),
        (_, n) => new RecordResyncFailed(Error(n)),
        (_, n) => new RecordReplicationError(Error(n)),
        (_, _) => new RecordReplicationRecovered(),
        (_, n) => new RecordLag(TimeSpan.FromMinutes(n % 120), n),
        (_, n) => new RecordSourceFenced(n % 3),
        (_, _) => new RecordDirtyMapModeEntered("Full."),
        (_, _) => new RecordDirtyMapModeLeft(),
        (_, n) => new RecordDiskResized("/disks/a.img", 1 << (n % 30)),
        (_, _) => new RecordAgentConnected(),
        (_, _) => new RecordAgentDisconnected("Reset."),
        (_, n) => new RecordHealthCause(Cause(n)),
        (_, n) => new RecordHealthRestored(ObservedHealth.Kinds[n % ObservedHealth.Kinds.Count]),
        (_, _) => new RecordTargetStoreCorrupt("Damaged.", "Replace it."),
        (_, _) => new RecordTargetStoreRepaired(),
        (_, n) => new TimerDue(
            Pick(["point", "no-point", "resync", "retry/replication", "retry/fence-source", "who?"], n), Story.Monday),
        (_, n) => new RecordEffectSucceeded(new EffectId($"web-1/prepare-target/{n % 50}"), new EffectResult.Done()),
    ];

    /// <summary>A user's command for an operation.</summary>
    public static ProtectedVmCommand Of(Operation operation, Story story, int number) =>
        Users[(int)operation - 1](story, number);

    /// <summary>The command that a number stands for in the story's state.</summary>
    public static ProtectedVmCommand Command(Story story, int number)
    {
        var n = Math.Abs(number % 1_000_000);
        var rest = n / 10;
        return (n % 10) switch
        {
            < 3 => Answer(story, rest),
            < 6 => Offered(story, rest),
            6 => Users[rest % Users.Length](story, rest / Users.Length),
            7 => Timer(story, rest),
            _ => Facts[rest % Facts.Length](story, rest / Facts.Length),
        };
    }

    // Ending protection is on offer nearly always; chosen as often as the rest it would end every life early.
    private static ProtectedVmCommand Offered(Story story, int n)
    {
        var offered = ProtectedVmOperations.Offered(story.State);
        offered = n % 7 == 0 ? offered : offered.RemoveAll(operation => operation == Operation.Disable);
        return offered.Count == 0
            ? Answer(story, n)
            : Users[(int)offered[n % offered.Count] - 1](story, n / offered.Count);
    }

    private static HealthCause Cause(int n) => new(
        ObservedHealth.Kinds[n % ObservedHealth.Kinds.Count], "",
        n % 2 == 0 ? HealthLevel.Warning : HealthLevel.Critical, $"Seen {n % 3}.", "Look.", default);

    private static ProtectedVmCommand Timer(Story story, int n)
    {
        var timers = ProtectedVm.Timers(story.State);
        if (timers.IsEmpty)
        {
            return Answer(story, n);
        }

        var timer = timers[n % timers.Length];
        story.Now = timer.DueAt > story.Now ? timer.DueAt : story.Now;
        return new TimerDue(timer.Name, timer.DueAt);
    }

    private static ProtectedVmCommand Answer(Story story, int n)
    {
        var outstanding = ProtectedVm.Outstanding(story.State);
        if (outstanding.IsEmpty)
        {
            return story.State.Phase is Phase.Reprotecting reprotecting
                ? new RecordInSync(reprotecting.Direction, n)
                : Facts[n % Facts.Length](story, n / Facts.Length);
        }

        var effect = (ProtectedVmEffect)outstanding[n % outstanding.Length];
        return (n / outstanding.Length % 6) switch
        {
            0 => new RecordEffectFailed(effect.Id, Error(n)),
            1 when effect is ProtectedVmEffect.TakeRecoveryPoint take =>
                new RecordRecoveryPointSkipped(take.Point, "Away."),
            _ when effect is ProtectedVmEffect.TakeRecoveryPoint take =>
                new RecordRecoveryPointSealed(Story.Point(1 + (n % 900), story.Now) with { Id = take.Point }),
            _ => new RecordEffectSucceeded(effect.Id, Result(story, effect, n)),
        };
    }

    private static EffectResult Result(Story story, ProtectedVmEffect effect, int n)
    {
        return effect switch
        {
            ProtectedVmEffect.CheckPrerequisites check => new EffectResult.PrerequisitesMet(check.Disks),
            ProtectedVmEffect.QuiesceSource or ProtectedVmEffect.QuiesceTarget =>
                new EffectResult.Quiesced(new Lsn(n), n % 4 != 0),
            ProtectedVmEffect.PrepareFailover prepare => new EffectResult.FailoverReady(
                PointOf(prepare.Point.Id), TimeSpan.FromSeconds(n % 60), 2),
            ProtectedVmEffect.SwitchRecoveredPoint change => new EffectResult.FailoverReady(
                PointOf(change.Point), TimeSpan.FromSeconds(n % 60), 2),
            ProtectedVmEffect.StartTestFailover test => new EffectResult.TestFailoverReady(PointOf(test.Point.Id), 2),
            _ => new EffectResult.Done(),
        };

        RecoveryPoint PointOf(RecoveryPointId id) =>
            story.State.Points.FirstOrDefault(kept => kept.Id == id)?.Point
            ?? Story.Point(1000 + (n % 900), story.Now) with { Id = id };
    }

    private static PointChoice Choice(Story story, int n) => (n % 4) switch
    {
        0 => new PointChoice.Latest(),
        1 => new PointChoice.LatestProcessed(),
        2 => new PointChoice.LatestAppConsistent(),
        _ => new PointChoice.Specific(AnyPoint(story, n)),
    };

    private static RecoveryPointId AnyPoint(Story story, int n) =>
        story.State.Points.Count == 0 ? Story.Point(n, default).Id
            : story.State.Points[n % story.State.Points.Count].Id;

    private static EffectError Error(int n) => n / 60 % 2 == 0 ? Stories.Retryable : Stories.Fatal;

    private static T Pick<T>(T[] items, int n) => items[n % items.Length];
}
