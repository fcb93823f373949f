using System.Text;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Tests.TestKit.ProtectedVms;
using Xunit;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;

namespace ReplicationEngine.Tests.Engine.ProtectedVms;

/// <summary>
/// Every command in every phase. The expected outcomes stand in phase-command-table.txt: for each command the outcomes,
/// and for each outcome the phases. A cell that is not listed, or listed with another outcome, fails.
/// </summary>
public sealed class Every_command_in_every_phase
{
    private static readonly Dictionary<string, Func<Story>> Columns = new(StringComparer.Ordinal)
    {
        ["not-protected"] = () => new Story(),
        ["enabling"] = () => Stories.Enabling(),
        ["enable-failed"] = () => Stories.EnableFailed(true),
        ["enable-failed/cleaning"] = () => Stories.EnableFailed(false),
        ["initial-replication"] = () => Stories.InitialReplication(),
        ["finalizing"] = () => Stories.Finalizing(),
        ["protected"] = () => Stories.Protected(),
        ["protected/paused"] = () => Stories.Protected().With(new Pause()),
        ["protected/resync-required"] = () =>
            Stories.Protected().With(new RecordResyncNeeded(ResyncReason.TransferFailed)),
        ["protected/resyncing"] = () => Stories.Protected().With(new RecordResyncStarted(ResyncReason.DirtyMap)),
        ["protected/test-failover"] = () => TestFailoverActive(),
        ["protected/agent-away"] = () => Stories.Protected().With(new RecordAgentDisconnected("Connection reset.")),
        ["failing-over"] = () => Stories.FailingOver(),
        ["failing-over/quiescing"] = () => Stories.Protected().With(new StartPlannedFailover()),
        ["commit-pending"] = () => Stories.CommitPending(),
        ["changing-point"] = () => Stories.ChangingPoint(),
        ["committing"] = () => Stories.Committing(),
        ["cancelling"] = () => Stories.Cancelling(),
        ["failed-over"] = () => Stories.FailedOver(),
        ["reprotecting"] = () => Stories.Reprotecting(),
        ["protected-reverse"] = () => Stories.ProtectedReverse(),
        ["failing-back"] = () => Stories.FailingBack(),
        ["failback-commit-pending"] = () => Stories.FailbackCommitPending(),
        ["committing-failback"] = () => Stories.CommittingFailback(),
        ["failed-back"] = () => Stories.FailedBack(),
        ["reprotecting-forward"] = () => Stories.ReprotectingForward(),
        ["disabling"] = () => Stories.Disabling(),
        ["disabled"] = () => Stories.Disabled(),
        ["disabled/replica-kept"] = () => DisabledKeepingTheReplica(Stories.Protected()),
        ["disabled/machine-at-target"] = () => DisabledKeepingTheReplica(Stories.FailedOver()),
    };

