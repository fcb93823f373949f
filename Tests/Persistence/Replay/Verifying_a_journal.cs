using System.Text;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Persistence.Serialization;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;

namespace ReplicationEngine.Tests.Persistence.Replay;

public sealed class Verifying_a_journal : IDisposable
{
    private static readonly ProtectedVmCodec Codec = new();
    private readonly RecordedLives _lives = new RecordedLives().Record(11, 120, "web-1", "web-2");

    public void Dispose() => _lives.Dispose();

    [Fact]
    [Trait("Req", "I17")]
    public void Finds_nothing_in_a_sound_one()
    {
        var verified = _lives.Verify();

        Assert.Empty(verified.Damages);
        Assert.Equal(["web-1", "web-2"], verified.Streams.Select(stream => stream.Id.Entity));
        Assert.All(verified.Streams, stream => Assert.Equal(stream.Events, stream.FoldedTo));
        Assert.All(verified.Streams, stream => Assert.NotNull(stream.SnapshotAt));
        Assert.Equal(verified.Events, verified.Streams.Sum(stream => stream.Events));
    }

    [Fact]
    public void Works_beside_a_running_service()
    {
        using (_lives.RecordMore(3, 40, "web-3"))
        {
            var verified = _lives.Verify();
            Assert.Empty(verified.Damages);
            Assert.Contains(verified.Streams, stream => stream.Id.Entity == "web-3");
            Assert.True(new FileInfo(_lives.File + "-wal").Length > 0);
        }
    }

    [Fact]
    public void Finds_a_copy_without_the_recent_writes_sound_as_far_as_it_goes()
    {
        using (_lives.RecordMore(3, 40, "web-3"))
        {
            File.Copy(_lives.File, _lives.New("copy"));
        }

        var verified = _lives.Verify(_lives.New("copy"));
        Assert.Empty(verified.Damages);
        Assert.DoesNotContain(verified.Streams, stream => stream.Id.Entity == "web-3");
    }

    [Fact]
    public void Makes_nothing_beside_the_file_when_nobody_writes_it()
    {
        using (var journal = RecordedJournal.OpenStore(_lives.Data, alone: true))
        {
            Assert.True(new JournalVerification(journal, EntityReplays.OfTheEngine).Run(null, default).IsSound);
            Assert.Empty(journal.CheckEnd());
            Assert.Equal(
                journal.Streams.ToDictionary(id => id, id => journal.Read(id).LongCount()), journal.Ends());
            Assert.Equal([_lives.File], Directory.GetFiles(_lives.Data));
        }
    }

    [Theory]
    [Trait("Req", "I7")]
    [Trait("Req", "S23")]
    [InlineData("message=zeroblob(3)", DamageKind.Unreadable)]
    [InlineData("message=substr(message, 1, length(message)-1)", DamageKind.Unreadable)]
    [InlineData("manifest='protected-vm.teleported.v1'", DamageKind.Unreadable)]
    [InlineData("manifest=NULL", DamageKind.Seal)]
    [InlineData("sequence_number=sequence_number+1000", DamageKind.Sequence)]
    [InlineData("tags=''", DamageKind.Row)]
    [InlineData("tags=NULL", DamageKind.Row)]
    [InlineData("tags=';00000000000000000000000000000001;'", DamageKind.Row)]
    [InlineData("identifier=4", DamageKind.Row)]
    [InlineData("identifier=NULL", DamageKind.Row)]
    [InlineData("deleted=1", DamageKind.Row)]
    public void Names_the_event_whose_row_was_changed(string change, DamageKind kind)
    {
        var at = LastOfACommand(7);
        _lives.Sql($"UPDATE journal SET {change} WHERE ordering={at.Position}");

        Named(at, kind);
    }

    [Theory]
    [Trait("Req", "I7")]
    [Trait("Req", "S23")]
    [InlineData("payload")]
    [InlineData("actor")]
    [InlineData("time")]
    [InlineData("command")]
    [InlineData("seal")]
    [InlineData("seal before")]
    [InlineData("recorded command")]
    [InlineData("recorded digest")]
    [InlineData("recorded moment")]
    [InlineData("wake mark")]
    public void Names_the_event_whose_record_was_changed(string what)
    {
        var at = LastOfACommand(7);
        _lives.Tamper(at, stored => Changed(stored, what));

        Named(at, DamageKind.Seal);
    }

    [Fact]
    public void Names_an_event_in_the_midst_of_a_command_that_is_marked_as_its_end()
    {
        var at = _lives.Events("web-1").First(recorded => !recorded.Event.EndsCommand);
        _lives.Sql($"UPDATE journal SET tags=';00000000000000000000000000000001;' WHERE ordering={at.Position}");

        var damage = Assert.Single(_lives.Verify().Damages);
        Assert.Equal((DamageKind.Row, at.Event.Sequence), (damage.Kind, damage.Sequence!.Value));
    }

