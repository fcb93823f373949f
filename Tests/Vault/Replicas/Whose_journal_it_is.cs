using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Orchestration.Targets;
using ReplicationEngine.Tests.Vault.Effects;
using ReplicationEngine.Vault.Replicas;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Replicas;

/// <summary>The pure decisions about a journal and the replicas next to it.</summary>
public sealed class Whose_journal_it_is
{
    private static readonly ReplicaIdentity Known = ReplicaIdentity.Of(VmLife.Protected().State);

    [Fact]
    public void A_replica_without_a_journal_does_not_fit() =>
        Assert.Contains("no journal", Assert.Single(JournalFitness.Problems([("web", Known)], null)));

    [Fact]
    public void A_journal_that_knows_nothing_of_a_replica_does_not_fit()
    {
        var problems = JournalFitness.Problems([("web", Known), ("db", null)], Ends(("db", 5)));

        Assert.Contains("has no events of 'web'", Assert.Single(problems));
    }

    [Theory]
    [InlineData(-1, false)]
    [InlineData(0, true)]
    [InlineData(40, true)]
    public void A_journal_that_ends_before_the_replica_was_worked_on_is_older(int more, bool fits)
    {
        var problems = JournalFitness.Problems([("web", Known)], Ends(("web", Known.Sequence + more)));

        Assert.Equal(fits, problems.Count == 0);
        Assert.True(fits || problems[0].Contains("older", StringComparison.Ordinal));
    }

    [Fact]
    public void A_directory_that_says_nothing_of_itself_fits_a_journal_that_knows_the_vm() =>
        Assert.Empty(JournalFitness.Problems([("web", null)], Ends(("web", 3))));

    [Fact]
    public void Without_replicas_every_journal_fits_also_none() =>
        Assert.Empty(JournalFitness.Problems([], null));

    [Theory]
    [InlineData(3, 5, 0, 7)]
    [InlineData(9, 5, 0, 11)]
    [InlineData(3, 5, 20, 22)]
    public void The_term_is_above_every_known_one(long store, long noted, long given, long expected)
    {
        var command = RecoveryPlan.For(
            Facts(store), Known with { Term = noted }, new RecoveryHints(null, null, given));

        Assert.Equal(new Term(expected), command.Term);
    }

    [Fact]
    public void The_form_follows_what_was_noted_and_whether_a_machine_is_there()
    {
        var noted = Known with { WithMachine = RecoveredAs.FailedOver, WithoutMachine = RecoveredAs.CommitPending };
        var hints = new RecoveryHints(null, null, 0);

        Assert.Equal(RecoveredAs.CommitPending, RecoveryPlan.For(Facts(1, 2), noted, hints).As);
        Assert.Equal(RecoveredAs.FailedOver, RecoveryPlan.For(Facts(1, 1, machine: true), noted, hints).As);
        // A commit was not carried out as long as other points are there.
        Assert.Equal(RecoveredAs.CommitPending, RecoveryPlan.For(Facts(1, 2, machine: true), noted, hints).As);
    }

    [Fact]
    public void A_machine_of_which_nothing_is_known_needs_the_operators_word()
    {
        var facts = Facts(1, 2, machine: true);

        Assert.Throws<VaultRefusedException>(() =>
            RecoveryPlan.For(facts, null, new RecoveryHints("site-a", null, 0)));
        Assert.Equal(
            RecoveredAs.FailbackCommitPending,
            RecoveryPlan.For(facts, null, new RecoveryHints("site-a", PrimarySide.Source, 0)).As);
        Assert.Equal(
            RecoveredAs.CommitPending,
            RecoveryPlan.For(facts, null, new RecoveryHints("site-a", PrimarySide.Target, 0)).As);
    }

    [Fact]
    public void An_agent_of_which_nothing_is_known_has_to_be_named()
    {
        Assert.Throws<VaultRefusedException>(() =>
            RecoveryPlan.For(Facts(1, 1), null, new RecoveryHints(null, null, 0)));
        var command = RecoveryPlan.For(Facts(1, 1), null, new RecoveryHints("site-a", null, 0));
        Assert.Equal(RecoveredAs.Protected, command.As);
        Assert.Equal("site-a", command.Enrollment.Agent);
    }

    [Fact]
    public void Disks_keep_what_enabling_knew_of_them_and_take_the_replicas_sizes()
    {
        var noted = Known with
        {
            Disks = [new ProtectedDisk("/disks/a.img", 512) { Raw = true, Identity = "file:8:1:77" }],
        };

        var disk = RecoveryPlan.For(Facts(1), noted, new RecoveryHints(null, null, 0)).Enrollment.Disks[0];

        Assert.Equal(noted.Disks[0] with { SizeBytes = 1 << 20 }, disk);
    }

    [Fact]
    public void A_replica_that_never_had_a_point_goes_on_with_its_first_copy() => Assert.Equal(
        RecoveredAs.InitialReplication,
        RecoveryPlan.For(Facts(1, 0), null, new RecoveryHints("site-a", null, 0)).As);

    private static Dictionary<string, long> Ends(params (string Vm, long End)[] ends) =>
        ends.ToDictionary(e => e.Vm, e => e.End, StringComparer.Ordinal);

    private static ReplicaFacts Facts(long term, int points = 1, bool machine = false)
    {
        var made = Enumerable.Range(1, points).Select(n => (new RecoveryPoint(
            VmLife.Point(n), VmLife.Start.AddMinutes(n), PointKind.Crash, new Generation(1), new Lsn(n),
            PointGrade.Received), (string?)null)).ToList();
        return new ReplicaFacts(
            "web", [new ProtectedDisk("/disks/a.img", 1 << 20)], new Term(term), [.. made],
            machine ? VmLife.Point(points) : null);
    }
}
