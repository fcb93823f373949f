using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;

namespace ReplicationEngine.Tests.Persistence.Replay;

/// <summary>What can be saved of a damaged log, and what is said of the rest.</summary>
[Trait("Req", "I7")]
public sealed class Importing_the_sound_part : IDisposable
{
    private readonly RecordedLives _lives = new RecordedLives().Record(7, 120, "web-1", "web-2");

    public void Dispose() => _lives.Dispose();

    [Fact]
    public void Of_a_sound_log_leaves_nothing_out()
    {
        var part = Import(_lives.File);

        Assert.Empty(part.LeftOut);
        Assert.Equal((_lives.Verify().Events, 2), (part.Events, part.Streams));
        using var journal = RecordedJournal.OpenStore(_lives.New("copy"));
        new JournalExport(journal, []).Write(_lives.New("second"), null, default);
        Assert.Equal(File.ReadAllBytes(_lives.Export("first")), File.ReadAllBytes(_lives.New("second")));
    }

    [Fact]
    public void Takes_each_stream_up_to_its_first_damage_and_names_what_it_leaves_out()
    {
        var at = _lives.Events("web-1").First(recorded => recorded.Event.Sequence > 20 && recorded.Event.EndsCommand);
        _lives.Tamper(at, stored => stored with { Actor = "mallory" });

        var part = Import(_lives.File);
        Left(part, at, "its content does not match its seal");
        Assert.Equal(_lives.Events("web-2").Count, Events("web-2").Count);
    }

    [Fact]
    public void Cuts_at_the_end_of_a_command()
    {
        var events = _lives.Events("web-1");
        var first = events.First(recorded => recorded.Event.Sequence > 20 && !recorded.Event.EndsCommand);
        var at = events[(int)first.Event.Sequence];
        _lives.Sql($"UPDATE journal SET message=x'0102' WHERE ordering={at.Position}");

        var left = Left(Import(_lives.File), at, "damaged");
        Assert.True(left.From <= first.Event.Sequence);
    }

    [Fact]
    public void Takes_a_damaged_export_up_to_the_damage()
    {
        var at = _lives.Events("web-1").First(recorded => recorded.Event.Sequence > 20 && recorded.Event.EndsCommand);
        var bytes = File.ReadAllBytes(_lives.Export("flipped"));
        bytes[bytes.AsSpan().IndexOf(at.Event.Payload) + 2] ^= 4;
        File.WriteAllBytes(_lives.New("flipped"), bytes);

        Left(Import(_lives.New("flipped")), at, "does not match its seal", "the checksum of its record at byte");
    }

    [Fact]
    public void Takes_a_cut_export_up_to_the_cut()
    {
        var bytes = File.ReadAllBytes(_lives.Export("whole"));
        var events = _lives.Events("web-1");
        var cut = bytes.AsSpan().IndexOf(events[events.Count / 2].Event.Payload) + 2;
        File.WriteAllBytes(_lives.New("cut"), bytes[..cut]);

        var part = Import(_lives.New("cut"));
        foreach (var vm in new[] { "web-1", "web-2" })
        {
            var left = Assert.Single(
                part.LeftOut, left => left.Stream == RecordedLives.Id(vm) && left.From is not null);
            Assert.Equal(Events(vm).Count + 1, left.From);
            Assert.Equal(_lives.Events(vm).Count, left.To);
        }

        Assert.Contains(part.LeftOut, left => left.Reason.Contains("cut off", StringComparison.Ordinal));
    }

    [Fact]
    public void Goes_on_behind_a_damaged_page_with_the_streams_that_it_holds_nothing_of()
    {
        var connection = _lives.RecordMore(5, 60, "web-3");
        connection.Dispose();
        var at = _lives.Events("web-1").First(recorded => recorded.Event.Sequence > 30);
        DamagedPages.OverwritePagesWith(_lives.File, at.Record);

        var part = Import(_lives.File);
        Assert.Equal(3, part.Streams);
        Assert.DoesNotContain(part.LeftOut, left => left.Stream == RecordedLives.Id("web-3"));
        Assert.True(Events("web-3").Count > 10);
        var left = Assert.Single(part.LeftOut, left => left.Stream == at.Id && left.From is not null);
        Assert.Equal(Events("web-1").Count + 1, left.From);
        Assert.True(left.From <= at.Event.Sequence);
        Assert.Contains(part.LeftOut, left => left.Stream is null
            && left.Reason.Contains("of the feed cannot be read", StringComparison.Ordinal));
    }