    [Fact]
    public void Names_the_event_that_is_missing_and_the_gap_in_the_feed()
    {
        var at = LastOfACommand(9);
        _lives.Sql($"DELETE FROM journal WHERE ordering={at.Position}");

        var damages = _lives.Verify().Damages;
        Assert.Contains(damages, damage => damage.Kind == DamageKind.Sequence && damage.Stream == at.Id
            && damage.Sequence == at.Event.Sequence && damage.What.Contains("missing", StringComparison.Ordinal));
        Assert.Contains(damages, damage => damage.Kind == DamageKind.Feed);
    }

    [Fact]
    public void Tells_that_the_end_was_cut_off_with_and_without_reading_all()
    {
        _lives.Sql("DELETE FROM journal WHERE ordering=(SELECT max(ordering) FROM journal)");

        Assert.Contains(_lives.Verify().Damages, damage => damage.Kind == DamageKind.Feed
            && damage.What.Contains("the end was cut off", StringComparison.Ordinal));
        using var journal = RecordedJournal.OpenStore(_lives.Data);
        Assert.Contains("cut off", Assert.Single(journal.CheckEnd()).What, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_two_events_that_were_swapped()
    {
        var events = _lives.Events("web-1");
        var (a, b) = (events[5], events[6]);
        _lives.Sql($"""
            UPDATE journal SET sequence_number=-1 WHERE ordering={a.Position};
            UPDATE journal SET sequence_number={a.Event.Sequence} WHERE ordering={b.Position};
            UPDATE journal SET sequence_number={b.Event.Sequence} WHERE ordering={a.Position};
            """);

        Assert.Contains(_lives.Verify().Damages, damage => damage.Kind == DamageKind.Sequence
            && damage.Stream == a.Id && damage.Sequence is 6 or 7);
    }

    [Fact]
    public void Names_an_event_that_was_moved_to_another_stream()
    {
        var at = LastOfACommand(7);
        _lives.Sql($"""
            UPDATE journal SET persistence_id='protected-vm|default|web|9|' WHERE ordering={at.Position}
            """);

        var damages = _lives.Verify().Damages;
        Assert.Contains(damages, damage => damage.Stream == at.Id && damage.Sequence == at.Event.Sequence);
        Assert.Contains(damages, damage => damage.Stream == RecordedLives.Id("web|9|") && damage.Sequence == 1);
    }

    [Fact]
    public void Names_a_stream_that_is_another_entitys()
    {
        _lives.Sql("""
            UPDATE journal SET persistence_id='protected-vm|default|web-9' WHERE persistence_id LIKE '%web-1';
            UPDATE snapshot SET persistence_id='protected-vm|default|web-9' WHERE persistence_id LIKE '%web-1';
            """);

        var damage = Assert.Single(_lives.Verify().Damages);
        Assert.Equal((DamageKind.Stream, "web-9"), (damage.Kind, damage.Stream!.Value.Entity));
        Assert.Contains("'web-1'", damage.What, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Req", "I17")]
    public void Names_an_impossible_event_though_all_seals_were_made_anew()
    {
        var at = LastOfACommand(7);
        _lives.Forge("web-1", at.Event.Sequence, stored => Encoded(
            stored, new ProtectedVmEvent.FailbackCommitted(stored.Time)));

        var damage = Assert.Single(_lives.Verify().Damages, damage => damage.Kind == DamageKind.Impossible);
        Assert.Equal((at.Id, at.Event.Sequence), (damage.Stream!.Value, damage.Sequence!.Value));
        Assert.Equal("protected-vm.failback-committed.v1", damage.Name);
    }

    [Fact]
    [Trait("Req", "I17")]
    public void Names_an_event_that_its_command_does_not_lead_to_though_it_folds_and_all_seals_were_made_anew()
    {
        var at = Started();
        _lives.Forge("web-1", at.Event.Sequence, stored =>
        {
            var started = (ProtectedVmEvent.EnableStarted)Codec.Decode(stored.Name, stored.Payload);
            return Encoded(stored, started with { By = "mallory" });
        });

        Unexplained(at, "different content");
    }

    [Theory]
    [Trait("Req", "I17")]
    [InlineData("command")]
    [InlineData("digest")]
    public void Names_a_command_that_does_not_lead_to_its_events_though_all_seals_were_made_anew(string what)
    {
        var at = what == "digest"
            ? _lives.Events("web-1").First(recorded => recorded.Event.Command?.Digest is not null) : Started();
        var other = Codec.EncodeCommand(new ProtectedVmCommand.Pause());
        _lives.Forge("web-1", at.Event.Sequence, stored => stored with
        {
            Command = what == "digest" ? stored.Command! with { Digest = "other" }
                : stored.Command! with { Name = other.Name, Payload = other.Payload },
        });

        Unexplained(at, what == "digest" ? "different content" : "is refused");
    }

    [Fact]
    public void Names_a_wake_mark_that_does_not_follow_from_the_state_though_all_seals_were_made_anew()
    {
        var at = LastOfACommand(7);
        _lives.Forge("web-1", at.Event.Sequence, stored => stored with
        {
            Command = stored.Command! with
            {
                Wake = stored.Command.Wake with { NextDue = (stored.Command.Wake.NextDue ?? stored.Time).AddTicks(1) },
            },
        });

        var damage = Assert.Single(_lives.Verify().Damages);
        Assert.Equal((DamageKind.Wake, at.Event.Sequence), (damage.Kind, damage.Sequence!.Value));
    }

    [Fact]
    public void Names_a_command_whose_end_is_missing_or_that_is_there_twice()
    {
        var at = LastOfACommand(7);
        var before = _lives.Events("web-1").First(recorded => recorded.Event.EndsCommand);
        _lives.Forge("web-1", at.Event.Sequence, stored => stored with { Command = null });
        Assert.Contains(_lives.Verify().Damages, damage => damage.Kind == DamageKind.Command
            && damage.Sequence == at.Event.Sequence);

        _lives.Define("DROP INDEX journal_command");
        _lives.Forge("web-1", at.Event.Sequence, _ => at.Event with { CommandId = before.Event.CommandId });
        Assert.Contains(_lives.Verify().Damages, damage => damage.Kind == DamageKind.Command
            && damage.Sequence == at.Event.Sequence
            && damage.What.Contains("already occur earlier", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("state")]
    [InlineData("seal")]
    [InlineData("time")]
    [InlineData("command")]
    [InlineData("checksum")]
    [InlineData("number")]
    [InlineData("bytes")]
    [InlineData("form")]
    public void Names_a_snapshot_that_is_not_the_state_of_its_event(string what)
    {
        using (var journal = RecordedJournal.OpenStore(_lives.Data))
        {
            var recorded = journal.Snapshots.First(snapshot => snapshot.Id.Entity == "web-2");
            var snapshot = Changed(recorded.Snapshot!, what);
            _lives.Sql(
                "UPDATE snapshot SET snapshot=$1, manifest=$2 WHERE persistence_id=$3 AND sequence_number=$4",
                what == "bytes" ? [1, 2, 3] : StoredRecordForm.Encode(snapshot),
                what == "form" ? "snapshot.v9" : StoredRecordForm.SnapshotName, recorded.Id.ToString(),
                recorded.Sequence);
        }

        var damages = _lives.Verify().Damages;
        Assert.NotEmpty(damages);
        Assert.All(damages, damage => Assert.Equal(
            (DamageKind.Snapshot, "web-2"), (damage.Kind, damage.Stream!.Value.Entity)));
    }

    [Fact]
    public void Names_a_snapshot_of_an_event_that_is_not_there()
    {
        _lives.Sql(
            "UPDATE snapshot SET persistence_id='protected-vm|default|web-7' WHERE persistence_id LIKE '%web-1'");

        Assert.Contains(_lives.Verify().Damages, damage => damage.Kind == DamageKind.Snapshot
            && damage.Stream == RecordedLives.Id("web-7"));
    }

    [Theory]
    [InlineData("DROP INDEX journal_command", DamageKind.Table)]
    [InlineData("DROP INDEX journal_stream", DamageKind.Table)]
    [InlineData(
        "DROP INDEX journal_stream; CREATE INDEX journal_stream ON journal (persistence_id, sequence_number)",
        DamageKind.Table)]
    [InlineData("ALTER TABLE journal ADD COLUMN more TEXT", DamageKind.Table)]
    [InlineData("UPDATE sqlite_sequence SET seq=seq+1 WHERE name='journal'", DamageKind.Feed)]
    [InlineData("UPDATE sqlite_sequence SET seq=seq-1 WHERE name='journal'", DamageKind.Feed)]
    [InlineData("DELETE FROM sqlite_sequence", DamageKind.Feed)]
    public void Finds_a_file_whose_tables_or_counter_are_not_as_they_must_be(string sql, DamageKind kind)
    {
        _lives.Define(sql);

        Assert.Equal(kind, Assert.Single(_lives.Verify().Damages).Kind);
        using var journal = RecordedJournal.OpenStore(_lives.Data);
        Assert.Equal(kind, Assert.Single(journal.CheckEnd()).Kind);
    }

    [Fact]
    public void Refuses_a_file_of_another_form_with_one_sentence()
    {
        _lives.Define("PRAGMA application_id=1380993585");

        var refused = Assert.Throws<ReplayRefusedException>(() => _lives.Verify());
        Assert.Contains("earlier version", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Says_that_the_file_cannot_be_read_where_a_page_is_damaged()
    {
        DamagedPages.Overwrite(_lives.File, from: 0.5);

        Assert.Contains(_lives.Verify(_lives.File).Damages, damage => damage.Kind == DamageKind.File);
        try
        {
            Assert.Contains(_lives.Verify().Damages, damage => damage.Kind == DamageKind.File);
        }
        catch (JournalCorruptException exception)
        {
            // Where streams or snapshots are hit it cannot even be opened for use.
            Assert.Contains(_lives.File, exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Says_that_a_file_that_is_no_database_is_damaged()
    {
        var bytes = File.ReadAllBytes(_lives.File);
        Encoding.ASCII.GetBytes(new string('x', 200)).CopyTo(bytes, 16);
        File.WriteAllBytes(_lives.File, bytes);

        var damaged = Assert.Throws<JournalCorruptException>(() => _lives.Verify());
        Assert.Contains(_lives.File, damaged.Message, StringComparison.Ordinal);
    }

    private void Named(RecordedEvent at, DamageKind kind)
    {
        var damages = _lives.Verify().Damages;
        Assert.Contains(damages, damage => damage.Kind == kind && damage.Stream == at.Id
            && (damage.Sequence == at.Event.Sequence || damage.Position == at.Position.Value));
        Assert.All(
            damages.Where(damage => damage.Kind is DamageKind.Seal or DamageKind.Unreadable or DamageKind.Row),
            damage => Assert.InRange(damage.Sequence!.Value, at.Event.Sequence, at.Event.Sequence + 1));
    }

    private void Unexplained(RecordedEvent at, string what)
    {
        var damage = Assert.Single(_lives.Verify().Damages);
        Assert.Equal((DamageKind.Unexplained, at.Id, at.Event.Sequence),
            (damage.Kind, damage.Stream!.Value, damage.Sequence!.Value));
        Assert.Contains(what, damage.What, StringComparison.Ordinal);
        using var journal = RecordedJournal.OpenStore(_lives.Data);
        Assert.True(new JournalVerification(journal, EntityReplays.OfTheEngine, explain: false).Run(null, default)
            .IsSound);
    }

    private RecordedEvent Started() =>
        _lives.Events("web-1").First(recorded => recorded.Event.Name == "protected-vm.enable-started.v1");

    // The last event of a command, so that what was recorded with it is judged too.
    private RecordedEvent LastOfACommand(int from) => _lives.Events("web-1")
        .First(recorded => recorded.Event.Sequence >= from && recorded.Event.EndsCommand);

    private static StoredEvent Changed(StoredEvent stored, string what) => what switch
    {
        "payload" => stored with { Payload = [.. stored.Payload, 0xC0] },
        "actor" => stored with { Actor = "mallory" },
        "time" => stored with { Time = stored.Time.AddTicks(1) },
        "command" => stored with { CommandId = default },
        "seal" => stored with { Hash = ChainHash.None },
        "seal before" => stored with { Previous = ChainHash.None },
        "recorded command" => stored with { Command = stored.Command! with { Payload = [] } },
        "recorded digest" => stored with { Command = stored.Command! with { Digest = "other" } },
        "recorded moment" => stored with { Command = stored.Command! with { Steady = null } },
        _ => stored with
        {
            Command = stored.Command! with
            {
                Wake = stored.Command.Wake with { OwesEffects = !stored.Command.Wake.OwesEffects },
            },
        },
    };

    private static EntitySnapshot Changed(EntitySnapshot snapshot, string what) => what switch
    {
        "state" => EntitySnapshot.Create(
            snapshot.Version, snapshot.Head, snapshot.DecidedAt,
            Codec.EncodeState(Codec.DecodeState(snapshot.Payload) with { FenceSince = 3 }), snapshot.Commands,
            snapshot.CoversStream),
        "seal" => snapshot with { Head = snapshot.Head with { Hash = ChainHash.None } },
        "time" => snapshot with { DecidedAt = snapshot.DecidedAt.AddTicks(1) },
        "command" => snapshot with
        {
            Commands = snapshot.Commands.Items.Select(command => command with { Digest = "other" }).ToValueList(),
        },
        "checksum" => snapshot with { Checksum = ChainHash.None },
        "number" => snapshot with { Head = snapshot.Head with { Sequence = snapshot.Head.Sequence - 1 } },
        _ => snapshot,
    };

    private static StoredEvent Encoded(StoredEvent stored, ProtectedVmEvent @event)
    {
        var encoded = Codec.Encode(@event);
        return stored with { Name = encoded.Name, Payload = encoded.Payload };
    }
}
