using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.Tests.TestKit;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Blocks;

/// <summary>Real loop devices.</summary>
public sealed class Disks_that_are_block_devices : IDisposable
{
    private const int Size = 4 << 20;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("loops-");
    private readonly byte[] _model = new byte[Size];
    private readonly string _file;

    public Disks_that_are_block_devices()
    {
        new Random(1).NextBytes(_model);
        _file = Path.Combine(_directory.FullName, "disk");
        File.WriteAllBytes(_file, _model);
    }

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    public void Random_changes_leave_what_a_model_says_whatever_the_sector(int sector)
    {
        using var loop = LoopDevice.Over(_file, "-b", $"{sector}");
        using (var disk = LocalDisk.Open(loop.Path))
        {
            Assert.Equal(Size, disk.Device.Length);
            var random = new Random(sector);
            for (var round = 0; round < 100; round++)
            {
                var changes = Enumerable.Range(0, random.Next(1, 6)).Select(_ => Any(random)).ToArray();
                disk.Device.Write(changes);
                foreach (var change in changes)
                {
                    var target = _model.AsSpan((int)change.Offset, (int)change.Length);
                    target.Clear();
                    change.Data.Span.CopyTo(target);
                }
            }

            disk.Device.Flush();
            var read = new byte[Size];
            disk.Device.Read(0, read);
            Assert.Equal(_model, read);
        }

        Assert.Equal(_model, File.ReadAllBytes(loop.Path));
    }

    [Theory]
    [InlineData(0, Size)]
    [InlineData(1 << 20, 1 << 20)]
    [InlineData(777, 100)]
    [InlineData(511, 2)]
    [InlineData(4000, 12_345)]
    public void A_discarded_range_reads_as_zeroes_and_its_neighbours_stay(int offset, int length)
    {
        foreach (var mayDeallocate in (bool[])[true, false])
        {
            using var loop = LoopDevice.Over(_file, "-b", "4096");
            using var disk = LocalDisk.Open(loop.Path);
            disk.Device.Write([BlockChange.Write(0, new Memory<byte>(_model))]);
            disk.Device.Write([BlockChange.Zeroes(offset, length, mayDeallocate)]);
            var expected = (byte[])_model.Clone();
            expected.AsSpan(offset, length).Clear();
            var read = new byte[Size];
            disk.Device.Read(0, read);
            Assert.Equal(expected, read);
        }
    }

    [Fact]
    public void All_of_a_block_device_is_to_be_read()
    {
        File.WriteAllBytes(_file, new byte[Size]);
        using var loop = LoopDevice.Over(_file);
        using var disk = LocalDisk.Open(loop.Path);
        Assert.Equal(new AllocatedRun(Size - 5, AllocationState.Data), disk.Device.NextRun(5, Size - 5));
        Assert.Equal(new AllocatedRun(100, AllocationState.Data), disk.Device.NextRun(5, 100));
    }

    [Fact]
    public void What_a_device_has_lost_at_its_end_is_neither_read_nor_written()
    {
        using var loop = LoopDevice.Over(_file);
        using var disk = LocalDisk.Open(loop.Path);
        using (var cut = File.OpenHandle(_file, FileMode.Open, FileAccess.Write))
        {
            RandomAccess.SetLength(cut, Size / 2);
        }

        loop.Resize();
        Assert.Equal(Size / 2, disk.Look().SizeBytes);
        Assert.Equal(Size / 2, disk.Device.UsableLength);
        var write = Assert.Throws<BlockDeviceException>(
            () => disk.Device.Write([BlockChange.Write(Size - 512, new byte[512])]));
        Assert.Equal(BlockDeviceException.NoSpace, write.Errno);
        var read = Assert.Throws<BlockDeviceException>(() => disk.Device.Read(Size - 512, new byte[512]));
        Assert.Equal(BlockDeviceException.InputOutput, read.Errno);
    }

    [Fact]
    public void A_block_device_has_no_times_of_its_own()
    {
        using var loop = LoopDevice.Over(_file);
        var observation = DiskProbe.Look(loop.Path);
        Assert.Equal((true, Size, null, null),
            (observation.IsBlockDevice, observation.SizeBytes, observation.Birth, observation.Changed));
        Assert.StartsWith("block:7:", observation.Identity, StringComparison.Ordinal);
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private static BlockChange Any(Random random)
    {
        var length = random.Next(1, 200_000);
        var offset = random.Next(0, Size - length);
        if (random.Next(3) > 0)
        {
            return BlockChange.Zeroes(offset, length, mayDeallocate: random.Next(2) == 0);
        }

        var data = new byte[length];
        random.NextBytes(data);
        return BlockChange.Write(offset, data);
    }
}