    [Fact]
    public void Makes_anew_what_stands_beside_the_records()
    {
        _lives.Sql("UPDATE journal SET tags=NULL, identifier=4, deleted=1 WHERE sequence_number=5");
        Assert.NotEmpty(_lives.Verify().Damages);

        Assert.Empty(Import(_lives.File).LeftOut);
    }

    [Fact]
    public void Leaves_out_a_snapshot_that_is_wrong_and_keeps_the_events()
    {
        _lives.Sql("UPDATE snapshot SET snapshot=x'0102' WHERE persistence_id LIKE '%web-1'");

        var part = Import(_lives.File);
        Assert.All(part.LeftOut, left => Assert.Equal((RecordedLives.Id("web-1"), null), (left.Stream, left.From)));
        Assert.Equal(_lives.Verify().Events, part.Events);
        using var journal = RecordedJournal.OpenStore(_lives.New("copy"));
        Assert.All(journal.Snapshots, snapshot => Assert.Equal("web-2", snapshot.Id.Entity));
    }

    [Fact]
    public void Takes_events_that_no_longer_follow_from_their_commands_when_that_is_asked_for()
    {
        var codec = new ProtectedVmCodec();
        _lives.Forge("web-1", 2, stored =>
        {
            var started = (ProtectedVmEvent.EnableStarted)codec.Decode(stored.Name, stored.Payload);
            return stored with { Payload = codec.Encode(started with { By = "mallory" }).Payload };
        });

        Assert.Equal(1, Import(_lives.File).Streams);
        Directory.Delete(_lives.New("copy"), recursive: true);
        using var source = RecordedJournal.OpenDamaged(_lives.File);
        var part = JournalImport.RunSoundPart(
            source, _lives.New("copy"), EntityReplays.OfTheEngine, explain: false, null, default);
        Assert.Equal(2, part.Streams);
    }

    [Fact]
    public void Refuses_a_log_of_which_nothing_is_sound()
    {
        _lives.Sql("UPDATE journal SET message=x'0102'");

        var refused = Assert.Throws<ReplayRefusedException>(() => Import(_lives.File));
        Assert.Contains("event 1 of protected-vm|default|web-1", refused.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_lives.New("copy"), RecordedJournal.FileName)));
    }

    // Whatever is imported is sound.
    private ImportedPart Import(string file)
    {
        using var source = RecordedJournal.OpenDamaged(file);
        var part = JournalImport.RunSoundPart(
            source, _lives.New("copy"), EntityReplays.OfTheEngine, explain: true, null, default);
        Assert.Empty(_lives.Verify(Path.Combine(_lives.New("copy"), RecordedJournal.FileName)).Damages);
        return part;
    }

    private List<RecordedEvent> Events(string vm)
    {
        using var journal = RecordedJournal.OpenStore(_lives.New("copy"));
        return [.. journal.Read(RecordedLives.Id(vm))];
    }

    private LeftOut Left(ImportedPart part, RecordedEvent at, params string[] reasons)
    {
        var kept = Events(at.Id.Entity);
        var left = Assert.Single(part.LeftOut, left => left.Stream == at.Id && left.From is not null);
        Assert.True(kept[^1].Event.EndsCommand);
        Assert.Equal((kept.Count + 1, _lives.Events(at.Id.Entity).Count), (left.From, left.To));
        Assert.InRange(at.Event.Sequence, left.From!.Value, left.To!.Value);
        Assert.Contains($"event {at.Event.Sequence} of {at.Id}", left.Reason, StringComparison.Ordinal);
        Assert.Contains(reasons, reason => left.Reason.Contains(reason, StringComparison.Ordinal));
        return left;
    }
}
