using System.Buffers.Binary;

namespace ReplicationEngine.Chaos.Witness.Writes;

/// <summary>
/// One write of 4 KiB whose content says its number, and when it was submitted and acknowledged: by a counter that
/// orders all events of a run, and by the wall clock.
/// </summary>
public sealed class NumberedWrite(long number, int disk, long block, long submitted)
{
    /// <summary>Bytes of a write.</summary>
    public const int Bytes = 4096;

    /// <summary>Its number, from 1.</summary>
    public long Number { get; } = number;

    /// <summary>The disk it went to.</summary>
    public int Disk { get; } = disk;

    /// <summary>The block of the disk.</summary>
    public long Block { get; } = block;

    /// <summary>The event count just before it was sent.</summary>
    public long Submitted { get; } = submitted;

    /// <summary>The event count just after its acknowledgement was read; null when none came.</summary>
    public long? Acknowledged { get; set; }

    /// <summary>When the acknowledgement was read.</summary>
    public DateTimeOffset AcknowledgedAt { get; set; }

    /// <summary>Found not to be on the source after a crash that ate its answer, so it must never be seen later
    /// either.</summary>
    public bool Void { get; set; }

    /// <summary>The content, which no other number has.</summary>
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
