using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas.Segments;

/// <summary>
/// The segment files of a store and its overlays, found by number and opened when first needed. Safe to call from
/// several threads, except <see cref="Trim"/> and <see cref="Delete"/>, which require that no reader is active.
/// </summary>
/// <remarks>
/// A segment is a header of 64 bytes, then consecutive encoded change records (<see cref="ChangeRecord"/>), exactly as
/// they were received. Little endian:
/// <code>
///   0 u32 magic "RSG1"   4 u16 version 1   6 u16 0   8 u32 key id (0: not encrypted)   12 u32 owner   16 u32 number
///  20 u32 0             24 16 bytes: the store's tag     40 u32 number of the log's segment before this one
///  44 i64 where that one ended                           52 8 bytes 0                  60 u32 CRC-32C over bytes 0 ..
///  60
/// </code>
/// Segment and end before are 0 for the first segment, for compacted ones, and for those written before these fields
/// existed. Without the fields, the loss of a whole tail (a power failure, a misdirected write) would be undetected
/// when a newer segment follows.
/// </remarks>
internal sealed class SegmentSet : IDisposable
{
    public const int HeaderSize = 64;
    private const uint Magic = 0x31475352;
    private const int MostOpen = 384;

    private readonly Lock _lock = new();
    private readonly IStorageDirectory _directory;
    private readonly Dictionary<uint, string> _names = [];
    private readonly Dictionary<uint, IStorageFile> _open = [];
    private readonly NumberSource _numbers;

    public SegmentSet(IStorageDirectory directory, NumberSource numbers, Guid tag)
    {
        (_directory, _numbers, Tag) = (directory, numbers, tag);
        Refresh();
    }

    public IStorageDirectory Directory => _directory;

    /// <summary>The store's tag, which every segment carries.</summary>
    public Guid Tag { get; }

    /// <summary>Returns a number that no segment or index file has.</summary>
    public uint NextNumber() => _numbers.Next();

    /// <summary>Reads the list of segments from the directory.</summary>
    public void Refresh()
    {
        lock (_lock)
        {
            foreach (var name in _directory.List())
            {
                if (FileNames.TryParse(name, out var prefix, out _, out var number) && prefix != FileNames.LayerPrefix)
                {
                    _names[number] = name;
                }
            }
        }
    }

    public IReadOnlyList<(uint Number, string Name)> All()
    {
        lock (_lock)
        {
            return [.. _names.OrderBy(n => n.Key).Select(n => (n.Key, n.Value))];
        }
    }

    /// <summary>Creates a segment with its header. Nothing is synced.</summary>
    /// <param name="number">The number of the segment.</param>
    /// <param name="name">The name of the segment's file.</param>
    /// <param name="owner">The owner number of the log.</param>
    /// <param name="before">The end of the log before the segment; 0 if it follows nothing.</param>
    public IStorageFile Create(uint number, string name, uint owner, (uint Segment, long Offset) before = default)
    {
        var file = _directory.Open(name, StorageOpen.New);
        try
        {
            Span<byte> header = stackalloc byte[HeaderSize];
            header.Clear();
            BinaryPrimitives.WriteUInt32LittleEndian(header, Magic);
            header[4] = 1;
            BinaryPrimitives.WriteUInt32LittleEndian(header[12..], owner);
            BinaryPrimitives.WriteUInt32LittleEndian(header[16..], number);
            Tag.TryWriteBytes(header[24..], bigEndian: true, out _);
            BinaryPrimitives.WriteUInt32LittleEndian(header[40..], before.Segment);
            BinaryPrimitives.WriteInt64LittleEndian(header[44..], before.Offset);
            BinaryPrimitives.WriteUInt32LittleEndian(header[60..], Crc32C.Compute(header[..60]));
            file.Write(0, header);
        }
        catch
        {
            file.Dispose();
            _directory.Delete(name);
            throw;
        }

        lock (_lock)
        {
            _names[number] = name;
            _open[number] = file;
        }

        return file;
    }

    /// <summary>Returns the file of a segment.</summary>
    /// <exception cref="ReplicaCorruptException">The segment does not exist.</exception>
    public IStorageFile File(uint number)
    {
        lock (_lock)
        {
            if (_open.TryGetValue(number, out var file))
            {
                return file;
            }

            if (!_names.TryGetValue(number, out var name) || !_directory.Exists(name))
            {
                throw new ReplicaCorruptException($"Segment {number:x8} is missing in '{_directory.Path}'.");
            }

            file = _directory.Open(name, StorageOpen.Existing);
            _open.Add(number, file);
            return file;
        }
    }

    /// <summary>Returns whether the segment's header is sound and names this segment of this store.</summary>
    public bool HasSoundHeader(uint number)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        return File(number).Read(0, header) == HeaderSize
            && BinaryPrimitives.ReadUInt32LittleEndian(header) == Magic && header[4] == 1
            && BinaryPrimitives.ReadUInt32LittleEndian(header[16..]) == number
            && new Guid(header.Slice(24, 16), bigEndian: true) == Tag
            && BinaryPrimitives.ReadUInt32LittleEndian(header[60..]) == Crc32C.Compute(header[..60]);
    }

    /// <summary>
    /// Returns whether a segment starts where the log ended before it, or does not record that. The caller must have
    /// checked that the header is sound (<see cref="HasSoundHeader"/>).
    /// </summary>
    public bool Follows(uint number, uint segment, long offset)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        File(number).Read(0, header);
        var before = BinaryPrimitives.ReadUInt32LittleEndian(header[40..]);
        return before == 0
            || (before == segment && BinaryPrimitives.ReadInt64LittleEndian(header[44..]) == offset);
    }

    public long LengthOf(uint number) => File(number).Length;

    public void Delete(uint number)
    {
        lock (_lock)
        {
            if (_open.Remove(number, out var file))
            {
                file.Dispose();
            }

            if (_names.Remove(number, out var name))
            {
                _directory.Delete(name);
            }
        }
    }

    /// <summary>Closes handles if there are many; those of <paramref name="keep"/> remain open.</summary>
    public void Trim(IReadOnlySet<uint> keep)
    {
        lock (_lock)
        {
            if (_open.Count <= MostOpen)
            {
                return;
            }

            foreach (var number in _open.Keys.Where(n => !keep.Contains(n)).ToArray())
            {
                _open[number].Dispose();
                _open.Remove(number);
            }
        }
    }

    public void Dispose()
    {
        foreach (var file in _open.Values)
        {
            file.Dispose();
        }

        _open.Clear();
    }
}
