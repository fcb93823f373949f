using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Tests.TestKit.ProtectedVms;
using Xunit;

namespace ReplicationEngine.Tests.Engine.Observations;

public sealed class Disks_of_a_source
{
    private static readonly ProtectedVmState State = Stories.Protected().State;

    [Theory]
    [InlineData(1, true)]
    [InlineData(0, false)]
    [InlineData(-1, false)]
    public void Only_growth_of_a_disk_is_a_new_size(int by, bool isNews)
    {
        var told = VmFacts.Of(State, Seen(Observe(by)));
        Assert.Equal(isNews, told.OfType<ProtectedVmCommand.RecordDiskResized>().Any());
    }

    [Fact]
    [Trait("Req", "RES-3")]
    public void A_disk_that_grew_and_was_resynced_between_two_observations_is_not_resynced_again()
    {
        var story = Stories.Protected();
        foreach (var grown in story.State.Enrollment.Disks)
        {
            story.Do(new ProtectedVmCommand.RecordDiskResized(grown.Path, grown.SizeBytes + 7));
        }

        Assert.Equal(ResyncStage.Required, story.State.Replication.Resync!.Stage);
        var source = Observe(7) with { Connected = true, Streaming = true };
        Assert.True(Synchrony.IsInSync(story.State, source, new TargetObservation()));
        foreach (var fact in VmFacts.Of(story.State, Seen(source)))
        {
            story.Do(fact);
        }

        Assert.Null(story.State.Replication.Resync);
    }

    [Fact]
    public void A_source_that_could_not_open_its_disks_tells_its_problem_and_nothing_else()
    {
        var why = EffectError.Of(ErrorClass.NonRecoverable, "The disk is missing.", "Bring it back.");
        var closed = Observe(7) with { Capture = CaptureMode.Closed, Problems = [why] };
        Assert.False(SourceDuty.Of(State)!.IsConfirmedBy(closed));
        Assert.True(SourceDuty.Of(State)!.IsConfirmedBy(closed with { Capture = CaptureMode.None }));
        var told = VmFacts.Of(State, Seen(closed));
        Assert.Contains(new ProtectedVmCommand.RecordReplicationError(why), told);
        Assert.DoesNotContain(told, fact => fact is ProtectedVmCommand.RecordDiskResized
            or ProtectedVmCommand.RecordDirtyMapModeLeft or ProtectedVmCommand.RecordInSync);
    }

    [Theory]
    [InlineData("h block:7:0", "h block:7:0", true)]
    [InlineData("h block:7:0", "other block:7:0", false)]
    [InlineData("h block:8:0", "h block:8:1 block:8:0@512+100", true)]
    [InlineData("h block:8:1 block:8:0@512+100", "h block:8:2 block:8:0@612+100", false)]
    [InlineData("h block:7:0 file:8:1:5@0+100", "h block:7:1 file:8:1:5@99+100", true)]
    [InlineData("h block:7:0 file:8:1:5@0+100", "h block:7:1 file:8:1:5@100+100", false)]
    [InlineData("h block:253:0 block:8:0@?", "h block:253:1 block:8:0@?", false)]
    [InlineData("h block:253:0 block:8:0@?", "h block:8:0", true)]
    public void Disks_are_in_conflict_when_one_write_reaches_both(string one, string other, bool conflict)
    {
        var (a, b) = (DiskIdentity.Parse(one)!, DiskIdentity.Parse(other)!);
        Assert.Equal(conflict, a.ConflictsWith(b));
        Assert.Equal(conflict, b.ConflictsWith(a));
        Assert.Equal((one, other), (a.ToString(), b.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("h")]
    [InlineData("h ")]
    [InlineData("h block:7:0 x")]
    [InlineData("h block:7:0 x@1")]
    [InlineData("h block:7:0 x@-1+5")]
    [InlineData("h block:7:0  x@1+5")]
    public void A_text_of_another_form_names_no_disk(string text) => Assert.Null(DiskIdentity.Parse(text));

    private static SourceObservation Observe(int grownBy) => new()
    {
        Role = SourceRole.Primary,
        Term = State.Term,
        Capture = CaptureMode.Logging,
        Disks = [.. State.Enrollment.Disks.Select(disk => disk with { SizeBytes = disk.SizeBytes + grownBy })],
    };

    private static VmObservation Seen(SourceObservation source) =>
        new(AgentPresence.Connected, source, new TargetObservation(), null, 0);
}
