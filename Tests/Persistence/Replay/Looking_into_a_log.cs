using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;

namespace ReplicationEngine.Tests.Persistence.Replay;

public sealed class Looking_into_a_log : IDisposable
{
    private static readonly EntityReplays Replays = EntityReplays.OfTheEngine;
    private readonly RecordedLives _lives = new RecordedLives().Record(11, 150, "web-1", "web-2");

    public void Dispose() => _lives.Dispose();

    [Fact]
    public void Waits_for_nobody_where_a_pipe_is_named()
    {
        var directory = Directory.CreateTempSubdirectory("pipe-");
        var pipe = Path.Combine(directory.FullName, RecordedJournal.FileName);
        System.Diagnostics.Process.Start("mkfifo", [pipe]).WaitForExit();

        Assert.Contains(
            RegularFile.Missing, Assert.Throws<ExportDamagedException>(() => RecordedJournal.Open(pipe)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ExportDamagedException>(() => RecordedJournal.OpenDamaged(pipe));
        Assert.Throws<JournalUnavailableException>(() => RecordedJournal.OpenStore(directory.FullName));
        directory.Delete(recursive: true);
    }

    [Fact]
    [Trait("Req", "OPS-5")]
    public void Shows_the_state_after_any_event_and_at_any_time()
    {
        using var journal = RecordedJournal.OpenStore(_lives.Data);
        var codec = new ProtectedVmCodec();
        var state = ProtectedVm.Initial;
        foreach (var recorded in journal.Read(RecordedLives.Id("web-1")).ToList())
        {
            state = ProtectedVm.Evolve(state, codec.Decode(recorded.Event.Name, recorded.Event.Payload));
            var shown = StreamReplay.At(journal, recorded.Id, recorded.Event.Sequence, Replays);
            Assert.Equal(codec.EncodeState(state), shown.Fold.EncodeState());
            Assert.Equal(PhaseName.Of(state.Phase), shown.Fold.State()["phaseName"]!.GetValue<string>());
            var then = StreamReplay.At(journal, recorded.Id, recorded.Event.Time, Replays);
            Assert.True(then.Last!.Event.Sequence >= recorded.Event.Sequence);
            Assert.Equal(recorded.Event.Time, then.Last.Event.Time);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-3)]
    [InlineData(1_000_000)]
    public void Refuses_an_event_that_does_not_exist_with_the_last_number(long sequence)
    {
        using var journal = RecordedJournal.OpenStore(_lives.Data);
        var last = journal.Read(RecordedLives.Id("web-1")).Count();

        var refused = Assert.Throws<ReplayRefusedException>(
            () => StreamReplay.At(journal, RecordedLives.Id("web-1"), sequence, Replays));
        Assert.Contains($"1 to {last}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Finds_no_difference_between_a_journal_and_its_export()
    {
        var file = _lives.Export("same");
        using var left = RecordedJournal.OpenStore(_lives.Data);
        using var right = RecordedJournal.Open(file);

        Assert.All(
            new JournalDiff(left, right, Replays).Run(null, default),
            stream => Assert.Equal(StreamRelation.Equal, stream.Relation));
    }

    [Fact]
    public void Finds_the_first_event_in_which_two_logs_differ_field_by_field_and_state_by_state()
    {
        var file = _lives.Export("before");
        var codec = new ProtectedVmCodec();
        var at = _lives.Events("web-2").First(e => e.Event.Name == "protected-vm.enable-started.v1").Event;
        _lives.Forge("web-2", at.Sequence, stored =>
        {
            var started = (ProtectedVmEvent.EnableStarted)codec.Decode(stored.Name, stored.Payload);
            var encoded = codec.Encode(started with { Enrollment = started.Enrollment with { Agent = "agent-9" } });
            return stored with { Payload = encoded.Payload };
        });
        using var left = RecordedJournal.Open(file);
        using var right = RecordedJournal.OpenStore(_lives.Data);

        var streams = new JournalDiff(left, right, Replays).Run(null, default);
        Assert.Equal(StreamRelation.Equal, streams[0].Relation);
        Assert.Equal((StreamRelation.Differs, at.Sequence), (streams[1].Relation, streams[1].Sequence!.Value));
        var field = Assert.Single(streams[1].Fields!, field => field.Path != "seal");
        Assert.Equal(("data.agent", "agent-1", "agent-9"),
            (field.Path, field.Left!.GetValue<string>(), field.Right!.GetValue<string>()));
        Assert.Equal(["enrollment.agent"], streams[1].States!.Select(difference => difference.Path));
    }

    [Fact]
    public void Says_which_of_two_logs_goes_on()
    {
        var file = _lives.Export("before", "web-1");
        var last = _lives.Events("web-1")[^1];
        using var left = RecordedJournal.Open(file);
        _lives.Sql($"DELETE FROM journal WHERE ordering={last.Position}");
        using var right = RecordedJournal.OpenStore(_lives.Data);

        var streams = new JournalDiff(left, right, Replays).Run(null, default);
        Assert.Equal(StreamRelation.LeftGoesOn, streams[0].Relation);
        Assert.Equal(last.Event.Sequence, streams[0].Sequence);
        Assert.Equal(StreamRelation.OnlyRight, streams[1].Relation);
    }

    [Theory]
    [InlineData("phase == \"protected\"")]
    [InlineData("points.count > 1")]
    [InlineData("health == 'critical'")]
    [InlineData("replication.paused or testFailover == 'active'")]
    [InlineData("not (term < 2)")]
    public void Finds_the_first_event_after_which_a_condition_holds_whether_or_not_it_goes_on_holding(string text)
    {
        var condition = StateCondition.Parse(text);
        using var journal = RecordedJournal.OpenStore(_lives.Data);
        foreach (var id in journal.Streams)
        {
            var holds = new List<bool>();
            var replay = new StreamReplay(id, Replays);
            foreach (var recorded in journal.Read(id))
            {
                replay.Step(recorded);
                holds.Add(condition.Holds(replay.Fold.State()));
            }

            var found = new JournalBisect(journal, Replays).Run(id, condition, null, default);
            Assert.Equal(holds.IndexOf(true) + 1, found.First?.Event.Sequence ?? 0);
            Assert.Equal(holds.Prepend(false).Zip(holds).Count(pair => pair.First != pair.Second), found.ChangeCount);
            Assert.Equal(holds[^1], found.HoldsAtEnd);
        }
    }

    [Fact]
    public void Stops_at_damage_and_names_it()
    {
        var at = _lives.Events("web-1")[10];
        _lives.Tamper(at, stored => stored with { Actor = "mallory" });
        using var journal = RecordedJournal.OpenStore(_lives.Data);

        var exception = Assert.Throws<ReplayException>(() => new JournalBisect(journal, Replays).Run(
            at.Id, StateCondition.Parse("term > 1000"), null, default));
        Assert.Equal((at.Id, 11), (exception.Damage.Stream!.Value, exception.Damage.Sequence!.Value));
        Assert.NotNull(StreamReplay.At(journal, at.Id, 10, Replays).Last);
    }

    [Fact]
    public void Explains_a_name_that_is_not_there()
    {
        using var journal = RecordedJournal.OpenStore(_lives.Data);

        Assert.Equal(RecordedLives.Id("web-1"), journal.Find("protected-vm|default|web-1"));
        Assert.Contains("web-1", Assert.Throws<ReplayRefusedException>(() => journal.Find("web-7")).Message,
            StringComparison.Ordinal);
    }
}
