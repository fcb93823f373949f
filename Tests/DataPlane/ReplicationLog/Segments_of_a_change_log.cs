using System.Buffers;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicationLog;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Simulation.Storage;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.ReplicationLog;

/// <summary>The log's files by themselves: what is appended, read, freed, and found at an opening.</summary>
public sealed class Segments_of_a_change_log
{
    private static readonly ProtectedVmId Vm = new("vm");
    private readonly SimulatedStorage _storage = new(1);
    private Lsn _newest;

    private static LogOptions Options => new(Vm, 1, 64 << 10, 4 << 20, default);

    private IStorageDirectory Directory => _storage.Root;

    [Theory]
    [InlineData(1)]
    [InlineData(300)]
    [InlineData(100_000)]
    public void What_is_read_is_what_was_appended_whatever_the_size_of_the_reads(int maxBytes)
    {
        var log = Open();
        for (var i = 0; i < 60; i++)
        {
            Append(log, 1 + (i * 997 % 70_000));
        }

        var (after, lengths) = (default(ChangePosition), new List<int>());
        var buffer = new ArrayBufferWriter<byte>();
        while (log.Read(ref after, buffer, maxBytes) > 0)
        {
        }

        for (var at = 0; at < buffer.WrittenCount;)
        {
            Assert.True(ChangeRecord.TryReadHeader(buffer.WrittenSpan[at..], out var header));
            Assert.True(ChangeRecord.VerifyData(buffer.WrittenSpan[at..], header));
            lengths.Add(header.DataLength);
            at += header.EncodedLength;
        }

        Assert.Equal(Enumerable.Range(0, 60).Select(i => 1 + (i * 997 % 70_000)), lengths);
        Assert.Equal(new ChangePosition(new Generation(1), _newest), after);
    }

    [Theory]
    [Trait("Req", "I16")]
    [InlineData(false)]
    [InlineData(true)]
    public void Bytes_written_behind_a_place_are_exact_and_markers_are_none(bool reopened)
    {
        var log = Open();
        var written = new List<int>();
        for (var i = 0; i < 60; i++)
        {
            if (i % 3 == 0)
            {
                written.Add(0);
                Mark(log);
            }
            else
            {
                written.Add(ChangeRecord.EncodedLength(1 + (i * 997 % 9_000)));
                Append(log, 1 + (i * 997 % 9_000));
            }
        }

        if (reopened)
        {
            log.Sync();
            log.Dispose();
            log = new ChangeLog(Directory, Options, Scan());
        }

        for (var lsn = 0; lsn <= 60; lsn++)
        {
            Assert.Equal(
                written.Skip(lsn).Sum(), log.WrittenAfter(new ChangePosition(new Generation(1), new Lsn(lsn))));
        }
    }

    [Fact]
    public void A_read_can_begin_behind_any_change()
    {
        var log = Open();
        for (var i = 0; i < 40; i++)
        {
            Append(log, 5_000);
        }

        for (var lsn = 0; lsn < 40; lsn++)
        {
            var after = new ChangePosition(new Generation(1), new Lsn(lsn));
            Assert.True(log.CanFollow(after));
            var buffer = new ArrayBufferWriter<byte>();
            Assert.True(log.Read(ref after, buffer, 1) > 0);
            Assert.True(ChangeRecord.TryReadHeader(buffer.WrittenSpan, out var header));
            Assert.Equal(lsn + 1, header.Lsn.Value);
        }
    }

    [Fact]
    public void Freed_segments_are_used_again_and_a_place_before_them_cannot_be_followed()
    {
        var log = Open();
        for (var i = 0; i < 100; i++)
        {
            Append(log, 20_000);
            log.DropThrough(new ChangePosition(new Generation(1), new Lsn(_newest.Value - 1)), _newest);
        }

        Assert.False(log.CanFollow(new ChangePosition(new Generation(1), new Lsn(5))));
        Assert.True(_storage.Paths().Count <= 4);
        log.Dispose();
        var scan = Scan();
        Assert.Null(scan.Damage);
        Assert.True(scan.Chain[^1].Header.Reused);
        Assert.Equal(_newest, scan.Tail.Lsn);
    }

    [Fact]
    public void A_change_that_is_not_on_the_sources_disk_yet_stays_in_the_log()
    {
        var log = Open();
        for (var i = 0; i < 40; i++)
        {
            Append(log, 20_000);
        }

        log.DropThrough(new ChangePosition(new Generation(1), _newest), new Lsn(2));
        Assert.True(log.CanFollow(new ChangePosition(new Generation(1), new Lsn(2))));
        log.DropThrough(new ChangePosition(new Generation(1), _newest), _newest);
        Assert.False(log.CanFollow(new ChangePosition(new Generation(1), new Lsn(2))));
    }

    [Fact]
    public void A_record_torn_at_the_end_of_a_new_file_is_no_damage_and_ends_the_log()
    {
        for (var cut = 1; cut < 5000; cut += 123)
        {
            var storage = new SimulatedStorage(cut);
            _newest = default;
            var log = Open(storage.Root);
            Append(log, 100);
            Append(log, 4096);
            using (var file = storage.Root.Open(storage.Paths()[0], StorageOpen.Existing))
            {
                file.SetLength(file.Length - Math.Min(cut, ChangeRecord.EncodedLength(4096)));
            }

            var scan = LogScan.Read(storage.Root, Vm, 1, 1000);
            Assert.Null(scan.Damage);
            Assert.Equal(1, scan.Tail.Lsn.Value);
        }
    }

