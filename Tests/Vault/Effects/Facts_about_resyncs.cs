using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Orchestration.Sources;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>What agent and replica report becomes a resync that is needed, runs, is done or has failed.</summary>
public sealed class Facts_about_resyncs
{
    private static readonly TargetObservation Sound = new() { Generation = new Generation(1) };
    private static readonly TargetObservation Damaged = Sound with { Fault = "Segment 3 is damaged." };

    [Fact]
    public void Nothing_is_told_while_all_is_well() =>
        Assert.Empty(Facts(VmLife.Protected().State, Reports.Streaming, Sound));

    [Fact]
    [Trait("Req", "RES-1")]
    public void Damage_at_the_target_marks_a_resync_of_whole_disks_once()
    {
        var life = VmLife.Protected();
        Tell(life, Reports.Streaming, Damaged);

        Assert.Equal(ResyncStage.Required, life.State.Replication.Resync!.Stage);
        Assert.Equal([ResyncReason.TransferFailed], life.State.Replication.Resync.Reasons);
        Assert.Empty(Facts(life.State, Reports.Streaming, Damaged));
        Assert.Empty(Facts(life.State, Dirty(DirtyCause.None), Sound));
        life.Tell(new ProtectedVmCommand.StartResync());
        Assert.NotNull(SourceDirectives.For(life.State, _ => "key")!.CopyId);
    }

    [Fact]
    [Trait("Req", "RES-1")]
    public void A_newest_point_that_is_damaged_orders_one_comparison_and_an_alert_when_that_did_not_help()
    {
        var life = VmLife.Protected(resync: AutoResync.Immediately);
        var damaged = Sound with { Points = Points((1, 1, null), (2, 1, "Segment 3 is damaged.")) };
        TellAll(life, Reports.Streaming, damaged);
        Assert.Equal([ResyncReason.TransferFailed], life.State.Replication.Resync!.Reasons);
        life.Succeed(EffectKind.StartResync);
        var compared = damaged with { Generation = new Generation(2) };
        TellAll(life, Reports.Streaming with { Generation = 2 }, compared);
        Assert.Null(life.State.Replication.Resync);

        var again = compared with
        {
            Points = Points((1, 1, null), (2, 1, "Segment 3 is damaged."), (3, 2, "Page 0 is damaged.")),
        };
        TellAll(life, Reports.Streaming with { Generation = 2 }, again);
        Assert.Null(life.State.Replication.Resync);
        Assert.Contains(life.State.Causes, cause => cause.Message.Contains("Page 0", StringComparison.Ordinal));

        var repaired = again with { Points = Points((2, 1, "Segment 3 is damaged."), (4, 2, null)) };
        TellAll(life, Reports.Streaming with { Generation = 2 }, repaired);
        Assert.DoesNotContain(life.State.Causes, cause => cause.Kind == HealthKind.TargetStoreCorrupt);
    }

    [Fact]
    [Trait("Req", "RES-1")]
    public void A_comparison_of_everything_is_not_replaced_by_what_the_source_sends_by_itself()
    {
        var life = VmLife.Protected(resync: AutoResync.Immediately);
        Tell(life, Dirty(DirtyCause.CacheFull), Damaged);

        Assert.Equal(ResyncStage.Ordered, life.State.Replication.Resync!.Stage);
        Assert.NotNull(SourceDirectives.For(life.State, _ => "key")!.CopyId);
        Assert.Empty(life.Tell(new ProtectedVmCommand.RecordResyncStarted(ResyncReason.DirtyMap)));
        life.Succeed(EffectKind.StartResync);
        Assert.Equal(ResyncStage.Running, life.State.Replication.Resync.Stage);
    }

    [Fact]
    [Trait("Req", "RES-7")]
    public void Damage_that_breaks_the_resync_too_waits_for_a_person()
    {
        var life = VmLife.Protected(resync: AutoResync.Immediately);
        Tell(life, Reports.Streaming, Damaged);
        life.Succeed(EffectKind.StartResync);
        Tell(life, Reports.Streaming, Damaged);

        var cause = ProtectedVmHealth.Of(life.State).Causes[0];
        Assert.Contains("Segment 3 is damaged.", cause.Message, StringComparison.Ordinal);
        Assert.Contains("drctl resync", cause.Remedy, StringComparison.Ordinal);
        Assert.Empty(Facts(life.State, Reports.Streaming, Damaged));
        life.Tell(new ProtectedVmCommand.StartResync());
        life.Succeed(EffectKind.StartResync);
        Tell(life, Reports.Streaming, Sound);
        Assert.Null(life.State.Replication.Resync);
    }

    [Fact]
    [Trait("Req", "RES-7")]
    public void A_problem_of_the_agent_that_no_retry_mends_fails_the_resync_and_one_that_passes_does_not()
    {
        var life = VmLife.Protected().With(new ProtectedVmCommand.StartResync());
        life.Succeed(EffectKind.StartResync);

        Assert.Empty(Facts(
            life.State, Dirty(DirtyCause.UserRequest) with { Problems = [Reports.Problem(recoverable: true)] }, Sound));
        var failed = Assert.IsType<ProtectedVmCommand.RecordResyncFailed>(Assert.Single(Facts(
            life.State,
            Dirty(DirtyCause.UserRequest) with { Problems = [Reports.Problem(recoverable: false)] }, Sound)));
        Assert.Equal(("It broke.", "Repair it."), (failed.Error.Message, failed.Error.Remedy));
    }

