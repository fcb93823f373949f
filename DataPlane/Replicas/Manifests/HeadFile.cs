using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas.Manifests;

/// <summary>
/// A lower bound of the durable data: written after the syncs it records, so any surviving value is true.
/// </summary>
/// <param name="Frames">The number of durable frames of the manifest.</param>
/// <param name="Segment">The number of the log's segment.</param>
/// <param name="Offset">The number of synced bytes of the segment.</param>
internal readonly record struct DurableHead(long Frames, uint Segment, long Offset);

/// <summary>
/// Distinguishes a torn tail (never acknowledged) from damage to durable bytes. Two slots are written alternately, so
/// that one always survives. The file needs no sync of its own, because an older value is true as well.
/// </summary>
/// <remarks>
/// <code>
/// slot (at 0 and at 512), little endian
///   0 u32 magic "RSH1"  4 u32 CRC-32C over bytes 8 .. 48   8 i64 serial   16 i64 manifest frames   24 u32 segment  28
///   u32 0
///  32 i64 synced bytes of the segment   40 u32 version 1   44 u32 key id
/// </code>
/// </remarks>
internal sealed class HeadFile : IDisposable
{
    private const uint Magic = 0x31485352;
    private const int SlotDistance = 512;
    private const int SlotSize = 48;
    private readonly IStorageFile _file;
    private long _serial;

    private HeadFile(IStorageFile file) => _file = file;

    /// <summary>The newest value that survived.</summary>
    public DurableHead Head { get; private set; }

    public static HeadFile Open(IStorageDirectory directory, string name)
    {
        var head = new HeadFile(directory.Open(name, StorageOpen.Any));
        Span<byte> slot = stackalloc byte[SlotSize];
        for (var i = 0; i < 2; i++)
        {
            if (head._file.Read(i * SlotDistance, slot) < SlotSize
                || BinaryPrimitives.ReadUInt32LittleEndian(slot) != Magic
                || Crc32C.Compute(slot[8..]) != BinaryPrimitives.ReadUInt32LittleEndian(slot[4..]))
            {
                continue;
            }

            var serial = BinaryPrimitives.ReadInt64LittleEndian(slot[8..]);
            if (serial > head._serial)
            {
                head._serial = serial;
                head.Head = new DurableHead(
                    BinaryPrimitives.ReadInt64LittleEndian(slot[16..]),
                    BinaryPrimitives.ReadUInt32LittleEndian(slot[24..]),
                    BinaryPrimitives.ReadInt64LittleEndian(slot[32..]));
            }
        }

        return head;
    }

    public void Write(DurableHead head)
    {
        if (head == Head)
        {
            return;
        }

        Span<byte> slot = stackalloc byte[SlotSize];
        slot.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(slot, Magic);
        BinaryPrimitives.WriteInt64LittleEndian(slot[8..], ++_serial);
        BinaryPrimitives.WriteInt64LittleEndian(slot[16..], head.Frames);
        BinaryPrimitives.WriteUInt32LittleEndian(slot[24..], head.Segment);
        BinaryPrimitives.WriteInt64LittleEndian(slot[32..], head.Offset);
        slot[40] = 1;
        BinaryPrimitives.WriteUInt32LittleEndian(slot[4..], Crc32C.Compute(slot[8..]));
        _file.Write((_serial & 1) * SlotDistance, slot);
        Head = head;
    }

    public void Dispose() => _file.Dispose();
}
