using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Vault.Api;
using Xunit;
using StoredPoint = ReplicationEngine.DataPlane.Replicas.RecoveryPoint;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>What the replica knows of its points reaches the VM, once.</summary>
[Trait("Req", "RCP-6")]
public sealed class Facts_about_recovery_points
{
    private readonly VmLife _life = VmLife.Protected();

    [Fact]
    public void A_point_that_rose_is_told_with_all_others_that_did_in_one_fact()
    {
        List<StoredPoint> stored = [Stored(1), Stored(2), Stored(3)];
        TellAll(stored);
        Assert.All(_life.State.Points, kept => Assert.Equal(PointGrade.Received, VmViews.Point(kept).Grade));

        stored = [Graded(1), Graded(2), Stored(3)];
        var fact = Assert.IsType<ProtectedVmCommand.RecordRecoveryPointsGraded>(
            Assert.Single(PointFacts.Of(_life.State, PointObservations.Of(stored, []))));
        Assert.Equal([VmLife.Point(1), VmLife.Point(2)], fact.Points);
        Assert.Single(_life.Tell(fact));

        Assert.Equal([PointGrade.DigestMatched, PointGrade.DigestMatched, PointGrade.Received],
            _life.State.Points.Select(kept => VmViews.Point(kept).Grade));
        Assert.Empty(PointFacts.Of(_life.State, PointObservations.Of(stored, [])));
    }

    [Fact]
    public void A_point_that_is_graded_when_first_seen_needs_no_second_fact()
    {
        TellAll([Graded(1)]);

        Assert.Equal(PointGrade.DigestMatched, VmViews.Point(Assert.Single(_life.State.Points)).Grade);
        Assert.Empty(PointFacts.Of(_life.State, PointObservations.Of([Graded(1)], [])));
    }

    [Fact]
    [Trait("Req", "I7")]
    public void A_damaged_point_is_told_with_its_reason_and_keeps_it()
    {
        TellAll([Stored(1), Stored(2)]);
        TellAll([Stored(1) with { UnusableBecause = "Segment 3 is damaged." }, Stored(2)]);

        var view = VmViews.Point(_life.State.Points[0]);
        Assert.Equal((false, "Segment 3 is damaged."), (view.Usable, view.Reason));
        Assert.Empty(PointFacts.Of(
            _life.State,
            PointObservations.Of([Graded(1) with { UnusableBecause = "Segment 4 is damaged." }, Stored(2)], [])));
    }

    [Fact]
    public void A_point_that_the_replica_lost_becomes_unusable()
    {
        TellAll([Stored(1), Stored(2)]);
        TellAll([Stored(2)]);

        Assert.False(_life.State.Points[0].Usable);
        Assert.True(_life.State.Points[1].Usable);
    }

    private void TellAll(IReadOnlyList<StoredPoint> stored)
    {
        foreach (var fact in PointFacts.Of(_life.State, PointObservations.Of(stored, [])))
        {
            _life.Tell(fact);
        }
    }

    private static StoredPoint Stored(int number) => new()
    {
        Id = VmLife.Point(number),
        Time = VmLife.Start.AddMinutes(number),
        Kind = PointKind.Crash,
        Cut = new ChangePosition(new Generation(1), new Lsn(number)),
        DiskSizes = [1 << 20],
    };

    private static StoredPoint Graded(int number) => Stored(number) with { Grade = PointGrade.DigestMatched };
}
