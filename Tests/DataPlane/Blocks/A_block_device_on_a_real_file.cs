using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Blocks;

public sealed class A_block_device_on_a_real_file : IDisposable
{
    private const int Size = (1 << 20) + 777;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("blocks-");
    private readonly FileBlockDevice _device;
    private readonly string _path;

    public A_block_device_on_a_real_file()
    {
        _path = Path.Combine(_directory.FullName, "disk");
        File.WriteAllBytes(_path, new byte[Size]);
        _device = FileBlockDevice.Open(_path);
    }

    [Fact]
    public void Random_changes_leave_what_a_model_says()
    {
        var model = new byte[Size];
        var random = new Random(42);
        for (var round = 0; round < 200; round++)
        {
            var changes = Enumerable.Range(0, random.Next(1, 8)).Select(_ => Any(random)).ToArray();
            _device.Write(changes);
            foreach (var change in changes)
            {
                var target = model.AsSpan((int)change.Offset, (int)change.Length);
                target.Clear();
                change.Data.Span.CopyTo(target);
            }
        }

        Assert.Equal(model, File.ReadAllBytes(_path));
        var read = new byte[Size];
        _device.Read(0, read);
        Assert.Equal(model, read);
    }

    [Fact]
    public void Neighbouring_writes_go_out_together_and_land_in_place()
    {
        var pieces = Enumerable.Range(0, 200).Select(i => Bytes(100 + i, i)).ToArray();
        var offset = 555L;
        var changes = new List<BlockChange>();
        foreach (var piece in pieces)
        {
            changes.Add(BlockChange.Write(offset, piece));
            offset += piece.Length;
        }

        _device.Write(changes.ToArray());
        Assert.Equal(pieces.SelectMany(p => p), File.ReadAllBytes(_path)[555..(int)offset]);
    }

    [Fact]
    public void Deallocated_zeroes_become_a_hole_and_kept_ones_do_not_change_the_size()
    {
        _device.Write([BlockChange.Write(0, Bytes(512 << 10))]);
        Assert.Equal(AllocationState.Data, _device.NextRun(0, 4096).State);
        _device.Write([BlockChange.Zeroes(0, 256 << 10, mayDeallocate: true)]);
        Assert.Equal(new AllocatedRun(256 << 10, AllocationState.Hole), _device.NextRun(0, Size));
        Assert.Equal(new AllocatedRun(4096, AllocationState.Hole), _device.NextRun(0, 4096));
        _device.Write([BlockChange.Zeroes(Size - 300_000, 300_000, mayDeallocate: false)]);
        Assert.Equal(Size, new FileInfo(_path).Length);
        Assert.True(_device.HasFastZeroes);
    }

    [Fact]
    public void Ranges_outside_the_device_are_refused_and_change_nothing()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _device.Read(Size - 1, new byte[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => _device.Read(-1, new byte[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => _device.Write([BlockChange.Write(Size, Bytes(1))]));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => _device.Write([BlockChange.Zeroes(long.MaxValue, long.MaxValue, true)]));
        Assert.Throws<ArgumentOutOfRangeException>(() => _device.NextRun(0, Size + 1L));
        Assert.Equal(new byte[Size], File.ReadAllBytes(_path));
    }

    [Fact]
    public void A_file_cut_short_from_outside_is_an_error_and_never_zeroes()
    {
        using (var file = new FileStream(_path, FileMode.Open))
        {
            file.SetLength(1000);
        }

        var error = Assert.Throws<BlockDeviceException>(() => _device.Read(900, new byte[200]));
        Assert.Equal(BlockDeviceException.InputOutput, error.Errno);
    }

    [Fact]
    public void A_read_only_device_refuses_writes_with_not_permitted()
    {
        using var device = FileBlockDevice.Open(_path, readOnly: true);
        var error = Assert.Throws<BlockDeviceException>(() => device.Write([BlockChange.Write(0, Bytes(1))]));
        Assert.Equal(BlockDeviceException.NotPermitted, error.Errno);
    }

    [Fact]
    [Trait("Req", "I28")]
    public void After_a_failed_sync_every_flush_and_forced_write_fails()
    {
        var file = new SyncFailsOnce();
        using var device = new FileBlockDevice(file);
        device.Flush();
        file.Broken = true;
        Assert.Equal(BlockDeviceException.InputOutput, Assert.Throws<BlockDeviceException>(device.Flush).Errno);
        var forced = BlockChange.Write(0, Bytes(1)) with { ForceUnitAccess = true };
        Assert.Throws<BlockDeviceException>(() => device.Write([forced]));
        device.Write([BlockChange.Write(0, Bytes(1))]);
    }

    [Fact]
    public void Several_forced_changes_of_one_call_share_a_sync()
    {
        var file = new SyncFailsOnce();
        using var device = new FileBlockDevice(file);
        var forced = BlockChange.Write(0, Bytes(1)) with { ForceUnitAccess = true };
        device.Write([forced, forced with { Offset = 10 }, BlockChange.Write(20, Bytes(1))]);
        Assert.Equal(1, file.Syncs);
        device.Write([BlockChange.Write(0, Bytes(1))]);
        Assert.Equal(1, file.Syncs);
    }

    public void Dispose()
    {
        _device.Dispose();
        _directory.Delete(recursive: true);
    }

    private static BlockChange Any(Random random)
    {
        var length = random.Next(1, random.Next(2) == 0 ? 5000 : 200_000);
        var offset = random.Next(0, Size - length);
        return random.Next(3) switch
        {
            0 => BlockChange.Zeroes(offset, length, mayDeallocate: true),
            1 => BlockChange.Zeroes(offset, length, mayDeallocate: false),
            _ => BlockChange.Write(offset, Bytes(length, random.Next())),
        };
    }

    private static byte[] Bytes(int count, int seed = 1)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>A file whose disk breaks while it syncs.</summary>
    private sealed class SyncFailsOnce : IStorageFile
    {
        private readonly byte[] _bytes = new byte[100];
        private bool _poisoned;

        public bool Broken { get; set; }

        public int Syncs { get; private set; }

        public string Name => "broken";

        public long Length => _bytes.Length;

        public int Read(long offset, Span<byte> destination) => 0;

        public void Write(long offset, ReadOnlySpan<byte> source) => source.CopyTo(_bytes.AsSpan((int)offset));

        public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> sources)
        {
        }

        public void SetLength(long length)
        {
        }

        public void Allocate(long offset, long length)
        {
        }

        public void PunchHole(long offset, long length)
        {
        }

        public (long Length, bool IsHole) NextRun(long offset) => (Length - offset, false);

        public void Sync()
        {
            Syncs++;
            _poisoned |= Broken;
            if (_poisoned)
            {
                throw new StorageException("broken", StorageException.InputOutput);
            }
        }

        public void Dispose()
        {
        }
    }
}
