using System.Buffers.Binary;
using System.Collections.Immutable;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>The newest observation that a volume recorded of its disks while it was open.</summary>
/// <param name="At">The time by the machine's clock.</param>
/// <param name="Newest">The newest assigned number.</param>
/// <param name="IsIdle">Whether no change was in progress while the disks were observed.</param>
/// <param name="Changed">The disks' change times in UTC ticks; 0 if there is none.</param>
/// <param name="Settled">
/// The change times that the medium has, each not older than any write whose active mark was removed; 0 if there is
/// none. A disk with an older one was restored to a moment before such a write.
/// </param>
internal sealed record Heartbeat(
    DateTimeOffset At, Lsn Newest, bool IsIdle, ImmutableArray<long> Changed, ImmutableArray<long> Settled)
{
    /// <summary>Returns whether two heartbeats agree about the disks, regardless of their times.</summary>
    public bool SaysTheSame(Heartbeat other) =>
        Newest == other.Newest && IsIdle == other.IsIdle && Changed.AsSpan().SequenceEqual(other.Changed.AsSpan())
        && Settled.AsSpan().SequenceEqual(other.Settled.AsSpan());
}

/// <summary>
/// Keeps the newest <see cref="Heartbeat"/> in the file <c>seen</c>. It is written over itself, at least once a second
/// while there are writes and after each one that leaves none in progress, and synced every five seconds: after the
/// death of the process the page cache has the newest one, after a power cut the medium has one that is some seconds
/// old, or a torn one, which reads as none.
/// <code>
///   0 u32 CRC-32C of bytes 4 .. 40+16n   4 u32 magic "SEEN"   8 u16 version (2)   10 u16 disks n   12 u32 0
///  16 i64 UTC ticks   24 i64 newest number   32 u8 idle   33 7 bytes 0
///  40 n × i64 change time in UTC ticks (0: none), i64 settled change time
/// </code>
/// </summary>
internal sealed class HeartbeatFile : IDisposable
{
    private const string Name = "seen";
    private const uint Magic = 0x4E454553;
    private const int Fixed = 40;
    private const int Version = 2;
    private const int PerDisk = 16;
    private readonly Lock _gate = new();
    private readonly IStorageFile _file;
    private DateTimeOffset _synced;
    private bool _disposed;

    private HeartbeatFile(IStorageFile file) => _file = file;

    /// <summary>The interval at which a heartbeat is repeated and synced to the medium.</summary>
    public static TimeSpan Every { get; } = TimeSpan.FromSeconds(5);

    /// <summary>The newest heartbeat; null if none can be read.</summary>
    public Heartbeat? Newest { get; private set; }

    /// <summary>Opens the file, or creates it.</summary>
    public static HeartbeatFile Open(IStorageDirectory directory)
    {
        var isNew = !directory.Exists(Name);
        var file = directory.Open(Name, StorageOpen.Any);
        if (isNew)
        {
            directory.Sync();
        }

        var bytes = new byte[Math.Min(file.Length, 64 << 10)];
        return new HeartbeatFile(file) { Newest = Parse(bytes.AsSpan(0, file.Read(0, bytes))) };
    }

    /// <summary>Replaces the content at an opening, durably.</summary>
    public void Begin(Heartbeat heartbeat)
    {
        lock (_gate)
        {
            Put(heartbeat);
            _synced = heartbeat.At;
        }

        _file.Sync();
    }

    /// <summary>
    /// Records a heartbeat, unless it agrees with a recent one. Syncs the file if the last sync is old or
    /// <paramref name="durably"/> is set. Observations of quiet moments since then are kept.
    /// </summary>
    public void Write(Heartbeat heartbeat, bool durably = false)
    {
        bool syncs;
        lock (_gate)
        {
            if (Newest is { } newer && heartbeat.Newest.Value < newer.Newest.Value)
            {
                heartbeat = newer with { At = heartbeat.At, Settled = heartbeat.Settled };
            }

            if (!durably && Newest is { } newest && newest.SaysTheSame(heartbeat)
                && IsRecent(newest.At, heartbeat.At))
            {
                return;
            }

            Put(heartbeat);
            syncs = durably || !IsRecent(_synced, heartbeat.At);
            _synced = syncs ? heartbeat.At : _synced;
        }

        if (syncs)
        {
            _file.Sync();
        }
    }

    /// <summary>
    /// Records the disks' change times directly after the last write: in the page cache, where they survive the
    /// process, and without blocking, because the guest waits for the reply.
    /// </summary>
    public void NoteQuiet(DateTimeOffset at, Lsn newest, ReadOnlySpan<long> changed)
    {
        lock (_gate)
        {
            if (!_disposed && Newest is { } last && newest.Value >= last.Newest.Value)
            {
                Put(last with { At = at, Newest = newest, IsIdle = true, Changed = [.. changed] });
            }
        }
    }

    private void Put(Heartbeat heartbeat)
    {
        var bytes = new byte[Fixed + (PerDisk * heartbeat.Changed.Length)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), Version);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(10), (ushort)heartbeat.Changed.Length);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), heartbeat.At.UtcTicks);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), heartbeat.Newest.Value);
        bytes[32] = heartbeat.IsIdle ? (byte)1 : (byte)0;
        for (var i = 0; i < heartbeat.Changed.Length; i++)
        {
            var at = Fixed + (PerDisk * i);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at), heartbeat.Changed[i]);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at + 8), heartbeat.Settled[i]);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Crc32C.Compute(bytes.AsSpan(4)));
        _file.Write(0, bytes);
        Newest = heartbeat;
    }

    private static bool IsRecent(DateTimeOffset then, DateTimeOffset now) => now >= then && now - then < Every;

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _file.Dispose();
        }
    }

    private static Heartbeat? Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Fixed || BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) != Magic
            || BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]) != Version)
        {
            return null;
        }

        var length = Fixed + (PerDisk * BinaryPrimitives.ReadUInt16LittleEndian(bytes[10..]));
        if (bytes.Length < length
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Crc32C.Compute(bytes[4..length]))
        {
            return null;
        }

        var (changed, settled) = (ImmutableArray.CreateBuilder<long>(), ImmutableArray.CreateBuilder<long>());
        for (var at = Fixed; at < length; at += PerDisk)
        {
            changed.Add(BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]));
            settled.Add(BinaryPrimitives.ReadInt64LittleEndian(bytes[(at + 8)..]));
        }

        return new Heartbeat(
            new DateTimeOffset(BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]), TimeSpan.Zero),
            new Lsn(BinaryPrimitives.ReadInt64LittleEndian(bytes[24..])), bytes[32] != 0, changed.ToImmutable(),
            settled.ToImmutable());
    }
}
