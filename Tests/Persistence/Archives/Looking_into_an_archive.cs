using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Persistence.Archives;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Tests.Persistence.Replay;

namespace ReplicationEngine.Tests.Persistence.Archives;

/// <summary>Whoever looks into a journal finds what was moved to its archive in its place.</summary>
public sealed class Looking_into_an_archive : IDisposable
{
    private static readonly DateTimeOffset s_ever = new(2100, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly RecordedLives _lives = new RecordedLives().Record(11, 120, "web-1", "web-2");

    public void Dispose() => _lives.Dispose();

    [Fact, Trait("Req", "I17")]
    public async Task An_export_is_the_same_byte_by_byte()
    {
        var before = _lives.Export("before");
        var one = _lives.Export("one-before", "web-2");
        await MoveAsync();

        Assert.Equal(await File.ReadAllBytesAsync(before), await File.ReadAllBytesAsync(_lives.Export("after")));
        Assert.Equal(await File.ReadAllBytesAsync(one), await File.ReadAllBytesAsync(_lives.Export("one", "web-2")));
    }

    [Fact, Trait("Req", "I17"), Trait("Req", "S23")]
    public async Task A_verification_judges_every_event_and_finds_the_journal_sound()
    {
        var before = _lives.Verify();
        await MoveAsync();
        var after = _lives.Verify();

        Assert.Empty(after.Damages);
        Assert.Equal(before.Events, after.Events);
        Assert.Equal(before.Streams, after.Streams);
    }

    [Fact]
    public async Task The_state_after_any_event_is_the_same()
    {
        var (replays, id) = (EntityReplays.OfTheEngine, RecordedLives.Id("web-1"));
        using var before = RecordedJournal.Open(_lives.Export("before"));
        await MoveAsync();
        using var after = RecordedJournal.OpenStore(_lives.Data);

        foreach (var sequence in new[] { 1L, 7, before.Read(id).LongCount() })
        {
            Assert.Equal(
                StreamReplay.At(before, id, sequence, replays).Fold.EncodeState(),
                StreamReplay.At(after, id, sequence, replays).Fold.EncodeState());
        }

        Assert.All(
            new JournalDiff(before, after, replays).Run(null, default),
            stream => Assert.Equal(StreamRelation.Equal, stream.Relation));
    }

    [Fact]
    public async Task An_import_of_a_journal_with_an_archive_makes_a_whole_journal()
    {
        var before = _lives.Export("before");
        await MoveAsync();
        using (var journal = RecordedJournal.OpenStore(_lives.Data))
        {
            JournalImport.Run(journal, _lives.New("copy"), null, default);
        }

        using var copy = RecordedJournal.OpenStore(_lives.New("copy"));
        new JournalExport(copy, []).Write(_lives.New("again"), null, default);
        Assert.Equal(await File.ReadAllBytesAsync(before), await File.ReadAllBytesAsync(_lives.New("again")));
    }

    [Fact, Trait("Req", "I7")]
    public async Task Every_flipped_bit_of_an_archived_file_is_found()
    {
        await MoveAsync();
        foreach (var file in Files())
        {
            var bytes = await File.ReadAllBytesAsync(file);
            foreach (var at in Enumerable.Range(0, 40).Select(i => (int)((long)bytes.Length * i / 40)))
            {
                bytes[at] ^= 1;
                await File.WriteAllBytesAsync(file, bytes);
                Assert.False(_lives.Verify(_lives.Data).IsSound, $"byte {at} of {file}");
                bytes[at] ^= 1;
            }

            await File.WriteAllBytesAsync(file, bytes);
        }

        Assert.True(_lives.Verify(_lives.Data).IsSound);
    }

    [Fact, Trait("Req", "I7")]
    public async Task A_missing_file_is_named_and_the_sound_part_comes_before_it()
    {
        await MoveAsync();
        var file = Files().Single(name => name.Contains("web-1", StringComparison.Ordinal));
        File.Delete(file);
        var refused = Assert.Throws<JournalCorruptException>(() => _lives.Export("never"));
        Assert.Contains(file, refused.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_lives.New("never")));
        Assert.True(File.Exists(_lives.Export("the other", "web-2")));

        var damage = _lives.Verify(_lives.Data).Damages;
        Assert.Contains(damage, one => one.What.Contains(file, StringComparison.Ordinal));
        using var source = RecordedJournal.OpenDamaged(_lives.Data);
        var part = JournalImport.RunSoundPart(
            source, _lives.New("copy"), EntityReplays.OfTheEngine, explain: true, null, default);
        Assert.Equal(1, part.Streams);
        Assert.Contains(part.LeftOut, left => left.Stream?.Entity == "web-1" && left.From == 1);
    }

