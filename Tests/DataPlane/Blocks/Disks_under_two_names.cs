using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Tests.TestKit;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Blocks;

public sealed class Disks_under_two_names : IDisposable
{
    private const int Size = 8 << 20;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("aliases-");
    private readonly string _file;

    public Disks_under_two_names() => _file = Make("disk");

    [Fact]
    public void Links_to_a_file_are_the_file()
    {
        var (symbolic, hard) = (In("s"), In("h"));
        File.CreateSymbolicLink(symbolic, _file);
        OutsideTool.Require("ln", "coreutils").Run(_file, hard).Succeeded();
        using var open = File.OpenHandle(_file);
        Conflict(_file, symbolic);
        Conflict(_file, hard);
        Conflict(symbolic, hard);
        Conflict(_file, $"/proc/self/fd/{open.DangerousGetHandle()}");
        Apart(_file, Make("other"));
    }

    [Fact]
    public void A_file_and_a_loop_device_over_it_are_one_disk()
    {
        using var loop = LoopDevice.Over(_file);
        Conflict(_file, loop.Path);
        Apart(Make("other"), loop.Path);
    }

    [Fact]
    public void Another_node_of_a_device_is_the_device()
    {
        using var loop = LoopDevice.Over(_file);
        var node = In("node");
        var number = DiskProbe.Look(loop.Path).Identity.Split(':');
        OutsideTool.Require("mknod", "coreutils").Run(node, "b", number[1], number[2]).Succeeded();
        Conflict(loop.Path, node);
        Conflict(_file, node);
    }

    [Fact]
    public void Two_loop_devices_are_in_conflict_only_where_they_share_bytes()
    {
        using var first = LoopDevice.Over(_file, "--offset", "0", "--sizelimit", $"{Size / 2}");
        using var second = LoopDevice.Over(_file, "--offset", $"{Size / 2}");
        using var both = LoopDevice.Over(_file, "--offset", $"{Size / 4}");
        Apart(first.Path, second.Path);
        Conflict(first.Path, both.Path);
        Conflict(second.Path, both.Path);
    }

    [Fact]
    public void A_loop_device_over_a_loop_device_lies_on_the_file_at_the_sum_of_the_offsets()
    {
        using var lower = LoopDevice.Over(_file, "--offset", $"{Size / 2}");
        using var upper = LoopDevice.Over(lower.Path, "--offset", $"{Size / 4}");
        using var front = LoopDevice.Over(_file, "--sizelimit", $"{Size / 2}");
        using var end = LoopDevice.Over(_file, "--offset", $"{Size * 3 / 4}");
        Conflict(upper.Path, lower.Path);
        Conflict(upper.Path, _file);
        Conflict(upper.Path, end.Path);
        Apart(upper.Path, front.Path);
    }

    [Fact]
    public void A_partition_conflicts_with_its_disk_and_not_with_its_sibling()
    {
        using var loop = LoopDevice.Over(_file, "--partscan");
        var add = OutsideTool.Require("addpart", "util-linux");
        var made = add.Run(loop.Path, "1", "2048", "4096");
        Assert.SkipWhen(made.ExitCode != 0, $"the kernel makes no partitions here: {made.Errors.Trim()}");
        add.Run(loop.Path, "2", "8192", "4096").Succeeded();
        var (one, two) = (loop.Path + "p1", loop.Path + "p2");
        Assert.SkipUnless(File.Exists(one) && File.Exists(two), "nobody makes the nodes of partitions here");
        Conflict(one, loop.Path);
        Conflict(one, _file);
        Apart(one, two);
        using var over = LoopDevice.Over(_file, "--offset", $"{2048 * 512}", "--sizelimit", "4096");
        Conflict(one, over.Path);
        Apart(two, over.Path);
    }

    [Fact]
    public void A_mapped_device_conflicts_with_what_it_maps()
    {
        using var loop = LoopDevice.Over(_file);
        var dmsetup = OutsideTool.Require("dmsetup", "dmsetup");
        var name = $"dr-test-{Environment.ProcessId}";
        var made = dmsetup.Run("create", name, "--noudevsync", "--table", $"0 {Size / 512} linear {loop.Path} 0");
        Assert.SkipWhen(made.ExitCode != 0, $"no device-mapper here: {made.Errors.Trim()}");
        try
        {
            dmsetup.Run("mknodes", name).Succeeded();
            var mapped = $"/dev/mapper/{name}";
            Conflict(mapped, loop.Path);
            Conflict(mapped, _file);
            var refused = Assert.Throws<DiskInUseException>(() => LocalDisk.Open(loop.Path));
            Assert.Contains("dm-", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            dmsetup.Run("remove", "--noudevsync", name);
        }
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private static void Conflict(string one, string other) => Assert.True(
        Conflicts(one, other), $"{DiskProbe.IdentityOf(one)} | {DiskProbe.IdentityOf(other)}");

    private static void Apart(string one, string other) => Assert.False(
        Conflicts(one, other), $"{DiskProbe.IdentityOf(one)} | {DiskProbe.IdentityOf(other)}");

    // By their texts, which is how the service compares them.
    private static bool Conflicts(string one, string other)
    {
        var (a, b) = (Parsed(one), Parsed(other));
        Assert.Equal(a.ConflictsWith(b), b.ConflictsWith(a));
        return a.ConflictsWith(b);
    }

    private static DiskIdentity Parsed(string path)
    {
        var identity = DiskProbe.IdentityOf(path);
        Assert.Equal(identity, DiskIdentity.Parse(identity.ToString()));
        return identity;
    }

    private string Make(string name)
    {
        using var file = File.OpenHandle(In(name), FileMode.Create, FileAccess.Write);
        RandomAccess.SetLength(file, Size);
        return In(name);
    }

    private string In(string name) => Path.Combine(_directory.FullName, name);
}
