using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Views;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Replicas.InPlace;

/// <summary>The durable state of an in-place replica.</summary>
internal sealed record InPlaceState(
    Term Term, ChangePosition Applied, bool Resyncing, ChangePosition? ConsistentFrom, long OverwrittenBytes,
    IReadOnlyList<DiskRange> Overwritten)
{
    /// <summary>The mark of the record at <see cref="Applied"/>.</summary>
    public HistoryMark Mark { get; init; }

    /// <summary>The incarnation of the latest sender; empty before the first.</summary>
    public Guid Source { get; init; }

    /// <summary>The observation of the disks at the last sync; empty if they were not observed.</summary>
    public IReadOnlyList<DiskObservation> Seen { get; init; } = [];

    /// <summary>Returns whether the disks are as they were at the last sync.</summary>
    public bool IsOf(IReadOnlyList<SourceDisk> disks) => Seen.Count == 0
        || (Seen.Count == disks.Count && Seen.Select((seen, i) => disks[i].Look?.Invoke() is not { } now
            || (!now.IsBlockDevice && now with { Written = null } == seen with { Written = null })).All(same => same));

    /// <summary>
    /// Returns this state with the content that survives starting over: the list of overwritten ranges.
    /// </summary>
    public InPlaceState After(InPlaceState? before) => before is null ? this
        : this with { OverwrittenBytes = before.OverwrittenBytes, Overwritten = before.Overwritten };

    /// <summary>Creates the state before anything was received: the disks hold the old source's last writes.</summary>
    public static InPlaceState Begin(Term term) =>
        new(term, new ChangePosition(new Generation(0), Lsn.None), true, null, 0, []);

    public InPlaceState Settle() => Resyncing && ConsistentFrom is { } from && Applied.CompareTo(from) >= 0
        ? this with { Resyncing = false, ConsistentFrom = null }
        : this;
}

/// <summary>
/// The file that holds the state: two slots are written alternately, and each is synced before it counts, so that a
/// crash leaves the newest or the previous state. The first state is written to the second slot: while the first slot
/// is empty, nothing was ever received, and a torn second slot means that the creation of the file was interrupted.
/// </summary>
/// <remarks>
/// <code>
/// slot (at 0 and at 131072), little endian
///   0 u32 magic "RIP1"   4 u16 version 2   6 u16 0   8 u32 key id   12 u32 CRC-32C over all from byte 16 on
///  16 i64 serial        24 i64 term       32 i64 generation        40 i64 LSN
///  48 i64 consistent-from generation      56 i64 consistent-from LSN
///  64 u32 flags (1 resyncing, 2 consistent-from is known)          68 u32 ranges n (at most 5,000)
///  72 i64 bytes overwritten that differed 80 u64 mark of the record at (generation, LSN)
///  88 16 bytes incarnation of the sender  104 u16 disks seen d        106 u32 their bytes b  110 u16 0
/// 112 n × 24 bytes: u32 disk, u32 0, i64 first byte, i64 bytes
///     d × the disk as it was seen (DiskObservation)
/// </code>
/// </remarks>
internal sealed class InPlaceStateFile : IDisposable
{
    public const int MostRanges = 5000;
    private const uint Magic = 0x31504952;
    private const int SlotSize = 128 << 10;
    private const int Fixed = 112;
    private const byte Version = 2;
    private readonly IStorageFile _file;
    private long _serial;

    private InPlaceStateFile(IStorageFile file) => _file = file;

    public InPlaceState? State { get; private set; }