    private static readonly Dictionary<string, Func<Story, ProtectedVmCommand>> Rows = new(StringComparer.Ordinal)
    {
        ["Enable"] = _ => Story.Enabling(),
        ["Recover"] = _ => new Recover(
            Stories.Protected().State.Enrollment, new Term(7), RecoveredAs.Protected, null,
            [Story.Point(1, Story.Monday)]),
        ["Disable"] = _ => new Disable(false),
        ["Disable, keeping the replica"] = _ => new Disable(true),
        ["UpdatePolicy"] = _ =>
            new UpdatePolicy(ReplicationPolicy.Default with { Name = "gold", Retention = TimeSpan.FromDays(3) }),
        ["Pause"] = _ => new Pause(),
        ["Resume"] = _ => new Resume(),
        ["StartResync"] = _ => new StartResync(),
        ["MakeRecoveryPoint"] = _ => new MakeRecoveryPoint(PointKind.Crash),
        ["MakeRecoveryPoint, application, no hooks"] = _ => new MakeRecoveryPoint(PointKind.App, false),
        ["HoldRecoveryPoint"] = _ => new HoldRecoveryPoint(Story.Point(1, default).Id),
        ["ReleaseRecoveryPoint"] = _ => new ReleaseRecoveryPoint(Story.Point(1, default).Id),
        ["ReleaseRecoveryPoint, held"] = story =>
        {
            story.Try(new HoldRecoveryPoint(Story.Point(1, default).Id));
            return new ReleaseRecoveryPoint(Story.Point(1, default).Id);
        },
        ["StartTestFailover"] = _ => new StartTestFailover(new PointChoice.LatestProcessed()),
        ["CleanUpTestFailover"] = _ => new CleanUpTestFailover("looked fine"),
        ["StartPlannedFailover"] = _ => new StartPlannedFailover(),
        ["StartUnplannedFailover"] = _ => new StartUnplannedFailover(new PointChoice.LatestProcessed(), true),
        ["ChangeRecoveryPoint"] = _ => new ChangeRecoveryPoint(new PointChoice.Specific(Story.Point(1, default).Id)),
        ["ChangeRecoveryPoint, target written"] = _ =>
            new ChangeRecoveryPoint(new PointChoice.Specific(Story.Point(1, default).Id)) { TargetWrittenBytes = 4096 },
        ["Commit"] = _ => new Commit(),
        ["CancelFailover"] = _ => new CancelFailover(0, false),
        ["CancelFailover, target written"] = _ => new CancelFailover(4096, false),
        ["CancelFailover, target written, discard"] = _ => new CancelFailover(4096, true),
        ["Reprotect"] = _ => new Reprotect(),
        ["Reprotect, discard"] = _ => new Reprotect(Discard: true),
        ["Failback"] = _ => new Failback(),
        ["RetryJob"] = _ => new RetryJob(),
        ["TimerDue, not armed"] = _ => new TimerDue("point", Story.Monday.AddYears(-1)),
        ["RecordEffectSucceeded, phase's own effect"] = OwnEffectSucceeded,
        ["RecordEffectSucceeded, no longer outstanding"] = _ =>
            new RecordEffectSucceeded(new EffectId("web-1/prepare-target/2"), new EffectResult.Done()),
        ["RecordEffectFailed, recoverable"] = story => new RecordEffectFailed(OwnEffect(story), Stories.Retryable),
        ["RecordEffectFailed, non-recoverable"] = story => new RecordEffectFailed(OwnEffect(story), Stories.Fatal),
        ["RecordInSync, to recovery"] = _ => new RecordInSync(Direction.ToRecovery, 10),
        ["RecordInSync, to primary"] = _ => new RecordInSync(Direction.ToPrimary, 10),
        ["RecordRecoveryPointSealed"] = story => new RecordRecoveryPointSealed(Story.Point(60, story.Now)),
        ["RecordRecoveryPointSkipped, not asked for"] = _ =>
            new RecordRecoveryPointSkipped(Story.Point(61, default).Id, "No room."),
        ["RecordRecoveryPointUnusable"] = _ =>
            new RecordRecoveryPointUnusable(Story.Point(1, default).Id, "Digest differs."),
        ["RecordRecoveryPointsGraded"] = _ =>
            new RecordRecoveryPointsGraded(PointGrade.DigestMatched, [Story.Point(1, default).Id]),
        ["RecordResyncNeeded"] = _ => new RecordResyncNeeded(ResyncReason.ForcedShutdown),
        ["RecordResyncStarted"] = _ => new RecordResyncStarted(ResyncReason.DirtyMap),
        ["RecordResyncCompleted"] = _ => new RecordResyncCompleted(77),
        ["RecordResyncFailed"] = _ => new RecordResyncFailed(Stories.Retryable),
        ["RecordReplicationError"] = _ => new RecordReplicationError(Stories.Retryable),
        ["RecordReplicationRecovered"] = _ => new RecordReplicationRecovered(),
        ["RecordLag, above the threshold"] = _ => new RecordLag(TimeSpan.FromHours(2), 1 << 20),
        ["RecordSourceFenced"] = _ => new RecordSourceFenced(512),
        ["RecordDirtyMapModeEntered"] = _ => new RecordDirtyMapModeEntered("The cache directory is full."),
        ["RecordDirtyMapModeLeft"] = _ => new RecordDirtyMapModeLeft(),
        ["RecordDiskResized"] = _ => new RecordDiskResized("/disks/a.img", 2L << 30),
        ["RecordAgentConnected"] = _ => new RecordAgentConnected(),
        ["RecordAgentDisconnected"] = _ => new RecordAgentDisconnected("Connection refused."),
        ["RecordHealthCause"] = _ => new RecordHealthCause(new HealthCause(
            HealthKind.SourceNotServed, "", HealthLevel.Critical, "Disk 'a' is not served.", "Bring it back.",
            default)),
        ["RecordHealthRestored"] = _ => new RecordHealthRestored(HealthKind.SourceNotServed),
        ["RecordTargetStoreCorrupt"] = _ => new RecordTargetStoreCorrupt("Segment 7 is damaged.", "Replace the disk."),
        ["RecordTargetStoreRepaired"] = _ => new RecordTargetStoreRepaired(),
    };

    [Fact]
    [Trait("Req", "I17")]
    [Trait("Req", "SCN-11")]
    [Trait("Req", "FOV-10")]
    public void Gives_the_events_or_the_refusal_of_the_table()
    {
        var expected = ReadTable();
        var wrong = new List<string>();
        foreach (var (row, command) in Rows)
        {
            foreach (var (column, given) in Columns)
            {
                var outcome = Outcome(given(), command);
                var listed = expected.TryGetValue((row, column), out var cell) ? cell : "(not listed)";
                if (outcome != listed)
                {
                    wrong.Add($"{row} in {column}: expected {listed}, was {outcome}");
                }
            }
        }

        var surplus = expected.Keys.Where(cell => !Rows.ContainsKey(cell.Row) || !Columns.ContainsKey(cell.Column));
        wrong.AddRange(surplus.Select(cell => $"{cell} is listed but does not exist"));
        Assert.True(wrong.Count == 0, string.Join('\n', [.. wrong, "", "The table as it is:", Actual()]));
    }