    [Fact]
    [Trait("Req", "I7")]
    public void A_record_with_any_byte_flipped_is_never_read_as_sound()
    {
        // The last four bytes are padding.
        for (var back = 5; back <= ChangeRecord.EncodedLength(64); back++)
        {
            var storage = new SimulatedStorage(back);
            _newest = default;
            var log = Open(storage.Root);
            Append(log, 64);
            Append(log, 64);
            var path = storage.Paths()[0];
            storage.Flip(path, storage.LengthOf(path) - back, 5);
            log.Dispose();
            var scan = LogScan.Read(storage.Root, Vm, 1, 1000);
            var again = new ChangeLog(storage.Root, new LogOptions(Vm, 1, 64 << 10, 1 << 20, default), scan);
            var after = default(ChangePosition);
            var isFound = scan.Damage is not null || scan.Tail.Lsn.Value == 1;
            Assert.True(isFound || Record.Exception(() => ReadAll(again, ref after)) is ReplicationLogCorruptException);
        }
    }

    [Fact]
    public void A_segment_that_is_missing_in_the_middle_ends_the_chain_before_it()
    {
        var log = Open();
        for (var i = 0; i < 20; i++)
        {
            Append(log, 20_000);
        }

        log.Dispose();
        var names = Directory.List();
        Assert.True(names.Count > 3);
        Directory.Delete(names[1]);
        var scan = Scan();
        Assert.NotNull(scan.Damage);
        Assert.Equal([names[0]], scan.Chain.Select(s => s.Name));
        Assert.Equal(names.Skip(2), scan.Strays);
    }

    [Fact]
    public void A_new_generation_has_a_segment_of_its_own_that_any_older_place_can_be_followed_by()
    {
        var log = Open();
        Append(log, 100);
        log.BeginGeneration(new Generation(7));
        Append(log, 100);
        log.DropThrough(new ChangePosition(new Generation(1), new Lsn(1)), new Lsn(1));
        Assert.True(log.CanFollow(new ChangePosition(new Generation(3), new Lsn(999))));
        Assert.False(log.CanFollow(new ChangePosition(new Generation(7), new Lsn(0))));
        Assert.True(log.CanFollow(new ChangePosition(new Generation(7), new Lsn(1))));
    }

    [Fact]
    public void The_head_of_a_segment_has_the_bytes_it_always_had()
    {
        var bytes = new byte[LogSegmentHeader.Size];
        var header = new LogSegmentHeader
        {
            Vm = Vm, Sequence = 5, Generation = new Generation(3), FirstLsn = new Lsn(1000), PreviousSequence = 4,
            PreviousEnd = 70_000, Reused = true, OpensGeneration = false,
            Previous = new MarkedPosition(new ChangePosition(new Generation(3), new Lsn(999)), new HistoryMark(0xABCD)),
        };
        header.Write(bytes);
        Assert.Equal(
            "7CB13E7B524C5347020001000000000005000000000000000300000000000000"
            + "E8030000000000000400000000000000701101000000000002766D",
            Convert.ToHexString(bytes, 0, 59));
        Assert.Equal("0300000000000000E703000000000000CDAB000000000000", Convert.ToHexString(bytes, 208, 24));
        Assert.Equal(header, LogSegmentHeader.Read(bytes));
        bytes[20] ^= 1;
        Assert.Null(LogSegmentHeader.Read(bytes));
    }

    private static void ReadAll(ChangeLog log, ref ChangePosition after)
    {
        while (log.Read(ref after, new ArrayBufferWriter<byte>(), 1 << 20) > 0)
        {
        }
    }

    private ChangeLog Open(IStorageDirectory? directory = null)
    {
        var log = new ChangeLog(
            directory ?? Directory, Options,
            LogScan.Read(directory ?? Directory, Vm, 1, 1000));
        log.BeginGeneration(new Generation(1));
        return log;
    }

    private void Mark(ChangeLog log)
    {
        var batch = new RecordBatch();
        batch.AddControl(ChangeKind.Marker, new byte[40]);
        var lsn = _newest.Next();
        batch.Seal(0, log.Generation, lsn, Lsn.None, DateTimeOffset.UnixEpoch);
        log.Append(batch, null, lsn, lsn);
        _newest = lsn;
    }

    private LogScan Scan() => LogScan.Read(Directory, Vm, 1, 1000);

    private void Append(ChangeLog log, int length)
    {
        var batch = new RecordBatch();
        batch.Add(BlockChange.Write(0, Enumerable.Range(0, length).Select(i => (byte)(i + length)).ToArray()));
        var lsn = _newest.Next();
        batch.Seal(0, log.Generation, lsn, Lsn.None, DateTimeOffset.UnixEpoch);
        log.Append(batch, 0, lsn, lsn);
        _newest = lsn;
    }
}
