using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Stores a <see cref="VolumeState"/> in a file of two slots of 64 KiB, both allocated when the file is created, so
/// that a full disk cannot prevent a change of state (I27).
/// <code>
///   each slot:  0 u32 CRC-32C of bytes 4 .. 28+n   4 u32 magic "VSTA"   8 u16 version (2)   10 u16 0
///              12 u32 key id (0)   16 u64 rising number   24 u32 n   28 the encoded state, n bytes
/// </code>
/// A change is written to the first slot and synced, then to the second and synced. A crash between them leaves the
/// newer state in the first, and that change was never acknowledged; damage to one slot leaves the state in the other.
/// <para>Behind the slots, at 131072, is one byte that is never synced: 1 while a sync of a disk is running or has
/// failed, otherwise 0. The page cache keeps it when the process dies, so it reveals a process that died between a
/// failed sync and recording it in the state (I28). Files from before this byte existed end there, which reads as
/// 0.</para>
/// </summary>
internal sealed class VolumeStateFile : IDisposable
{
    /// <summary>The name of the state file.</summary>
    public const string Name = "state";

    private const string NewName = "state.new";
    private const int SlotSize = 64 << 10;
    private const int HeaderSize = 28;
    private const uint Magic = 0x41545356;
    private const ushort Version = 2;
    private const int NotePlace = 2 * SlotSize;
    private readonly Lock _gate = new();
    private readonly Lock _noteGate = new();
    private int _syncing;
    private readonly IStorageFile _file;
    private ulong _number;

    private VolumeStateFile(IStorageFile file, VolumeState state, ulong number)
    {
        _file = file;
        _number = number;
        Current = state;
    }

    /// <summary>The current durable state.</summary>
    public VolumeState Current { get; private set; }

    /// <summary>Whether the previous process ended while a disk was being synced, or after a sync failed.</summary>
    public bool DiedSyncing { get; private init; }

    /// <summary>Records that a sync of a disk starts; a failed sync never ends.</summary>
    /// <exception cref="StorageException">The start could not be recorded.</exception>
    public void SyncBegins()
    {
        lock (_noteGate)
        {
            if (_syncing == 0)
            {
                _file.Write(NotePlace, [1]);
            }

            _syncing++;
        }
    }

    /// <summary>Records that a sync has succeeded.</summary>
    /// <exception cref="StorageException">The end could not be recorded.</exception>
    public void SyncEnded()
    {
        lock (_noteGate)
        {
            if (--_syncing == 0)
            {
                _file.Write(NotePlace, [0]);
            }
        }
    }

    /// <summary>Clears the previous process's sync mark after it was handled.</summary>
    /// <exception cref="StorageException">The change could not be recorded.</exception>
    public void ForgetSyncing()
    {
        lock (_noteGate)
        {
            _file.Write(NotePlace, [0]);
        }
    }

    /// <summary>Creates the file durably, with its first state.</summary>
    public static VolumeStateFile Create(IStorageDirectory directory, VolumeState state)
    {
        var file = directory.Open(NewName, StorageOpen.Any);
        file.Write(0, new byte[NotePlace + 1]);
        var result = new VolumeStateFile(file, state, 0);
        result.Update(s => s);
        directory.Rename(NewName, Name);
        directory.Sync();
        return result;
    }

    /// <summary>Opens the file and reads its newest valid state.</summary>
    /// <exception cref="SourceVolumeException">Neither slot can be read.</exception>
    public static VolumeStateFile Open(IStorageDirectory directory)
    {
        var file = directory.Open(Name, StorageOpen.Existing);
        var (first, firstNumber) = ReadSlot(file, 0);
        var (second, secondNumber) = ReadSlot(file, 1);
        var state = second is null || firstNumber >= secondNumber ? first : second;
        return state is not null
            ? new VolumeStateFile(file, state, Math.Max(firstNumber, secondNumber))
            {
                DiedSyncing = IsNoted(file),
            }
            : throw new SourceVolumeException(
                SourceVolumeError.StateDamaged,
                $"'{file.Name}' is damaged in both copies; delete '{directory.Path}' and protect the VM again");
    }

    /// <summary>Changes the state; on return the change is durable.</summary>
    /// <exception cref="StorageException">
    /// The state could not be written; <see cref="Current"/> is unchanged.
    /// </exception>
    public void Update(Func<VolumeState, VolumeState> change)
    {
        lock (_gate)
        {
            var next = change(Current);
            var body = next.Encode();
            var slot = new byte[HeaderSize + body.Length];
            if (slot.Length > SlotSize)
            {
                throw new ArgumentException(
                    $"The state needs {slot.Length} bytes, but at most {SlotSize} fit; shorten the disks' paths.",
                    nameof(change));
            }

            BinaryPrimitives.WriteUInt32LittleEndian(slot.AsSpan(4), Magic);
            BinaryPrimitives.WriteUInt16LittleEndian(slot.AsSpan(8), Version);
            BinaryPrimitives.WriteUInt64LittleEndian(slot.AsSpan(16), ++_number);
            BinaryPrimitives.WriteUInt32LittleEndian(slot.AsSpan(24), (uint)body.Length);
            body.CopyTo(slot, HeaderSize);
            BinaryPrimitives.WriteUInt32LittleEndian(slot, Crc32C.Compute(slot.AsSpan(4)));
            for (var i = 0; i < 2; i++)
            {
                _file.Write(i * SlotSize, slot);
                _file.Sync();
            }

            Current = next;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static bool IsNoted(IStorageFile file)
    {
        Span<byte> note = stackalloc byte[1];
        return file.Read(NotePlace, note) == 1 && note[0] != 0;
    }

    private static ulong NumberOf(byte[] slot) => BinaryPrimitives.ReadUInt64LittleEndian(slot.AsSpan(16));

    private static (VolumeState? State, ulong Number) ReadSlot(IStorageFile file, int index)
    {
        var slot = new byte[SlotSize];
        if (file.Read(index * SlotSize, slot) < SlotSize
            || BinaryPrimitives.ReadUInt32LittleEndian(slot.AsSpan(4)) != Magic
            || BinaryPrimitives.ReadUInt16LittleEndian(slot.AsSpan(8)) != Version)
        {
            return (null, 0);
        }

        var length = BinaryPrimitives.ReadUInt32LittleEndian(slot.AsSpan(24));
        return length <= SlotSize - HeaderSize
            && BinaryPrimitives.ReadUInt32LittleEndian(slot)
                == Crc32C.Compute(slot.AsSpan(4, HeaderSize - 4 + (int)length))
            ? (VolumeState.Decode(slot[HeaderSize..(HeaderSize + (int)length)]), NumberOf(slot))
            : (null, 0);
    }
}
