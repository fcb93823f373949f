using ReplicationEngine.Persistence.Replay;

namespace ReplicationEngine.Tests.Persistence.Replay;

public sealed class Exporting_and_importing : IDisposable
{
    private readonly RecordedLives _lives = new RecordedLives().Record(5, 60, "web-1", "web-2");

    public void Dispose() => _lives.Dispose();

    [Fact]
    public async Task Bring_back_exactly_what_there_was()
    {
        var first = _lives.Export("first");
        var copy = _lives.New("copy");
        Import(first, copy);
        Assert.Equal(
            [Path.Combine(copy, "journal.db"), Path.Combine(copy, "journal.db.lock")],
            Directory.GetFiles(copy).Order(StringComparer.Ordinal));

        using (var journal = RecordedJournal.OpenStore(copy))
        {
            new JournalExport(journal, []).Write(_lives.New("second"), null, default);
        }

        Assert.Equal(await File.ReadAllBytesAsync(first), await File.ReadAllBytesAsync(_lives.New("second")));
        Assert.True(_lives.Verify(Path.Combine(copy, RecordedJournal.FileName)).IsSound);
        Assert.True(_lives.Verify(first).IsSound);
    }

    [Fact]
    public void Of_some_streams_leave_the_others_out()
    {
        var some = _lives.Export("some", "web-2");
        Import(some, _lives.New("copy"));

        using var journal = RecordedJournal.OpenStore(_lives.New("copy"));
        Assert.Equal([RecordedLives.Id("web-2")], journal.Streams);
        Assert.Equal(_lives.Events("web-2").Select(e => e.Event.Hash), journal.ReadAll().Select(e => e.Event.Hash));
        Assert.True(_lives.Verify(some).IsSound);
        Assert.True(_lives.Verify(_lives.New("copy")).IsSound);
    }

    [Fact]
    public void Never_overwrite_anything()
    {
        var file = _lives.Export("first");
        using var journal = RecordedJournal.Open(file);

        Assert.Throws<ReplayRefusedException>(() => JournalImport.Run(journal, _lives.Data, null, default));
        Assert.Throws<ReplayRefusedException>(() => new JournalExport(journal, []).Write(file, null, default));
        Assert.True(_lives.Verify().IsSound);
    }

    [Fact]
    [Trait("Req", "I7")]
    public void Refuse_a_file_with_one_flipped_bit_anywhere_and_name_the_place()
    {
        var sound = File.ReadAllBytes(_lives.Export("sound"));
        var path = _lives.New("flipped");
        for (var at = 0; at < sound.Length; at += 101)
        {
            var bytes = (byte[])sound.Clone();
            bytes[at] ^= (byte)(1 << (at % 8));
            File.WriteAllBytes(path, bytes);

            var exception = Record.Exception(() => Import(path, _lives.New("never")));
            Assert.IsType<ExportDamagedException>(exception);
            Assert.Matches("byte|RPJEXP02|checksum", exception.Message);
            Assert.False(File.Exists(Path.Combine(_lives.New("never"), RecordedJournal.FileName)));
        }
    }

    [Fact]
    [Trait("Req", "I7")]
    public void Refuse_a_file_that_was_cut_anywhere_and_name_the_place()
    {
        var sound = File.ReadAllBytes(_lives.Export("sound"));
        var path = _lives.New("cut");
        for (var length = 0; length < sound.Length; length += 97)
        {
            File.WriteAllBytes(path, sound[..length]);

            var exception = Assert.Throws<ExportDamagedException>(() => RecordedJournal.Open(path).Dispose());
            Assert.Contains(length == 0 ? "it is empty" : "byte", exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("Req", "I7")]
    public void Let_a_damaged_file_be_verified_with_the_event_named()
    {
        var bytes = File.ReadAllBytes(_lives.Export("sound"));
        var at = _lives.Events("web-1")[8];
        var payload = bytes.AsSpan().IndexOf(at.Event.Payload);
        bytes[payload + 2] ^= 4;
        File.WriteAllBytes(_lives.New("flipped"), bytes);

        var damages = _lives.Verify(_lives.New("flipped")).Damages;
        Assert.All(damages, damage => Assert.Equal(
            (at.Id, at.Event.Sequence, at.Event.Name), (damage.Stream!.Value, damage.Sequence!.Value, damage.Name)));
        Assert.Contains(damages, damage => damage.Kind == DamageKind.File);
        Assert.Contains(damages, damage => damage.Kind == DamageKind.Seal);
    }

    [Fact]
    public void Keep_the_damage_of_a_damaged_journal_and_refuse_to_import_it()
    {
        var at = _lives.Events("web-1")[8];
        _lives.Tamper(at, stored => stored with { Actor = "mallory" });
        var file = _lives.Export("damaged");

        Assert.Contains(_lives.Verify(file).Damages, damage => damage.Kind == DamageKind.Seal
            && damage.Sequence == at.Event.Sequence);
        var exception = Assert.Throws<ReplayException>(() => Import(file, _lives.New("never")));
        Assert.Equal(at.Event.Sequence, exception.Damage.Sequence);
        Assert.False(File.Exists(Path.Combine(_lives.New("never"), RecordedJournal.FileName)));
    }

    [Fact]
    public void Keep_a_record_that_cannot_be_read_and_refuse_to_import_it()
    {
        var at = _lives.Events("web-1")[8];
        _lives.Sql($"UPDATE journal SET message=x'0102' WHERE ordering={at.Position}");
        var file = _lives.Export("damaged");

        Assert.Contains(_lives.Verify(file).Damages, damage => damage.Kind == DamageKind.Unreadable
            && damage.Sequence == at.Event.Sequence && damage.Name == at.Event.Name);
        var exception = Assert.Throws<ReplayException>(() => Import(file, _lives.New("never")));
        Assert.Equal(at.Event.Sequence, exception.Damage.Sequence);
    }

    [Fact]
    public void Refuse_an_export_of_the_former_version_with_one_sentence()
    {
        var bytes = File.ReadAllBytes(_lives.Export("sound"));
        bytes[7] = (byte)'1';
        File.WriteAllBytes(_lives.New("former"), bytes);

        foreach (var open in new[] { RecordedJournal.Open, RecordedJournal.OpenDamaged })
        {
            var refused = Assert.Throws<ReplayRefusedException>(() => open(_lives.New("former")));
            Assert.Contains("export of version 1", refused.Message, StringComparison.Ordinal);
        }
    }

    private static void Import(string file, string directory)
    {
        using var journal = RecordedJournal.Open(file);
        JournalImport.Run(journal, directory, null, default);
    }
}