    public static InPlaceStateFile Open(IStorageDirectory directory, string name)
    {
        var isNew = !directory.Exists(name);
        var file = new InPlaceStateFile(directory.Open(name, StorageOpen.Any));
        if (isNew)
        {
            directory.Sync();
            return file;
        }

        try
        {
            file.Load(directory.Path);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Makes a state durable.</summary>
    public void Write(InPlaceState state)
    {
        var seen = Encode(state.Seen);
        var bytes = new byte[Fixed + (24 * state.Overwritten.Count) + seen.Length];
        seen.CopyTo(bytes, Fixed + (24 * state.Overwritten.Count));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(104), (ushort)state.Seen.Count);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(106), seen.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        bytes[4] = Version;
        var from = state.ConsistentFrom ?? default;
        long[] numbers =
        [
            _serial + 1, state.Term.Value, state.Applied.Generation.Value, state.Applied.Lsn.Value,
            from.Generation.Value, from.Lsn.Value,
        ];
        for (var i = 0; i < numbers.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16 + (8 * i)), numbers[i]);
        }

        bytes[64] = (byte)((state.Resyncing ? 1 : 0) | (state.ConsistentFrom is null ? 0 : 2));
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(68), state.Overwritten.Count);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(72), state.OverwrittenBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(80), state.Mark.Value);
        state.Source.TryWriteBytes(bytes.AsSpan(88), bigEndian: true, out _);
        for (var i = 0; i < state.Overwritten.Count; i++)
        {
            var target = bytes.AsSpan(Fixed + (24 * i));
            BinaryPrimitives.WriteInt32LittleEndian(target, state.Overwritten[i].Disk);
            BinaryPrimitives.WriteInt64LittleEndian(target[8..], state.Overwritten[i].Offset);
            BinaryPrimitives.WriteInt64LittleEndian(target[16..], state.Overwritten[i].Length);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), Crc32C.Compute(bytes.AsSpan(16)));
        _file.Write((_serial + 1 & 1) * SlotSize, bytes);
        _file.Sync();
        (_serial, State) = (_serial + 1, state);
    }

    public void Dispose() => _file.Dispose();

    private void Load(string path)
    {
        var received = false;
        for (var slot = 0; slot < 2; slot++)
        {
            var bytes = new byte[SlotSize];
            var length = _file.Read(slot * SlotSize, bytes);
            received |= slot == 0 && bytes.AsSpan(0, length).ContainsAnyExcept((byte)0);
            if (length < Fixed || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic || bytes[4] != Version)
            {
                continue;
            }

            var count = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(68));
            var seen = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(106));
            if (count is < 0 or > MostRanges || seen < 0 || length - Fixed - (24 * count) < seen
                || Crc32C.Compute(bytes.AsSpan(16, Fixed - 16 + (24 * count) + seen))
                    != BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(12)))
            {
                continue;
            }

            var serial = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(16));
            if (serial > _serial)
            {
                (_serial, State) = (serial, Parse(bytes, count));
            }
        }

        if (State is null && received)
        {
            throw new ReplicaCorruptException(
                $"The state of the replica in '{path}' is damaged; delete the directory and resync the disks from "
                    + $"the start.");
        }
    }

    private static byte[] Encode(IReadOnlyList<DiskObservation> seen)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        foreach (var observation in seen)
        {
            writer.Write(observation);
        }

        writer.Flush();
        return stream.ToArray();
    }

    private static List<DiskObservation> Decode(byte[] bytes, int at, int count)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes, at, bytes.Length - at));
        return [.. Enumerable.Range(0, count).Select(_ => reader.ReadObservation())];
    }

    private static InPlaceState Parse(byte[] bytes, int count)
    {
        long Number(int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at));
        ChangePosition Position(int at) => new(new Generation(Number(at)), new Lsn(Number(at + 8)));
        var ranges = new List<DiskRange>(count);
        for (var i = 0; i < count; i++)
        {
            var at = Fixed + (24 * i);
            ranges.Add(new DiskRange(BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at)), Number(at + 8),
                Number(at + 16)));
        }

        return new InPlaceState(
            new Term(Number(24)), Position(32), (bytes[64] & 1) != 0, (bytes[64] & 2) != 0 ? Position(48) : null,
                Number(72), ranges)
        {
            Mark = new HistoryMark(unchecked((ulong)Number(80))),
            Source = new Guid(bytes.AsSpan(88, 16), bigEndian: true),
            Seen = Decode(bytes, Fixed + (24 * count), BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(104))),
        };
    }
}