    [Fact]
    [Trait("Req", "REP-10")]
    public void A_pause_that_outgrew_the_log_is_marked_and_mended_by_what_the_source_knows()
    {
        var life = VmLife.Protected().With(new ProtectedVmCommand.Pause());
        Assert.Empty(Facts(life.State, Reports.Streaming, Sound));
        Tell(life, Dirty(DirtyCause.CacheFull) with { Capture = CaptureMode.DirtyMap }, Sound);
        Assert.Equal([ResyncReason.PauseOutgrewLog], life.State.Replication.Resync!.Reasons);
        Assert.Empty(Facts(life.State, Dirty(DirtyCause.CacheFull), Sound));

        life.Tell(new ProtectedVmCommand.Resume());
        Tell(life, Dirty(DirtyCause.CacheFull), Sound);
        Assert.Equal(ResyncStage.Running, life.State.Replication.Resync!.Stage);
        Assert.Null(SourceDirectives.For(life.State, _ => "key")!.CopyId);
        Tell(life, Reports.Streaming, Sound);
        Assert.Null(life.State.Replication.Resync);
    }

    [Fact]
    [Trait("Req", "REP-10")]
    public void What_was_mended_between_two_looks_is_told_as_done()
    {
        var life = VmLife.Protected().With(new ProtectedVmCommand.Pause());
        Tell(life, Dirty(DirtyCause.CacheFull), Sound);
        life.Tell(new ProtectedVmCommand.Resume());

        Tell(life, Reports.Streaming, Sound);
        Assert.Null(life.State.Replication.Resync);
    }

    [Fact]
    [Trait("Req", "RES-4")]
    public void A_log_of_half_the_disk_is_marked_and_ordered_without_comparing_everything()
    {
        var life = VmLife.Protected(resync: AutoResync.Immediately);
        Tell(life, Dirty(DirtyCause.BacklogHalfOfDisk) with { Capture = CaptureMode.DirtyMap }, Sound);

        Assert.Equal(ResyncStage.Ordered, life.State.Replication.Resync!.Stage);
        Assert.Equal([ResyncReason.LogHalfOfDisk], life.State.Replication.Resync.Reasons);
        Assert.Null(SourceDirectives.For(life.State, _ => "key")!.CopyId);
    }

    [Fact]
    [Trait("Req", "RES-2")]
    public void A_forced_shutdown_of_the_source_is_named_as_the_reason()
    {
        var life = VmLife.Protected();
        Tell(life, Dirty(DirtyCause.UncleanShutdown), Sound);

        Assert.Equal([ResyncReason.ForcedShutdown], life.State.Replication.Resync!.Reasons);
        Assert.Equal(ResyncStage.Running, life.State.Replication.Resync.Stage);
    }

    private static PointsObservation Points(params (int Number, long Generation, string? Why)[] held) => new(
        [.. held.Select(point => (new RecoveryPoint(
            VmLife.Point(point.Number), VmLife.Start, PointKind.Crash, new Generation(point.Generation), Lsn.None,
            PointGrade.Received), point.Why))], []);

    private static VolumeStatus Dirty(DirtyCause cause) => Reports.Streaming with
    {
        DirtyBytes = 4 << 20, Cause = cause, Transfer = Reports.Transfer(TransferPhase.Resync),
    };

    [Fact]
    [Trait("Req", "RES-6")]
    public void A_resync_that_was_ordered_at_the_target_side_ends_when_the_source_is_in_step_again()
    {
        var life = VmLife.ProtectedReverse().With(new ProtectedVmCommand.StartResync());
        life.Succeed(EffectKind.StartResync);
        var behind = new ReverseObservation(InSync: false, 0, 0);

        Assert.Empty(ResyncFacts.OfReverse(life.State, behind));
        life.Tell(Assert.Single(ResyncFacts.OfReverse(life.State, behind with { InSync = true })));
        Assert.Null(life.State.Replication.Resync);
        Assert.Empty(ResyncFacts.OfReverse(life.State, behind with { InSync = true }));
        life.Tell(new ProtectedVmCommand.Failback());
    }

    private static IEnumerable<ProtectedVmCommand> Facts(
        ProtectedVmState state, VolumeStatus status, TargetObservation target) =>
        ResyncFacts.Of(state, SourceReports.Observe(status), target);

    private static void Tell(VmLife life, VolumeStatus status, TargetObservation target)
    {
        foreach (var fact in Facts(life.State, status, target))
        {
            life.Tell(fact);
        }
    }

    private static void TellAll(VmLife life, VolumeStatus status, TargetObservation target)
    {
        var observed = new VmObservation(AgentPresence.Connected, SourceReports.Observe(status), target, null, 0);
        foreach (var fact in VmFacts.Of(life.State, observed))
        {
            life.Tell(fact);
        }
    }
}
