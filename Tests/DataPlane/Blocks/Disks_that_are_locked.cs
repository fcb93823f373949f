using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.Tests.TestKit;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Blocks;

/// <summary>QEMU's own tools judge the locks.</summary>
public sealed class Disks_that_are_locked : IDisposable
{
    private const int Size = 1 << 20;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("locks-");
    private readonly string _path;

    public Disks_that_are_locked()
    {
        _path = Path.Combine(_directory.FullName, "disk");
        File.WriteAllBytes(_path, new byte[Size]);
    }

    [Fact]
    public void Qemus_tools_are_refused_while_a_disk_is_open_and_not_after()
    {
        var io = OutsideTool.Require("qemu-io", "qemu-utils");
        var image = OutsideTool.Require("qemu-img", "qemu-utils");
        using (LocalDisk.Open(_path))
        {
            Refused(io.Run("-f", "raw", "-c", "write 0 512", _path));
            Refused(image.Run("resize", "-f", "raw", _path, "2M"));
            Refused(image.Run("convert", "-f", "raw", "-O", "raw", _path, _path + ".copy"));
            Refused(OutsideTool.Require("qemu-nbd", "qemu-utils").Run(
                "-f", "raw", "-x", "", "-k", Path.Combine(_directory.FullName, "s"), _path));
            image.Run("info", "-U", "-f", "raw", _path).Succeeded();
        }

        io.Run("-f", "raw", "-c", "write 0 512", _path).Succeeded();
    }

    [Fact]
    public void A_disk_that_qemu_has_open_is_refused_and_the_program_named()
    {
        using var io = OutsideTool.Require("qemu-io", "qemu-utils").Start("-f", "raw", _path);
        io.StandardInput.WriteLine("write 0 512");
        io.StandardInput.Flush();
        Assert.Contains("wrote", io.StandardOutput.ReadLine() + io.StandardOutput.ReadLine(), StringComparison.Ordinal);
        var refused = Assert.Throws<DiskInUseException>(() => LocalDisk.Open(_path));
        Assert.Contains($"process {io.Id} (qemu-io)", refused.Message, StringComparison.Ordinal);
        io.StandardInput.Close();
        Assert.True(io.WaitForExit(TimeSpan.FromSeconds(50)));
        using var disk = LocalDisk.Open(_path);
    }

    [Fact]
    public void A_second_opening_is_refused_through_any_name_also_in_one_process()
    {
        var link = _path + ".link";
        File.CreateSymbolicLink(link, _path);
        using var disk = LocalDisk.Open(_path);
        Assert.Throws<DiskInUseException>(() => LocalDisk.Open(_path));
        Assert.Throws<DiskInUseException>(() => LocalDisk.Open(link));
        File.ReadAllBytes(_path);
        Assert.Throws<DiskInUseException>(() => LocalDisk.Open(_path));
    }

    [Fact]
    public void A_block_device_that_is_mounted_or_open_is_refused()
    {
        using var loop = LoopDevice.Over(_path);
        using (LocalDisk.Open(loop.Path))
        {
            Assert.Throws<DiskInUseException>(() => LocalDisk.Open(loop.Path));
            Refused(OutsideTool.Require("qemu-io", "qemu-utils").Run("-f", "raw", "-c", "write 0 512", loop.Path));
        }

        OutsideTool.Require("mkfs.ext4", "e2fsprogs").Run("-q", loop.Path).Succeeded();
        var place = _directory.CreateSubdirectory("mounted").FullName;
        var mount = OutsideTool.Require("mount", "mount").Run(loop.Path, place);
        Assert.SkipWhen(mount.ExitCode != 0, $"nothing may be mounted here: {mount.Errors.Trim()}");
        try
        {
            var refused = Assert.Throws<DiskInUseException>(() => LocalDisk.Open(loop.Path));
            Assert.Contains(place, refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            OutsideTool.Require("umount", "mount").Run(place).Succeeded();
        }
    }

    [Fact]
    public void A_file_that_was_cut_is_not_made_longer_by_a_write()
    {
        using var disk = LocalDisk.Open(_path);
        using (var cut = File.OpenHandle(_path, FileMode.Open, FileAccess.Write))
        {
            RandomAccess.SetLength(cut, Size / 2);
        }

        foreach (var change in (BlockChange[])[
            BlockChange.Write(Size - 10, new byte[10]), BlockChange.Zeroes(Size - 10, 10, true),
            BlockChange.Zeroes(0, Size, false), BlockChange.Write((Size / 2) - 1, new byte[2])])
        {
            var refused = Assert.Throws<BlockDeviceException>(() => disk.Device.Write([change]));
            Assert.Equal(BlockDeviceException.NoSpace, refused.Errno);
        }

        disk.Device.Write([BlockChange.Write((Size / 2) - 1, new byte[1])]);
        Assert.Equal(BlockDeviceException.InputOutput, Assert.Throws<BlockDeviceException>(
            () => disk.Device.Read(Size / 2, new byte[1])).Errno);
        Assert.Equal(Size / 2, new FileInfo(_path).Length);
    }

    [Fact]
    public void A_disk_that_has_grown_is_measured_again_and_stays_locked()
    {
        using var disk = LocalDisk.Open(_path);
        using (var grow = File.OpenHandle(_path, FileMode.Open, FileAccess.Write))
        {
            RandomAccess.SetLength(grow, (2 * Size) + 7);
        }

        Assert.Equal(Size, disk.Device.Length);
        var grown = disk.Remeasured();
        Assert.Equal((2 * Size) + 7, grown.Length);
        grown.Write([BlockChange.Write(2 * Size, new byte[] { 1, 2, 3, 4, 5, 6, 7 })]);
        Assert.Throws<DiskInUseException>(() => LocalDisk.Open(_path));
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private static void Refused(ToolResult result)
    {
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("lock", result.Errors, StringComparison.Ordinal);
    }
}