    [Fact]
    public void Covers_every_command_and_every_phase()
    {
        var commands = typeof(ProtectedVmCommand).GetNestedTypes().Select(type => type.Name).Order(
            StringComparer.Ordinal);
        var phases = typeof(Phase).GetNestedTypes().Select(type => type.Name).Order(StringComparer.Ordinal);

        Assert.Equal(commands, Names(Rows.Values.Select(row => row(Stories.Protected()))));
        Assert.Equal(phases, Names(Columns.Values.Select(column => column().State.Phase)));
    }

    private static IEnumerable<string> Names(IEnumerable<object> values) =>
        values.Select(value => value.GetType().Name).Distinct().Order(StringComparer.Ordinal);

    private static string Outcome(Story story, Func<Story, ProtectedVmCommand> command)
    {
        var decision = story.Try(command(story));
        return decision switch
        {
            Decision<ProtectedVmEvent>.Refused refused => $"refused: {refused.Refusal.Code}",
            Decision<ProtectedVmEvent>.Accepted { Events.IsEmpty: true } => "nothing",
            Decision<ProtectedVmEvent>.Accepted accepted => string.Join(" + ", accepted.Events.Select(e =>
                e.GetType().Name)),
            _ => throw new InvalidOperationException("A third kind of decision."),
        };
    }

    private static Story TestFailoverActive()
    {
        var story = Stories.Protected().With(new StartTestFailover(new PointChoice.LatestProcessed()));
        story.Succeed(EffectKind.StartTestFailover,
            new EffectResult.TestFailoverReady(story.State.Points[^1].Point, 2));
        return story;
    }

    private static Story DisabledKeepingTheReplica(Story story)
    {
        story.Do(new Disable(true));
        story.Succeed(EffectKind.ReleaseProtection);
        return story;
    }

    private static EffectId OwnEffect(Story story) =>
        ProtectedVm.Outstanding(story.State).FirstOrDefault()?.Id ?? new EffectId("web-1/none/0");

    private static RecordEffectSucceeded OwnEffectSucceeded(Story story)
    {
        var effect = (ProtectedVmEffect?)ProtectedVm.Outstanding(story.State).FirstOrDefault();
        var point = story.State.Points.Count == 0 ? Story.Point(1, default) : story.State.Points[0].Point;
        EffectResult result = effect switch
        {
            ProtectedVmEffect.CheckPrerequisites => new EffectResult.PrerequisitesMet(Story.Disks),
            ProtectedVmEffect.QuiesceSource or ProtectedVmEffect.QuiesceTarget =>
                new EffectResult.Quiesced(new Lsn(9), true),
            ProtectedVmEffect.PrepareFailover prepare =>
                new EffectResult.FailoverReady(
                    Story.Point(70, default) with { Id = prepare.Point.Id }, TimeSpan.Zero, 2),
            ProtectedVmEffect.SwitchRecoveredPoint => new EffectResult.FailoverReady(point, TimeSpan.Zero, 2),
            _ => new EffectResult.Done(),
        };
        return new RecordEffectSucceeded(effect?.Id ?? new EffectId("web-1/none/0"), result);
    }

    private static Dictionary<(string Row, string Column), string> ReadTable()
    {
        var cells = new Dictionary<(string, string), string>();
        var (row, outcome) = ("", "");
        foreach (var line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "phase-command-table.txt")))
        {
            switch (line.TakeWhile(c => c == ' ').Count())
            {
                case 0:
                    row = line;
                    break;
                case 2:
                    outcome = line.Trim();
                    break;
                default:
                    foreach (var column in line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                    {
                        Assert.True(cells.TryAdd((row, column), outcome), $"{row} in {column} is listed twice.");
                    }

                    break;
            }
        }

        return cells;
    }

    private static string Actual()
    {
        var text = new StringBuilder();
        foreach (var (row, command) in Rows)
        {
            text.Append(row).Append('\n');
            foreach (var outcome in Columns.GroupBy(column => Outcome(column.Value(), command), StringComparer.Ordinal))
            {
                text.Append("  ").Append(outcome.Key).Append('\n');
                foreach (var line in outcome.Select(column => column.Key).Chunk(5))
                {
                    text.Append("      ").AppendJoin(' ', line).Append('\n');
                }
            }
        }

        return text.ToString();
    }
}
