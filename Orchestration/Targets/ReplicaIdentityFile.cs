using System.Buffers.Binary;
using System.Text.Json;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>
/// Stores a <see cref="ReplicaIdentity"/> as the file <c>identity</c> of a VM's directory. Two slots alternate and each
/// write is synced, so one slot always survives. A slot is overwritten in place: pruning points, which frees space,
/// must not fail because a full disk has no room for a new file.
/// </summary>
/// <remarks>
/// Integers little endian.
/// <code>
/// slot, at 0 and at s (s: the slot's size, a multiple of 4096, the same for both)
///   0 u32 magic "RVI1"   4 u16 version 1   6 u16 0   8 u32 key id (0: not encrypted)   12 u32 slot size s
///  16 i64 serial: the greater one counts   24 u32 payload length p   28 u32 CRC-32C over bytes 0 .. 28 and the payload
///  32 p bytes: UTF-8 JSON, the members of ReplicaIdentity in camel case
/// </code>
/// A file without an intact slot is damaged. When the JSON outgrows the slot, a new file is written next to the old one
/// and replaces it by a rename.
/// </remarks>
public sealed class ReplicaIdentityFile(IStorageDirectory directory)
{
    /// <summary>The name of the file.</summary>
    public const string FileName = "identity";

    private const uint Magic = 0x31495652;
    private const int HeaderSize = 32;
    private const int Unit = 4096;

    /// <summary>Reads the identity; null when there is no file.</summary>
    /// <exception cref="ReplicaCorruptException">The file exists and cannot be read.</exception>
    /// <exception cref="StorageException">An I/O error of the operating system.</exception>
    public ReplicaIdentity? Read() => Load()?.Identity;

    /// <summary>
    /// Writes an identity durably. Does nothing if the stored identity of the same replica has a higher sequence, or
    /// the same sequence and the same <see cref="ReplicaIdentity.Released"/>.
    /// </summary>
    /// <exception cref="StorageException">An I/O error of the operating system.</exception>
    public void Write(ReplicaIdentity identity)
    {
        var known = LoadOrNull();
        if (known is { Identity: var old } && old.ReplicaSince == identity.ReplicaSince
            && (old.Sequence > identity.Sequence
                || (old.Sequence == identity.Sequence && old.Released == identity.Released)))
        {
            return;
        }

        Store(identity, known);
    }

    /// <summary>Replaces whatever is stored with an identity, because the history begins again.</summary>
    /// <exception cref="StorageException">An I/O error of the operating system.</exception>
    public void Replace(ReplicaIdentity identity) => Store(identity, LoadOrNull());

    private void Store(ReplicaIdentity identity, Slot? known)
    {
        var payload = JsonSerializer.SerializeToUtf8Bytes(identity, ReplicaIdentityJson.Default.ReplicaIdentity);
        var needed = (HeaderSize + payload.Length + Unit - 1) / Unit * Unit;
        if (known is { } there && needed <= there.Size)
        {
            var slot = Encode(payload, there.Size, there.Serial + 1);
            using var file = directory.Open(FileName, StorageOpen.Existing);
            file.Write((there.Serial + 1) % 2 * there.Size, slot);
            file.Sync();
            return;
        }

        // Room for twice the disks and names, so that the file rarely has to be rewritten.
        var size = needed * 2;
        const string next = FileName + ".new";
        using (var file = directory.Open(next, StorageOpen.Any))
        {
            file.SetLength(0);
            file.Write(0, new byte[size * 2]);
            file.Write(0, Encode(payload, size, serial: 2));
            file.Sync();
        }

        directory.Rename(next, FileName);
        directory.Sync();
    }

    // A damaged file is rewritten: it must not block an effect for ever.
    private Slot? LoadOrNull()
    {
        try
        {
            return Load();
        }
        catch (ReplicaCorruptException)
        {
            return null;
        }
    }

    private Slot? Load()
    {
        if (!directory.Exists(FileName))
        {
            return null;
        }

        using var file = directory.Open(FileName, StorageOpen.Existing);
        var bytes = new byte[file.Length];
        var length = file.Read(0, bytes);
        Slot? best = null;
        for (var at = 0; at + HeaderSize <= length; at += Unit)
        {
            if (Decode(bytes.AsSpan(at, length - at)) is { } slot && slot.Size is var size && at % size == 0
                && slot.Serial > (best?.Serial ?? 0))
            {
                best = slot;
            }
        }

        return best ?? throw new ReplicaCorruptException(
            $"The file '{directory.Path}/{FileName}' is damaged: it does not match its checksum.");
    }

    private static byte[] Encode(byte[] payload, int size, long serial)
    {
        var slot = new byte[size];
        BinaryPrimitives.WriteUInt32LittleEndian(slot, Magic);
        slot[4] = 1;
        BinaryPrimitives.WriteInt32LittleEndian(slot.AsSpan(12), size);
        BinaryPrimitives.WriteInt64LittleEndian(slot.AsSpan(16), serial);
        BinaryPrimitives.WriteInt32LittleEndian(slot.AsSpan(24), payload.Length);
        payload.CopyTo(slot.AsSpan(HeaderSize));
        BinaryPrimitives.WriteUInt32LittleEndian(slot.AsSpan(28), Sum(slot, payload.Length));
        return slot;
    }

    private static Slot? Decode(ReadOnlySpan<byte> bytes)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic || bytes[4] != 1)
        {
            return null;
        }

        var size = BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]);
        var payload = BinaryPrimitives.ReadInt32LittleEndian(bytes[24..]);
        if (size < Unit || size % Unit != 0 || payload < 0 || payload > size - HeaderSize
            || payload > bytes.Length - HeaderSize
            || Sum(bytes, payload) != BinaryPrimitives.ReadUInt32LittleEndian(bytes[28..]))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(
                bytes.Slice(HeaderSize, payload), ReplicaIdentityJson.Default.ReplicaIdentity) is { } identity
                ? new Slot(identity, BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]), size) : null;
        }
        catch (JsonException)
        {
            // An intact slot in the format of another version.
            return null;
        }
    }

    private static uint Sum(ReadOnlySpan<byte> slot, int payload)
    {
        var covered = new byte[28 + payload];
        slot[..28].CopyTo(covered);
        slot.Slice(HeaderSize, payload).CopyTo(covered.AsSpan(28));
        return Crc32C.Compute(covered);
    }

    private sealed record Slot(ReplicaIdentity Identity, long Serial, int Size);
}
