using System.Buffers.Binary;

namespace ReplicationEngine.Chaos.Witness.Writes;

/// <summary>
/// A write of 4 KiB whose content holds its number. The times of its submission and acknowledgement are recorded by a
/// counter that orders all events of a run, and by the wall clock.
/// </summary>
public sealed class NumberedWrite(long number, int disk, long block, long submitted)
{
    /// <summary>The size of a write in bytes.</summary>
    public const int Bytes = 4096;

    /// <summary>The write's number, from 1.</summary>
    public long Number { get; } = number;

    /// <summary>The index of the disk.</summary>
    public int Disk { get; } = disk;

    /// <summary>The block of the disk.</summary>
    public long Block { get; } = block;

    /// <summary>The event count just before the write was sent.</summary>
    public long Submitted { get; } = submitted;

    /// <summary>The event count just after the acknowledgement was read; null when none came.</summary>
    public long? Acknowledged { get; set; }

    /// <summary>The time at which the acknowledgement was read.</summary>
    public DateTimeOffset AcknowledgedAt { get; set; }

    /// <summary>
    /// Whether the write did not reach the source: a crash lost its reply, and the block does not hold it. The write
    /// must not appear later either.
    /// </summary>
    public bool Void { get; set; }

    /// <summary>Returns the content of a write, which is unique to its number.</summary>
    public static byte[] Content(long number)
    {
        var bytes = new byte[Bytes];
        var state = (ulong)number * 0x9E3779B97F4A7C15 + 0xD1B54A32D192ED03;
        for (var at = 0; at < Bytes; at += 8)
        {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), state);
        }

        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        return bytes;
    }
}
