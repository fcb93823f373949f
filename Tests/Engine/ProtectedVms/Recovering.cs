using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Tests.TestKit.ProtectedVms;
using Xunit;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;

namespace ReplicationEngine.Tests.Engine.ProtectedVms;

/// <summary>A VM whose journal was lost begins its history again from its replica.</summary>
public sealed class Recovering
{
    private static readonly RecoveryPoint One = Story.Point(1, Story.Monday);
    private static readonly RecoveryPoint Two = Story.Point(2, Story.Monday.AddMinutes(5));

    public static TheoryData<RecoveredAs, string, SourceRole> Forms => new()
    {
        { RecoveredAs.InitialReplication, "initial-replication", SourceRole.Primary },
        { RecoveredAs.Protected, "protected", SourceRole.Primary },
        { RecoveredAs.CommitPending, "commit-pending", SourceRole.Fenced },
        { RecoveredAs.FailedOver, "failed-over", SourceRole.Fenced },
        { RecoveredAs.Reprotecting, "reprotecting", SourceRole.ReverseReplica },
        { RecoveredAs.FailbackCommitPending, "failback-commit-pending", SourceRole.Primary },
        { RecoveredAs.FailedBack, "failed-back", SourceRole.Primary },
        { RecoveredAs.Disabled, "disabled", SourceRole.Released },
        { RecoveredAs.DisabledAtTarget, "disabled", SourceRole.Released },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void Each_form_is_a_phase_with_the_points_and_the_term(RecoveredAs form, string phase, SourceRole role)
    {
        ValueList<RecoveryPoint> points = form == RecoveredAs.FailedOver ? [Two] : [One, Two];

        var story = new Story().With(Command(form, points));

        Assert.Equal(phase, PhaseName.Of(story.State.Phase));
        Assert.Equal(role, SourceDuty.Of(story.State)!.Role);
        Assert.Equal(new Term(7), story.State.Term);
        Assert.Equal(points, story.State.Points.Select(p => p.Point).ToValueList());
        Assert.Equal(story.Events[0].At, story.State.ReplicaSince);
    }

    [Fact]
    public void A_protected_one_compares_all_disks_under_a_name_that_no_order_before_had()
    {
        var lost = Stories.Protected().With(new StartResync());
        var recovered = new Story().With(Command(RecoveredAs.Protected, [One]));

        Assert.Contains(
            ProtectedVm.Outstanding(recovered.State), effect => effect is ProtectedVmEffect.StartResync);
        Assert.NotNull(SourceDuty.Of(recovered.State)!.CopyId);
        Assert.NotEqual(SourceDuty.Of(lost.State)!.CopyId, SourceDuty.Of(recovered.State)!.CopyId);
        Assert.Equal(ReplicationStatus.Resyncing, recovered.State.Replication.Status);
    }

    [Fact]
    public void A_vm_with_a_history_is_refused()
    {
        var decision = Stories.Protected().Try(Command(RecoveredAs.Protected, [One]));

        Assert.IsType<Decision<ProtectedVmEvent>.Refused>(decision);
    }

    [Theory]
    [InlineData(RecoveredAs.CommitPending, 0)]
    [InlineData(RecoveredAs.FailedOver, 0)]
    [InlineData(RecoveredAs.FailedOver, 2)]
    public void A_failover_needs_its_point(RecoveredAs form, int points)
    {
        var decision = new Story().Try(Command(form, points == 0 ? [] : [One, Two]));

        Assert.IsType<Decision<ProtectedVmEvent>.Refused>(decision);
    }

    /// <summary>Whoever was not writable does not become so; only a cancel had decided otherwise.</summary>
    [Fact]
    public void The_rule_never_makes_a_second_side_writable()
    {
        Phase[] phases =
        [
            .. new[]
            {
                Stories.Enabling(), Stories.InitialReplication(), Stories.Finalizing(), Stories.Protected(),
                Stories.FailingOver(), Stories.CommitPending(), Stories.ChangingPoint(), Stories.Committing(),
                Stories.Cancelling(), Stories.FailedOver(), Stories.Reprotecting(), Stories.ProtectedReverse(),
                Stories.FailingBack(), Stories.FailbackCommitPending(), Stories.CommittingFailback(),
                Stories.FailedBack(), Stories.ReprotectingForward(), Stories.Disabling(), Stories.Disabled(),
                Stories.EnableFailed(true),
            }.Select(story => story.State.Phase),
        ];
        foreach (var phase in phases)
        {
            foreach (var machine in new[] { false, true })
            {
                var form = RecoveryRule.Of(phase, machine);
                var after = new Story().With(Command(form, form == RecoveredAs.FailedOver ? [Two] : [One, Two])).State;
                var (before, now) = (WritablePrimary.Of(phase), SourceDuty.Of(after)!.Role);
                Assert.False(
                    before == PrimarySide.Target && now == SourceRole.Primary,
                    $"{PhaseName.Of(phase)} with machine {machine} makes the source writable");
                Assert.False(
                    before == PrimarySide.Source && SourceDuty.LiveTerm(after) is not null
                        && !SourceDuty.IsLiveQuiesced(after) && phase is not Phase.FailingOver,
                    $"{PhaseName.Of(phase)} with machine {machine} makes the target writable");
            }
        }
    }

    private static Recover Command(RecoveredAs form, ValueList<RecoveryPoint> points) => new(
        Stories.Protected().State.Enrollment, new Term(7), form,
        form is RecoveredAs.CommitPending or RecoveredAs.FailedOver or RecoveredAs.Reprotecting ? Two.Id : null,
        points);
}
