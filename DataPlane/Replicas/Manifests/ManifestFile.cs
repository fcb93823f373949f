using System.Buffers.Binary;
using System.Security.Cryptography;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas.Manifests;

/// <summary>
/// The append-only log of a store's state: each frame is one atomic batch of records, synced before it counts.
/// </summary>
/// <remarks>
/// Integers little endian.
/// <code>
/// file header, 64 bytes
///   0 u32 magic "RSM1"   4 u16 version 2   6 u16 0   8 u32 key id (0: not encrypted)   12 u32 0
///  16 32 bytes: the chain value before the first frame     48 i64 number of the first frame
///  56 u32 0              60 u32 CRC-32C over bytes 0 .. 60
/// frame
///   0 u32 magic "RSMF"   4 u32 CRC-32C over bytes 8 .. end    8 u32 payload length p   12 u32 0   16 i64 frame number
///  24 p bytes: records   24+p 32 bytes: SHA-256 over (chain value of the frame before, bytes 8 .. 24+p)
/// </code>
/// A changed, removed or reordered frame breaks the chain (S11). A torn frame is tolerated only as the last thing in
/// the file, and only if the head file (<see cref="HeadFile"/>) does not record a later frame. Frames are numbered
/// over the life of the store; a shortened manifest starts with a snapshot frame, chained to the frames it replaces.
/// </remarks>
internal sealed class ManifestFile : IDisposable
{
    private const uint FileMagic = 0x314D5352;
    private const uint FrameMagic = 0x464D5352;
    private const byte Version = 2;
    private const int HeaderSize = 64;
    private const int FrameHeader = 24;
    private const int ChainSize = 32;

    private readonly IStorageDirectory _directory;
    private readonly string _name;
    private IStorageFile _file;
    private long _end;
    private byte[] _chain;

    private ManifestFile(IStorageDirectory directory, string name, IStorageFile file, long frames, byte[] chain,
        long end)
    {
        (_directory, _name, _file, Frames, _chain, _end) = (directory, name, file, frames, chain, end);
        State = new StoreState();
    }

    /// <summary>The state that results from all records; the same object since the opening.</summary>
    public StoreState State { get; private set; }

    /// <summary>The number of frames written over the store's life.</summary>
    public long Frames { get; private set; }

    /// <summary>
    /// The chain value of the newest frame, which proves the whole history to a holder of an earlier copy of it.
    /// </summary>
    public ReadOnlyMemory<byte> Chain => _chain;

    /// <summary>The size of the file in bytes.</summary>
    public long Size => _end;

    /// <summary>The size of the file in bytes when it was last shortened.</summary>
    public long SizeWhenShortened { get; private set; }

    /// <summary>Whether a sync failed: the last frame may be missing after a power failure.</summary>
    public bool Poisoned { get; private set; }

    /// <summary>Creates a manifest with its first records, durable under its name.</summary>
    public static ManifestFile Create(IStorageDirectory directory, string name, IReadOnlyList<StoreRecord> first)
    {
        var manifest = Fresh(directory, name, 0, new byte[ChainSize]);
        try
        {
            manifest.Append(first);
            directory.Rename(name + ".new", name);
            directory.Sync();
            return manifest;
        }
        catch
        {
            manifest.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Opens a manifest; <paramref name="knownFrames"/> is the minimum number of frames it must have.
    /// </summary>
    /// <exception cref="ReplicaCorruptException">A frame is damaged, missing, or out of order.</exception>
    public static ManifestFile Open(IStorageDirectory directory, string name, long knownFrames)
    {
        var file = directory.Open(name, StorageOpen.Existing);
        try
        {
            var bytes = new byte[file.Length];
            var length = file.Read(0, bytes);
            if (length < HeaderSize || Read32(bytes, 0) != FileMagic || bytes[4] != Version
                || Read32(bytes, 60) != Crc32C.Compute(bytes.AsSpan(0, 60)))
            {
                throw new ReplicaCorruptException($"The header of '{directory.Path}/{name}' is damaged.");
            }

            var first = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(48));
            var manifest = new ManifestFile(directory, name, file, first, bytes[16..48], HeaderSize);
            manifest.Load(bytes.AsSpan(0, length), knownFrames);
            if (manifest.Frames > knownFrames)
            {
                // These bytes may not be durable: after a failed sync the system marks them clean all the same.
                file.Write(0, bytes.AsSpan(0, (int)manifest._end));
                file.Sync();
            }

            return manifest;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Appends a batch durably and folds it into the state. If it throws, none of the batch counts.</summary>
    /// <exception cref="StorageException">The write or the sync failed.</exception>
    public void Append(IReadOnlyList<StoreRecord> records)
    {
        var w = new WireWriter();
        foreach (var record in records)
        {
            StoreRecordCodec.Write(w, record);
        }

        AppendFrame(w.Written);
        foreach (var record in records)
        {
            State.Fold(record);
        }
    }

    /// <summary>
    /// Replaces the file by one that starts with a snapshot of the state. False if there is no space for it: the longer
    /// file remains in use, which is equally valid.
    /// </summary>
    public bool TryShorten()
    {
        ManifestFile? fresh = null;
        try
        {
            fresh = Fresh(_directory, _name, Frames, _chain);
            var w = new WireWriter();
            State.Write(w);
            fresh.AppendFrame(w.Written);
            _directory.Rename(_name + ".new", _name);
        }
        catch (StorageException)
        {
            fresh?.Dispose();
            return false;
        }

        // The name belongs to the new file from here on, so continue with that one.
        (_file, fresh._file) = (fresh._file, _file);
        fresh.Dispose();
        (_end, _chain, Frames, SizeWhenShortened) = (fresh._end, fresh._chain, fresh.Frames, fresh._end);
        try
        {
            _directory.Sync();
        }
        catch (StorageException)
        {
            // After a power failure the name may belong to the old file, which lacks the records appended from now on.
            Poisoned = true;
        }

        return true;
    }

    public void Dispose() => _file.Dispose();

    private static ManifestFile Fresh(IStorageDirectory directory, string name, long frames, byte[] chain)
    {
        directory.Delete(name + ".new");
        var file = directory.Open(name + ".new", StorageOpen.New);
        var header = new byte[HeaderSize];
        BinaryPrimitives.WriteUInt32LittleEndian(header, FileMagic);
        header[4] = Version;
        chain.CopyTo(header.AsSpan(16));
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(48), frames);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(60), Crc32C.Compute(header.AsSpan(0, 60)));
        file.Write(0, header);
        return new ManifestFile(directory, name, file, frames, chain, HeaderSize);
    }

    private void AppendFrame(ReadOnlySpan<byte> payload)
    {
        var frame = new byte[FrameHeader + payload.Length + ChainSize];
        BinaryPrimitives.WriteUInt32LittleEndian(frame, FrameMagic);
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(8), payload.Length);
        BinaryPrimitives.WriteInt64LittleEndian(frame.AsSpan(16), Frames + 1);
        payload.CopyTo(frame.AsSpan(FrameHeader));
        var chain = ChainOf(_chain, frame.AsSpan(8, FrameHeader - 8 + payload.Length));
        chain.CopyTo(frame.AsSpan(FrameHeader + payload.Length));
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(4), Crc32C.Compute(frame.AsSpan(8)));
        try
        {
            _file.Write(_end, frame);
        }
        catch (StorageException)
        {
            _file.SetLength(_end);
            throw;
        }

