using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Tests.TestKit;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Blocks;

public sealed class Disks_that_are_looked_at : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("looked-");

    [Fact]
    public void A_file_is_one_disk_under_every_name()
    {
        var path = Make("d", 777);
        var (symbolic, hard) = (In("s"), In("h"));
        File.CreateSymbolicLink(symbolic, path);
        OutsideTool.Require("ln", "coreutils").Run(path, hard).Succeeded();
        using var open = File.OpenHandle(path);
        var observation = DiskProbe.Look(path);
        Assert.Equal(observation, DiskProbe.Look(symbolic));
        Assert.Equal(observation, DiskProbe.Look(hard));
        Assert.Equal(observation, DiskProbe.Look(open));
        Assert.NotEqual(observation.Identity, DiskProbe.Look(Make("other", 777)).Identity);
        Assert.Equal((false, 777), (observation.IsBlockDevice, observation.SizeBytes));
    }

    [Fact]
    public void An_open_file_is_still_itself_when_its_name_leads_to_another()
    {
        var path = Make("d", 10);
        using var open = File.OpenHandle(path);
        var before = DiskProbe.Look(open);
        File.Move(Make("new", 20), path, overwrite: true);
        Assert.Equal(before.Identity, DiskProbe.Look(open).Identity);
        Assert.NotEqual(before.Identity, DiskProbe.Look(path).Identity);
        Assert.Equal(20, DiskProbe.Look(path).SizeBytes);
    }

    [Fact]
    public void The_change_time_moves_with_a_write_although_the_modification_time_is_set_back()
    {
        var path = Make("d", 10);
        var before = DiskProbe.Look(path);
        var modified = File.GetLastWriteTimeUtc(path);
        SpinWait.SpinUntil(() => Touch(path) > before.Changed, TimeSpan.FromSeconds(30));
        File.SetLastWriteTimeUtc(path, modified);
        var after = DiskProbe.Look(path);
        Assert.True(after.Changed > before.Changed);
        Assert.Equal(before.Birth, after.Birth);
    }

    [Theory]
    [InlineData("/nowhere/at/all")]
    [InlineData("/dev/null")]
    [InlineData("/tmp")]
    public void What_is_no_disk_is_refused(string path) =>
        Assert.Throws<StorageException>(() => DiskProbe.Look(path));

    public void Dispose() => _directory.Delete(recursive: true);

    private static DateTimeOffset? Touch(string path)
    {
        File.WriteAllBytes(path, new byte[10]);
        return DiskProbe.Look(path).Changed;
    }

    private string Make(string name, int size)
    {
        File.WriteAllBytes(In(name), new byte[size]);
        return In(name);
    }

    private string In(string name) => Path.Combine(_directory.FullName, name);
}
