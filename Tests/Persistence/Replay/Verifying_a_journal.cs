using System.Text;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Persistence.Sqlite;

namespace ReplicationEngine.Tests.Persistence.Replay;

public sealed class Verifying_a_journal : IDisposable
{
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
    public void Works_beside_a_running_service_and_on_a_store_that_was_not_indexed()
    {
        using var store = new SqliteStore(_lives.File);
        _lives.Record(store, 3, 40, "web-3");

        var verified = _lives.Verify();
        Assert.Empty(verified.Damages);
        Assert.Contains(verified.Streams, stream => stream.Id.Entity == "web-3");
    }

    [Theory]
    [Trait("Req", "I7")]
    [Trait("Req", "S23")]
    [InlineData("payload=zeroblob(3)", DamageKind.Seal)]
    [InlineData("actor='mallory'", DamageKind.Seal)]
    [InlineData("time=time+1", DamageKind.Seal)]
    [InlineData("command=zeroblob(16)", DamageKind.Seal)]
    [InlineData("name='protected-vm.teleported.v1'", DamageKind.Unreadable)]
    [InlineData("hash=zeroblob(32)", DamageKind.Seal)]
    [InlineData("sequence=sequence+1000", DamageKind.Sequence)]
    [InlineData("owes=1-owes", DamageKind.Wake)]
    public void Names_the_event_that_was_changed(string change, DamageKind kind)
    {
        var at = LastOfACommand(7);
        _lives.Sql($"UPDATE events SET {change} WHERE position={at.Position}");

        var damages = _lives.Verify().Damages;
        Assert.Contains(damages, damage => damage.Kind == kind && damage.Stream == at.Id
            && (damage.Sequence == at.Event.Sequence || damage.Position == at.Position.Value));
        Assert.All(
            damages.Where(damage => damage.Kind is DamageKind.Seal or DamageKind.Unreadable),
            damage => Assert.InRange(damage.Sequence!.Value, at.Event.Sequence, at.Event.Sequence + 1));
    }

    [Fact]
    public void Names_the_event_that_is_missing_and_the_gap_in_the_feed()
    {
        var at = LastOfACommand(9);
        _lives.Sql($"DELETE FROM events WHERE position={at.Position}");

        var damages = _lives.Verify().Damages;
        Assert.Contains(damages, damage => damage.Kind == DamageKind.Sequence && damage.Stream == at.Id
            && damage.Sequence == at.Event.Sequence && damage.What.Contains("missing", StringComparison.Ordinal));
        Assert.Contains(damages, damage => damage.Kind == DamageKind.Feed);
    }

    [Fact]
    public void Names_the_end_that_was_cut_off()
    {
        var last = _lives.Events("web-1")[^1];
        _lives.Sql($"DELETE FROM events WHERE position={last.Position}");

        Assert.Contains(_lives.Verify().Damages, damage => damage.Kind == DamageKind.Sequence
            && damage.Stream == last.Id && damage.Sequence == last.Event.Sequence);
    }

    [Fact]
    public void Names_two_events_that_were_swapped()
    {
        var events = _lives.Events("web-1");
        var (a, b) = (events[5], events[6]);
        _lives.Sql($"""
            UPDATE events SET sequence=-1 WHERE position={a.Position};
            UPDATE events SET sequence={a.Event.Sequence} WHERE position={b.Position};
            UPDATE events SET sequence={b.Event.Sequence} WHERE position={a.Position};
            """);

        Assert.Contains(_lives.Verify().Damages, damage => damage.Kind == DamageKind.Sequence
            && damage.Stream == a.Id && damage.Sequence is 6 or 7);
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
    public void Names_an_event_that_no_command_leads_to_though_it_folds_and_all_seals_were_made_anew()
    {
        var codec = new ProtectedVmCodec();
        var at = _lives.Events("web-1").First(recorded => recorded.Event.Name == "protected-vm.enable-started.v1");
        _lives.Forge("web-1", at.Event.Sequence, stored =>
        {
            var started = (ProtectedVmEvent.EnableStarted)codec.Decode(stored.Name, stored.Payload);
            return Encoded(stored, started with { By = "mallory" });
        });

        var damage = Assert.Single(_lives.Verify().Damages);
        Assert.Equal((DamageKind.Unexplained, at.Id, at.Event.Sequence),
            (damage.Kind, damage.Stream!.Value, damage.Sequence!.Value));
    }

    [Fact]
    public async Task Names_a_snapshot_that_is_not_the_state_of_its_event()
    {
        var codec = new ProtectedVmCodec();
        using (var store = new SqliteStore(_lives.File))
        {
            var snapshot = (await store.LoadAsync(RecordedLives.Id("web-2"), default))!;
            var other = codec.EncodeState(codec.DecodeState(snapshot.Payload) with { FenceSince = 3 });
            var wrong = StoredSnapshot.Create(snapshot.Id, snapshot.Version, snapshot.Head, other);
            await store.SaveAsync(wrong, default);
        }

        var damages = _lives.Verify().Damages;
        Assert.NotEmpty(damages);
        Assert.All(damages, damage => Assert.Equal(
            (DamageKind.Snapshot, "web-2"), (damage.Kind, damage.Stream!.Value.Entity)));
    }

    [Theory]
    [InlineData("UPDATE streams SET sequence=sequence-1 WHERE entity='web-1'")]
    [InlineData("UPDATE streams SET hash=zeroblob(32) WHERE entity='web-1'")]
    [InlineData("DELETE FROM stream_index WHERE sequence=4")]
    [InlineData("UPDATE stream_index SET position=position+1 WHERE sequence=4")]
    [InlineData("UPDATE commands SET last=last+1 WHERE first=4")]
    [InlineData("DELETE FROM commands WHERE first=1")]
    public void Finds_a_projection_that_does_not_agree_with_the_streams(string sql)
    {
        _lives.Sql(sql);

        Assert.Contains(_lives.Verify().Damages, damage => damage.Kind == DamageKind.Projection);
    }

    [Fact]
    public void Says_that_the_file_cannot_be_read_where_a_page_is_damaged()
    {
        using (var file = new FileStream(_lives.File, FileMode.Open))
        {
            for (var page = file.Length / 4096 / 2; page < file.Length / 4096; page++)
            {
                file.Position = page * 4096;
                file.Write(Encoding.ASCII.GetBytes(new string('x', 600)));
            }
        }

        // Where streams or snapshots are hit it cannot even be opened.
        try
        {
            Assert.Contains(_lives.Verify().Damages, damage => damage.Kind == DamageKind.File);
        }
        catch (JournalCorruptException exception)
        {
            Assert.Contains(_lives.File, exception.Message, StringComparison.Ordinal);
        }
    }

    // The last event of a command, so that what was stored beside it is judged too.
    private RecordedEvent LastOfACommand(int from)
    {
        var events = _lives.Events("web-1");
        return events.Zip(events.Skip(1)).First(pair => pair.First.Event.Sequence >= from
            && pair.First.Event.CommandId != pair.Second.Event.CommandId).First;
    }

    private static StoredEvent Encoded(StoredEvent stored, ProtectedVmEvent @event)
    {
        var encoded = new ProtectedVmCodec().Encode(@event);
        return stored with { Name = encoded.Name, Payload = encoded.Payload };
    }
}
