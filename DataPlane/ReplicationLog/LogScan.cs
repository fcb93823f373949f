using System.Globalization;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicationLog;

/// <summary>
/// The content of the log's files at its opening: the chain of sound segments from the oldest, and the reason where it
/// ends.
/// </summary>
/// <remarks>
/// <para>A record belongs to the chain if its head's checksum is right and it has the segment's generation and the next
/// number. Every segment but the newest must end exactly where its successor records. The data of the records is not
/// read here: <see cref="ChangeLog.Read"/> and the redo check it when they use it.</para>
/// <para>The end of the newest segment. A file that was never used before grows with each write, so a process that is
/// killed within a write leaves a last record that the end of the file truncates: it was never acknowledged, and the
/// log ends before it. Anything else behind the last sound record is damage. A file that was used before holds old
/// bytes, so each write puts an end mark of zero bytes behind its records. A missing mark may be a torn write or
/// damage, and is treated as damage: then nothing is redone and the active extents are compared, which is right in both
/// cases.</para>
/// </remarks>
internal sealed class LogScan
{
    private readonly RecordReader _reader = new();
    private readonly List<LogSegment> _chain = [];

    private LogScan()
    {
    }

    /// <summary>The sound segments, oldest first, none of them empty.</summary>
    public IReadOnlyList<LogSegment> Chain => _chain;

    /// <summary>The names of files that are not part of the chain.</summary>
    public List<string> Strays { get; } = [];

    /// <summary>The damage that ends the chain too early; null if all is sound.</summary>
    public string? Damage { get; private set; }

    /// <summary>The highest LSN in any file, also outside the chain.</summary>
    public Lsn HighestLsn { get; private set; }

    /// <summary>The highest generation in any file.</summary>
    public Generation HighestGeneration { get; private set; }

    /// <summary>The highest segment number in any file.</summary>
    public long HighestSequence { get; private set; }

    /// <summary>The highest LSN up to which, by the chain's records, the source's disks had every change.</summary>
    public Lsn Completed { get; private set; }

    /// <summary>The last record of the chain with its mark; default if there is none.</summary>
    public MarkedPosition Last { get; private set; }

    /// <summary>The newest time of any record of the chain: when the last change was accepted.</summary>
    public DateTimeOffset LastTime { get; private set; }

    /// <summary>The position of the last record of the chain.</summary>
    public ChangePosition Tail => _chain.Count == 0 ? default : _chain[^1].Last;

    /// <summary>Reads the segments of a VM's directory.</summary>
    public static LogScan Read(IStorageDirectory directory, ProtectedVmId vm, int disks, long stride)
    {
        var scan = new LogScan();
        var names = directory.List().Where(n => n.StartsWith(ChangeLog.Prefix, StringComparison.Ordinal)).ToArray();
        var segments = names.Select(n => scan.Open(directory, n, vm, disks, stride)).ToArray();
        for (var i = 0; i < segments.Length; i++)
        {
            var isNewest = i + 1 == segments.Length;
            scan.Take(names[i], segments[i], isNewest ? null : segments[i + 1], isNewest);
        }

        return scan;
    }

    private LogSegment? Open(IStorageDirectory directory, string name, ProtectedVmId vm, int disks, long stride)
    {
        var head = new byte[LogSegmentHeader.Size];
        var file = directory.Open(name, StorageOpen.Existing);
        var header = LogSegmentHeader.Read(head.AsSpan(0, file.Read(0, head)));
        var digits = name.AsSpan(ChangeLog.Prefix.Length);
        if (long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            HighestSequence = Math.Max(HighestSequence, number);
        }

        if (header is null || header.Vm != vm || header.Sequence != number)
        {
            file.Dispose();
            return null;
        }

        Note(new ChangePosition(header.Generation, new Lsn(header.FirstLsn.Value - 1)));
        return new LogSegment(file, name, header, disks, stride);
    }

    private void Take(string name, LogSegment? segment, LogSegment? next, bool newest)
    {
        if (segment is null)
        {
            Damage ??= $"the log segment '{name}' has no valid header";
            Strays.Add(name);
            return;
        }

        if (Damage is null)
        {
            Damage = Unlinked(segment);
            if (Damage is null)
            {
                _chain.Add(segment);
                Damage = Walk(segment, next?.Header, newest);
            }
        }

        if (_chain.Contains(segment) && segment.Used > LogSegmentHeader.Size)
        {
            return;
        }

        // The segment is outside the chain, or its writer stopped before the first record.
        _chain.Remove(segment);
        Strays.Add(name);
        segment.Dispose();
    }

    private string? Unlinked(LogSegment segment)
    {
        if (_chain.Count == 0)
        {
            return null;
        }

        var (previous, header) = (_chain[^1], segment.Header);
        var follows = header.OpensGeneration
            ? header.Generation.Value > previous.Header.Generation.Value
            : header.Generation == previous.Header.Generation && header.FirstLsn.Value == previous.Last.Lsn.Value + 1;
        return follows && header.PreviousSequence == previous.Header.Sequence && header.PreviousEnd == previous.Used
            ? null
            : $"the log segment '{segment.Name}' does not follow '{previous.Name}'";
    }

    /// <summary>Publishes a segment's sound records; returns the damage behind them, or null.</summary>
    private string? Walk(LogSegment segment, LogSegmentHeader? next, bool newest)
    {
        var file = segment.File;
        var length = file.Length;
        var end = next is not null && next.PreviousSequence == segment.Header.Sequence
            ? Math.Min(next.PreviousEnd, length) : length;
        while (segment.Used < end)
        {
            var offset = segment.Used;
            var found = _reader.ReadHead(file, offset, end, out var header);
            if (found == RecordFound.Head)
            {
                Note(new ChangePosition(header.Generation, header.Lsn));
            }

            var due = found == RecordFound.Head && header.Generation == segment.Header.Generation
                && header.Lsn.Value == segment.Last.Lsn.Value + 1 && header.Disk < segment.Disks;
            if (!due || offset + header.EncodedLength > end)
            {
                return newest ? TailDamage(segment, due ? RecordFound.CutShort : found, length)
                    : $"the log segment '{segment.Name}' is damaged at byte {offset}";
            }

            segment.Publish(header.ChangesDisk ? header.Disk : null, header.Lsn, header.Lsn, header.EncodedLength);
            Completed = new Lsn(Math.Max(Completed.Value, header.CompletedLsn.Value));
            Last = new MarkedPosition(segment.Last, HistoryMark.Of(header));
            LastTime = header.Time > LastTime ? header.Time : LastTime;
        }

        return newest && segment.Header.Reused ? TailDamage(segment, RecordFound.CutShort, length) : null;
    }

    private string? TailDamage(LogSegment segment, RecordFound found, long length)
    {
        var sound = segment.Header.Reused
            ? length - segment.Used >= RecordBatch.EndMark && _reader.IsEndMark(segment.File, segment.Used, length)
            : found == RecordFound.CutShort;
        return sound ? null : $"the log segment '{segment.Name}' is torn or damaged at byte {segment.Used}";
    }

    private void Note(ChangePosition seen)
    {
        HighestLsn = new Lsn(Math.Max(HighestLsn.Value, seen.Lsn.Value));
        HighestGeneration = new Generation(Math.Max(HighestGeneration.Value, seen.Generation.Value));
    }
}
