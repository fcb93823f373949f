using ReplicationEngine.DataPlane.Storage;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Storage;

public sealed class File_storage_on_this_machine : IDisposable
{
    private const int NoEntry = 2;
    private const int Exists = 17;

    private readonly FileStorageDirectory _directory =
        new(Path.Combine(Directory.CreateTempSubdirectory("storage-").FullName, "a", "b"));

    [Fact]
    public void What_was_written_is_read_back_and_a_read_past_the_end_is_short()
    {
        using var file = _directory.Open("f", StorageOpen.New);
        file.Write(10, "hello"u8);
        file.Write(15, [" "u8.ToArray(), ReadOnlyMemory<byte>.Empty, "world"u8.ToArray()]);
        Assert.Equal(21, file.Length);
        var read = new byte[100];
        Assert.Equal(11, file.Read(10, read));
        Assert.Equal("hello world"u8.ToArray(), read[..11]);
        Assert.Equal(0, file.Read(21, read));
        file.Sync();
        _directory.Sync();
    }

    [Fact]
    public void A_gather_write_of_more_buffers_than_one_call_takes_is_whole()
    {
        using var file = _directory.Open("f", StorageOpen.New);
        var buffers = Enumerable.Range(0, 1500)
            .Select(i => new ReadOnlyMemory<byte>([(byte)i, (byte)(i >> 8)])).ToArray();
        file.Write(3, buffers);
        var read = new byte[3000];
        Assert.Equal(3000, file.Read(3, read));
        Assert.Equal(buffers.SelectMany(b => b.ToArray()), read);
    }

    [Fact]
    public void Opening_says_by_number_what_is_wrong()
    {
        Assert.Equal(NoEntry, Assert.Throws<StorageException>(() => _directory.Open("f", StorageOpen.Existing)).Errno);
        _directory.Open("f", StorageOpen.New).Dispose();
        Assert.Equal(Exists, Assert.Throws<StorageException>(() => _directory.Open("f", StorageOpen.New)).Errno);
        _directory.Open("f", StorageOpen.Any).Dispose();
        var missing = Path.Combine(_directory.Path, "none", "x");
        Assert.Equal(
            NoEntry,
            Assert.Throws<StorageException>(() => FileStorageDirectory.OpenPath(missing, FileMode.Open)).Errno);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a\0b")]
    public void A_name_that_is_no_single_path_element_is_refused(string name)
    {
        Assert.Throws<ArgumentException>(() => _directory.Open(name, StorageOpen.Any));
        Assert.Throws<ArgumentException>(() => _directory.Subdirectory(name));
    }

    [Fact]
    public void Names_are_listed_in_order_renamed_over_each_other_and_deleted()
    {
        foreach (var name in new[] { "b", "B", "a" })
        {
            using var file = _directory.Open(name, StorageOpen.New);
            file.Write(0, System.Text.Encoding.ASCII.GetBytes(name));
        }

        _directory.Subdirectory("d").Open("x", StorageOpen.New).Dispose();
        Assert.Equal(["B", "a", "b"], _directory.List());
        Assert.Equal(["d"], _directory.ListDirectories());
        _directory.Rename("a", "b");
        _directory.Delete("B");
        _directory.Delete("never there");
        _directory.DeleteSubdirectory("d");
        _directory.DeleteSubdirectory("d");
        Assert.Equal(["b"], _directory.List());
        Assert.Empty(_directory.ListDirectories());
        var read = new byte[1];
        using var renamed = _directory.Open("b", StorageOpen.Existing);
        Assert.Equal(1, renamed.Read(0, read));
        Assert.Equal((byte)'a', read[0]);
        Assert.True(_directory.Exists("b"));
        Assert.False(_directory.Exists("a"));
    }

    [Fact]
    public void Runs_of_data_and_holes_are_told_apart_to_the_end_of_the_file()
    {
        using var file = _directory.Open("f", StorageOpen.New);
        file.SetLength(1 << 20);
        Assert.Equal((1 << 20, true), file.NextRun(0));
        file.Write(65_536, new byte[65_536]);
        Assert.Equal((65_536, true), file.NextRun(0));
        Assert.Equal((65_536, false), file.NextRun(65_536));
        Assert.Equal(((1 << 20) - 131_072, true), file.NextRun(131_072));
        Assert.Equal((0, true), file.NextRun(1 << 20));
        file.PunchHole(65_536, 65_536);
        Assert.Equal((1 << 20, true), file.NextRun(0));
        Assert.Equal(1 << 20, file.Length);
    }

    [Fact]
    public void A_full_disk_is_told_by_its_number()
    {
        using var full = FileStorageDirectory.OpenPath("/dev/full", FileMode.Open);
        Assert.Equal(StorageException.NoSpace, Assert.Throws<StorageException>(() => full.Write(0, "x"u8)).Errno);
        Assert.Equal(
            StorageException.NoSpace,
            Assert.Throws<StorageException>(() => full.Write(0, ["x"u8.ToArray(), "y"u8.ToArray()])).Errno);
    }

    [Fact]
    [Trait("Req", "I28")]
    public void A_failed_sync_is_an_error_and_poisons_the_file()
    {
        // The null device takes writes and refuses to sync.
        using var file = FileStorageDirectory.OpenPath("/dev/null", FileMode.Open);
        file.Write(0, "x"u8);
        Assert.NotEqual(StorageException.InputOutput, Assert.Throws<StorageException>(file.Sync).Errno);
        Assert.Equal(StorageException.InputOutput, Assert.Throws<StorageException>(file.Sync).Errno);
    }

    [Fact]
    public void A_file_opened_for_reading_refuses_writes_as_a_storage_error()
    {
        _directory.Open("f", StorageOpen.New).Dispose();
        using var file = FileStorageDirectory.OpenPath(
            Path.Combine(_directory.Path, "f"), FileMode.Open, FileAccess.Read);
        Assert.Throws<StorageException>(() => file.Write(0, "x"u8));
        Assert.Throws<StorageException>(() => file.SetLength(10));
    }

    public void Dispose() =>
        Directory.Delete(Path.GetFullPath(Path.Combine(_directory.Path, "..", "..")), recursive: true);
}
