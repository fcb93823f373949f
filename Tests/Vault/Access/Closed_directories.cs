using ReplicationEngine.DataPlane.DataDirectories;
using ReplicationEngine.DataPlane.Nbd;
using ReplicationEngine.Tests.TestKit;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Access;

/// <summary>A data directory is its user's alone before anything is written to it.</summary>
public sealed class Closed_directories : IDisposable
{
    private const UnixFileMode Everybody = (UnixFileMode)0x1FF;

    private readonly string _root = Directory.CreateTempSubdirectory("dr-closed-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_new_one_is_made_closed()
    {
        using var held = DataDirectoryLock.Take(At("new"), "service");
        Assert.Equal(PrivateDirectory.DirectoryMode, File.GetUnixFileMode(At("new")));
        Assert.Equal(0, held.ClosedToOthers);
    }

    [Fact]
    public void One_that_is_in_use_is_refused_and_a_reader_is_called_one()
    {
        using (DataDirectoryLock.Take(At("used"), "service"))
        {
            var busy = Assert.Throws<DataDirectoryBusyException>(() => DataDirectoryLock.Take(At("used"), "recovery"));
            Assert.Contains("in use by another process", busy.Message, StringComparison.Ordinal);
        }

        using var reader = DataDirectoryLock.Share(At("used"));
        var read = Assert.Throws<DataDirectoryBusyException>(() => DataDirectoryLock.Take(At("used"), "recovery"));
        Assert.Contains("`drctl replica serve`", read.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_one_is_closed()
    {
        Directory.CreateDirectory(At("mounted/lost+found"));
        File.SetUnixFileMode(At("mounted"), Everybody | UnixFileMode.StickyBit);
        using var held = DataDirectoryLock.Take(At("mounted"), "agent");
        Assert.Equal(
            PrivateDirectory.DirectoryMode | UnixFileMode.StickyBit, File.GetUnixFileMode(At("mounted")));
    }

    [Fact]
    public void What_a_former_version_made_is_closed_and_counted()
    {
        Directory.CreateDirectory(At("old/vms/web"));
        foreach (var file in new[] { "old/journal.db", "old/lock", "old/vms/web/key", "old/vms/web/hook" })
        {
            File.WriteAllText(At(file), "x");
            File.SetUnixFileMode(At(file), Everybody);
        }

        File.CreateSymbolicLink(At("old/vms/link"), "/etc/passwd");
        foreach (var directory in new[] { "old", "old/vms", "old/vms/web" })
        {
            File.SetUnixFileMode(At(directory), Everybody & ~UnixFileMode.OtherWrite);
        }

        var before = File.GetUnixFileMode("/etc/passwd");
        using var held = DataDirectoryLock.Take(At("old"), "service");
        Assert.Equal(7, held.ClosedToOthers);
        Assert.Equal(PrivateDirectory.DirectoryMode, File.GetUnixFileMode(At("old/vms/web/key")));
        Assert.Equal(PrivateDirectory.DirectoryMode, File.GetUnixFileMode(At("old/vms/web")));
        Assert.Equal(before, File.GetUnixFileMode("/etc/passwd"));
    }

    [Theory]
    [InlineData("data")]
    [InlineData("my data")]
    public void Somebodys_directory_that_others_can_enter_is_refused_and_left_as_it_is(string name)
    {
        Directory.CreateDirectory(At(name));
        File.WriteAllText(At(name + "/photo.jpg"), "x");
        File.SetUnixFileMode(At(name), PrivateDirectory.DirectoryMode | UnixFileMode.OtherExecute);
        var refused = Assert.Throws<DataDirectoryBusyException>(() => DataDirectoryLock.Take(At(name), "service"));
        var word = name.Contains(' ') ? $"'{At(name)}'" : At(name);
        Assert.Contains($"`chmod -R go-rwx {word}`", refused.Message, StringComparison.Ordinal);
        Assert.Equal(
            PrivateDirectory.DirectoryMode | UnixFileMode.OtherExecute, File.GetUnixFileMode(At(name)));
        Assert.False(File.Exists(At(name + "/lock")));
        File.SetUnixFileMode(At(name), PrivateDirectory.DirectoryMode);
        using var held = DataDirectoryLock.Take(At(name), "service");
    }

    [Fact]
    public void What_another_user_owns_is_refused()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root to give a directory to another user");
        Directory.CreateDirectory(At("theirs"));
        OutsideTool.Require("chown", "coreutils").Run("65534", At("theirs")).Succeeded();
        var refused = Assert.Throws<DataDirectoryBusyException>(() => DataDirectoryLock.Take(At("theirs"), "agent"));
        Assert.Contains("65534", refused.Message, StringComparison.Ordinal);

        Directory.CreateDirectory(At("planted/volumes/web"));
        File.SetUnixFileMode(At("planted"), Everybody);
        OutsideTool.Require("chown", "coreutils").Run("65534", At("planted/volumes/web")).Succeeded();
        refused = Assert.Throws<DataDirectoryBusyException>(() => DataDirectoryLock.Take(At("planted"), "agent"));
        Assert.Contains(At("planted/volumes/web"), refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_socket_that_has_no_room_in_the_data_directory_is_in_a_private_one_and_stays_there()
    {
        var data = At(new string('d', 120));
        var socket = SocketPlace.Of(data, _root);
        var directory = Path.GetDirectoryName(socket)!;
        Assert.Equal(_root, Path.GetDirectoryName(directory));
        Assert.Equal(PrivateDirectory.DirectoryMode, File.GetUnixFileMode(directory));
        Assert.Equal(socket, SocketPlace.Of(data, _root));

        // The temporary directory is emptied at boot.
        Directory.Delete(directory, recursive: true);
        Assert.Equal(socket, SocketPlace.Of(data, _root));

        // Somebody else was quicker than this process after a boot.
        Directory.Delete(directory, recursive: true);
        Directory.CreateSymbolicLink(directory, At("trap"));
        Assert.NotEqual(socket, SocketPlace.Of(data, _root));
        Assert.NotEqual(SocketPlace.Of(At(new string('e', 120)), _root), SocketPlace.Of(data, _root));
        Assert.Equal("/d/nbd.sock", SocketPlace.Of("/d", _root));
    }

    private string At(string name) => Path.Combine(_root, name);
}