    [Theory, Trait("Req", "I19")]
    [InlineData("zeroblob(length(commands))")]
    [InlineData("x''")]
    public async Task A_filter_that_does_not_know_its_commands_is_found(string filter)
    {
        await MoveAsync();
        _lives.Sql($"UPDATE archive SET commands={filter}");

        Assert.Equal(2, _lives.Verify(_lives.Data).Damages.Count(
            damage => damage.What.Contains("filter for other commands", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_archived_file_is_an_export_of_its_own_whose_seals_are_judged()
    {
        await MoveAsync();
        await MoveMoreAsync();
        foreach (var file in Files())
        {
            using var journal = RecordedJournal.Open(file);
            var id = Assert.Single(journal.Streams);
            var verified = new JournalVerification(journal, EntityReplays.OfTheEngine).Run(null, default);
            Assert.Empty(verified.Damages);
            var begins = journal.BeginsBehind(id).Sequence;
            Assert.Equal(begins == 0 ? verified.Events : 0, Assert.Single(verified.Streams).FoldedTo);
            if (begins > 0)
            {
                Assert.Throws<ReplayRefusedException>(
                    () => StreamReplay.At(journal, id, begins + 1, EntityReplays.OfTheEngine));
            }
        }

        Assert.Contains(Files(), file => !Path.GetFileName(file).StartsWith("000000000001-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_moved_while_a_log_is_open_stays_where_it_was_for_its_reader()
    {
        using var journal = RecordedJournal.OpenStore(_lives.Data);
        var before = journal.EventCount;
        await MoveAsync();

        Assert.Equal(before, journal.ReadAll().LongCount());
        Assert.Empty(new JournalVerification(journal, EntityReplays.OfTheEngine).Run(null, default).Damages);
    }

    [Fact]
    public void The_filter_knows_every_command_and_few_others()
    {
        var known = Enumerable.Range(0, 5_000).Select(Id).ToList();
        var filter = CommandFilter.Of(known);

        Assert.Equal(6_254, filter.Length);
        Assert.All(known, id => Assert.True(CommandFilter.MayHold(filter, id)));
        Assert.InRange(
            Enumerable.Range(5_000, 5_000).Count(number => CommandFilter.MayHold(filter, Id(number))), 0, 100);

        foreach (var at in new[] { 0, 3_000, 6_249, 6_253 })
        {
            byte[] damaged = [.. filter];
            damaged[at] ^= 1;
            Assert.All(known, id => Assert.True(CommandFilter.MayHold(damaged, id)));
        }

        Assert.True(CommandFilter.MayHold([], known[0]));
        Assert.True(CommandFilter.MayHold(new byte[filter.Length], known[0]));

        static CommandId Id(int number) => new(new Guid(number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    }

    [Fact]
    public void The_filter_has_its_form() => Assert.Equal(
        "6ca956673db09d",
        Convert.ToHexStringLower(CommandFilter.Of([new CommandId(Guid.Empty), new CommandId(Guid.AllBitsSet)])));

    private string[] Files() =>
        Directory.GetFiles(Path.Combine(_lives.Data, JournalArchive.DirectoryName), "*", SearchOption.AllDirectories);

    private async Task MoveAsync()
    {
        var moved = await JournalArchive.RunAsync(_lives.Data, s_ever, 1, default);
        Assert.Empty(moved.Left);
        Assert.Equal(2, moved.Files);
    }

    private async Task MoveMoreAsync()
    {
        using (_lives.RecordMore(3, 1, "web-3"))
        {
            // A snapshot further on lets more go.
            var id = RecordedLives.Id("web-1");
            using var journal = RecordedJournal.OpenStore(_lives.Data);
            var last = journal.Read(id).Last(recorded => recorded.Event.EndsCommand).Event;
            _lives.Define($"DELETE FROM snapshot WHERE persistence_id='{id}' AND sequence_number<(SELECT "
                + $"max(sequence_number) FROM snapshot WHERE persistence_id='{id}')");
            _lives.Sql(
                "UPDATE snapshot SET sequence_number=$1 WHERE persistence_id=$2", last.Sequence, id.ToString());
        }

        Assert.Equal(1, (await JournalArchive.RunAsync(_lives.Data, s_ever, 1, default)).Files);
    }
}
