using System.Text;
using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Tests.TestKit.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;

namespace ReplicationEngine.Tests.Persistence.ProtectedVms;

public sealed class A_snapshot_of_a_protected_vm
{
    private static readonly ProtectedVmCodec Codec = new();

    [Fact]
    [Trait("Req", "I17")]
    public void And_the_events_after_it_give_the_state_of_the_whole_history() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(60).WithQuietOnSuccess(true),
        Prop.ForAll(Gen.Choose(0, 1_000_000).ArrayOf(120).ToArbitrary(), Gen.Choose(0, 200).ToArbitrary(),
            (life, cut) =>
        {
            var story = new Story();
            foreach (var number in life)
            {
                story.Try(RandomLife.Command(story.After(TimeSpan.FromSeconds(number % 400)), number));
            }

            var at = Math.Min(cut, story.Events.Count);
            var head = story.Events.Take(at).Aggregate(ProtectedVm.Initial, ProtectedVm.Evolve);
            var restored = Codec.DecodeState(Codec.EncodeState(head));
            var stored = story.Events.Skip(at).Select(Codec.Encode).ToList();
            var whole = stored.Select(e => Codec.Decode(e.Name, e.Payload)).Aggregate(restored, ProtectedVm.Evolve);

            Assert.Equal(head, restored);
            Assert.Equal(story.State, whole);
            Assert.Equal(ProtectedVm.Outstanding(story.State).ToList(), ProtectedVm.Outstanding(whole).ToList());
            Assert.Equal(ProtectedVm.Timers(story.State).ToList(), ProtectedVm.Timers(whole).ToList());
        }));

    [Fact]
    public void Has_the_form_of_its_version()
    {
        var text = Encoding.UTF8.GetString(Codec.EncodeState(Eventful().State));
        var golden = File.ReadAllText(
            Path.Combine(AppContext.BaseDirectory, "ProtectedVms", $"snapshot-v{Codec.SnapshotVersion}.txt"));

        Assert.True(
            text == golden.Trim(),
            $"The state's form changed: raise SnapshotForm.Version and write snapshot-v{Codec.SnapshotVersion + 1}.txt "
            + $"with\n{text}");
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{\"Phase\":{\"$type\":\"Ascended\"}}")]
    [InlineData("{\"Colour\":\"green\"}")]
    public void That_is_damaged_is_not_read(string text)
    {
        Assert.Throws<UnreadableEventException>(() => Codec.DecodeState(Encoding.UTF8.GetBytes(text)));
    }

    // A state with something in nearly every part of it.
    private static Story Eventful()
    {
        var story = Stories.Protected();
        story.Do(new StartTestFailover(new PointChoice.LatestProcessed()));
        story.Succeed(EffectKind.StartTestFailover,
            new EffectResult.TestFailoverReady(story.State.Points[^1].Point, 2));
        story.Do(new RecordRecoveryPointUnusable(story.State.Points[0].Id, "Digest differs."));
        story.Do(new HoldRecoveryPoint(story.State.Points[0].Id));
        story.Do(new RecordResyncNeeded(ResyncReason.TransferFailed));
        story.Do(new Pause());
        story.Fail(EffectKind.PauseReplication, Stories.Retryable);
        story.Do(new RecordReplicationError(Stories.Fatal));
        story.Do(new RecordAgentDisconnected("Connection reset."));
        story.Do(new RecordRecoveryPointSealed(Story.Point(99, story.Now.AddDays(1), generation: 2)));
        return story;
    }
}
