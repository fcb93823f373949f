using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicationLog;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Checks whether disks hold the last writes recorded in the log: a sample of the newest completed changes, taken
/// before anything is redone. A disk that was restored from a backup does not hold them.
/// </summary>
/// <remarks>
/// Changes are taken newest first, and of each only the bytes that no newer one writes; those not known to be completed
/// only cover, because the disk may hold them or not. Extents that are marked dirty are left out: a write there may
/// have failed. Only after the death of a process: a power failure may lose completed changes that were not flushed. A
/// disk whose change time is older than a completed change does not hold it, whatever the sample shows.
/// </remarks>
internal sealed class LogAgreement(
    IReadOnlyList<LogSegment> chain, IReadOnlyList<IBlockDevice> devices, IReadOnlyList<ExtentBits> dirty)
{
    private const int MostRecords = 1 << 20;
    private static readonly TimeSpan ClockGrain = TimeSpan.FromMilliseconds(50);
    private const long MostBytes = 32L << 20;
    private readonly CoveredRanges[] _covered = [.. devices.Select(_ => new CoveredRanges())];
    private readonly HashSet<int> _differing = [];
    private byte[] _record = new byte[64 << 10];
    private byte[] _onDisk = new byte[64 << 10];
    private readonly DateTimeOffset?[] _written = new DateTimeOffset?[devices.Count];
    private long _compared;
    private int _looked;

    /// <summary>Returns the disks that do not hold the completed changes.</summary>
    /// <param name="completed">The number up to which the changes are completed on the disks.</param>
    /// <param name="changed">The time at which each disk was last changed; null if unknown.</param>
    /// <exception cref="BlockDeviceException">A disk cannot be read.</exception>
    public IReadOnlySet<int> Differing(Lsn completed, IReadOnlyList<DateTimeOffset?> changed)
    {
        for (var i = chain.Count - 1; i >= 0 && HasMore(); i--)
        {
            var records = RecordsOf(chain[i]);
            for (var r = records.Count - 1; r >= 0 && HasMore(); r--)
            {
                Check(chain[i], records[r].Offset, records[r].Header, completed);
            }
        }

        for (var disk = 0; disk < devices.Count; disk++)
        {
            if (changed[disk] + ClockGrain < _written[disk])
            {
                _differing.Add(disk);
            }
        }

        return _differing;
    }

    private bool HasMore() => _compared < MostBytes && _looked < MostRecords;

    /// <summary>Returns the records of a segment that change bytes, oldest first.</summary>
    private static List<(long Offset, ChangeHeader Header)> RecordsOf(LogSegment segment)
    {
        var records = new List<(long, ChangeHeader)>();
        var reader = new RecordReader();
        for (var offset = (long)LogSegmentHeader.Size; offset < segment.Used;)
        {
            if (reader.ReadHead(segment.File, offset, segment.Used, out var header) != RecordFound.Head)
            {
                break;
            }

            if (header.Kind is ChangeKind.Write or ChangeKind.Zeroes)
            {
                records.Add((offset, header));
            }

            offset += header.EncodedLength;
        }

        return records;
    }

    private void Check(LogSegment segment, long offset, in ChangeHeader header, Lsn completed)
    {
        _looked++;
        if (header.Disk >= devices.Count || header.Offset < 0 || header.Length <= 0
            || header.Offset > devices[header.Disk].Length - header.Length)
        {
            return;
        }

        if (header.Lsn.Value <= completed.Value)
        {
            _written[header.Disk] ??= header.Time;
        }

        var fresh = _covered[header.Disk].Cover(header.Offset, header.Offset + header.Length);
        if (header.Lsn.Value > completed.Value || fresh.Count == 0)
        {
            return;
        }

        var data = ReadOnlySpan<byte>.Empty;
        if (header.Kind == ChangeKind.Write)
        {
            var record = Buffer(ref _record, header.EncodedLength);
            record[segment.File.Read(offset, record)..].Clear();
            if (!ChangeRecord.VerifyData(record, header))
            {
                // The redo finds the damage and discards the log.
                return;
            }

            data = record.Slice(ChangeRecord.DataOffset(header.DataLength), header.DataLength);
        }

        foreach (var (start, end) in fresh)
        {
            Compare(header.Disk, start, data.IsEmpty ? data : data[(int)(start - header.Offset)..], end);
        }
    }

    private void Compare(int disk, long start, ReadOnlySpan<byte> expected, long end)
    {
        const int step = 1 << 20;
        for (var at = start; at < end && _compared < MostBytes; at += step)
        {
            var length = (int)Math.Min(step, end - at);
            var run = ChangeMap.RunOf(at, length);
            if (dirty[disk][run.First] || dirty[disk][run.Last])
            {
                continue;
            }

            var found = Buffer(ref _onDisk, length);
            devices[disk].Read(at, found);
            _compared += length;
            var isSame = expected.IsEmpty ? !found.ContainsAnyExcept((byte)0)
                : found.SequenceEqual(expected.Slice((int)(at - start), length));
            if (!isSame)
            {
                _differing.Add(disk);
                return;
            }
        }
    }

    private static Span<byte> Buffer(ref byte[] buffer, int length)
    {
        if (buffer.Length < length)
        {
            buffer = new byte[length];
        }

        return buffer.AsSpan(0, length);
    }
}