        try
        {
            _file.Sync();
        }
        catch (StorageException)
        {
            Poisoned = true;
            throw;
        }

        (_end, _chain, Frames) = (_end + frame.Length, chain, Frames + 1);
    }

    private void Load(ReadOnlySpan<byte> bytes, long knownFrames)
    {
        while (TryFrame(bytes[(int)_end..], out var length))
        {
            var frame = bytes.Slice((int)_end, length);
            var payload = frame[FrameHeader..^ChainSize];
            var chain = ChainOf(_chain, frame[8..^ChainSize]);
            if (BinaryPrimitives.ReadInt64LittleEndian(frame[16..]) != Frames + 1
                || !chain.AsSpan().SequenceEqual(frame[^ChainSize..]))
            {
                throw new ReplicaCorruptException(
                    $"Frame {Frames + 1} of the manifest in '{_directory.Path}' does not follow its predecessor: it "
                    + "was changed, removed or reordered. No point of this store may be used.");
            }

            Fold(payload.ToArray());
            (_end, _chain, Frames) = (_end + length, chain, Frames + 1);
        }

        RefuseDamage(bytes[(int)_end..], knownFrames);
        if (_end < bytes.Length)
        {
            _file.SetLength(_end);
        }
    }

    private void Fold(byte[] payload)
    {
        var reader = new WireReader(payload, "the manifest");
        if (payload.Length > 0 && payload[0] == StoreState.SnapshotType)
        {
            reader.U8();
            State = StoreState.Read(reader);
        }

        while (!reader.AtEnd)
        {
            State.Fold(StoreRecordCodec.Read(reader));
        }
    }

    private void RefuseDamage(ReadOnlySpan<byte> rest, long knownFrames)
    {
        var damaged = Frames < knownFrames || Frames == 0;
        for (var at = 1; at < rest.Length && !damaged; at++)
        {
            damaged = TryFrame(rest[at..], out _);
        }

        if (damaged)
        {
            throw new ReplicaCorruptException(
                $"The manifest in '{_directory.Path}' is damaged after frame {Frames}: {knownFrames} frames are "
                    + $"known to "
                + "have been durable. No point of this store may be used; restart the replication from the beginning.");
        }
    }

    private static bool TryFrame(ReadOnlySpan<byte> bytes, out int length)
    {
        length = 0;
        if (bytes.Length < FrameHeader + ChainSize || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != FrameMagic)
        {
            return false;
        }

        var payload = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        if (payload < 0 || payload > bytes.Length - FrameHeader - ChainSize)
        {
            return false;
        }

        length = FrameHeader + payload + ChainSize;
        return Crc32C.Compute(bytes[8..length]) == BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
    }

    private static byte[] ChainOf(byte[] before, ReadOnlySpan<byte> framed)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(before);
        hash.AppendData(framed);
        return hash.GetHashAndReset();
    }

    private static uint Read32(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));
}
