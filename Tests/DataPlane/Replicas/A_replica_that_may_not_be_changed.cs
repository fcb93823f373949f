using System.Security.Cryptography;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Storage;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Replicas;

/// <summary>A store opened through a directory that stays as it is gives the bytes that one gives which may repair
/// it.</summary>
public sealed class A_replica_that_may_not_be_changed : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("dr-unaltered-").FullName;
    private readonly StoreDriver _driver;

    public A_replica_that_may_not_be_changed()
    {
        _driver = new StoreDriver(new FileStorageDirectory(_root), new Random(11), 400 << 10, 150 << 10);
        _driver.Random.NextBytes(_driver.Disks[0].AsSpan(40_000, 160_000));
        _driver.Create();
        _driver.StartGeneration();
        _driver.CopyAll(writes: false);
        _driver.Mark();
        for (var i = 0; i < 4; i++)
        {
            _driver.Write(6);
            _driver.Mark();
            _driver.Store.Sync();
        }

        while (_driver.Store.Maintain(TimeSpan.FromSeconds(1)))
        {
        }

        _driver.Write(6);
        _driver.Mark();
        _driver.Write(3);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    [Trait("Req", "I7")]
    public void Every_point_reads_as_it_was_sealed_and_no_file_changes()
    {
        // As a process that dies leaves it: what was not sealed stands in the log's tail.
        var crashed = Copy();
        var before = Digest(crashed);
        using (var store = ReplicaStore.Open(new UnalteredDirectory(crashed), StoreDriver.Small))
        {
            Assert.Equal(_driver.Points.Keys.ToHashSet(), store.Points.Select(p => p.Id).ToHashSet());
            foreach (var point in store.Points)
            {
                using var export = store.OpenPoint(point.Id);
                for (var disk = 0; disk < export.Disks.Count; disk++)
                {
                    StoreDriver.AssertSame(
                        _driver.Points[point.Id][disk], StoreDriver.ReadAll(export.Disks[disk]), $"{point.Id} {disk}");
                }

                Assert.True(store.Verify(point.Id).IsSound);
            }

            var overlay = store.CreateOverlay("scratch", store.Points[0].Id);
            overlay.Disks[0].Write([BlockChange.Write(0, new byte[8192])]);
            overlay.Disks[0].Flush();
        }

        Assert.Equal(before, Digest(crashed));
    }

    [Fact]
    [Trait("Req", "I7")]
    public void A_torn_or_damaged_file_gives_right_bytes_or_a_typed_error_and_stays_as_it_is()
    {
        _driver.Store.Dispose();
        var random = new Random(5);
        foreach (var file in Directory.GetFiles(_root).Order(StringComparer.Ordinal))
        {
            var copy = Copy();
            var path = Path.Combine(copy, Path.GetFileName(file));
            Damage(path, random);
            var before = Digest(copy);
            try
            {
                using var store = ReplicaStore.Open(new UnalteredDirectory(copy), StoreDriver.Small);
                foreach (var point in store.Points.Where(p => p.Usable))
                {
                    using var export = store.OpenPoint(point.Id);
                    for (var disk = 0; disk < export.Disks.Count; disk++)
                    {
                        ReadRight(export.Disks[disk], _driver.Points[point.Id][disk], $"{path} {point.Id}");
                    }
                }
            }
            catch (Exception e) when (e is ReplicaCorruptException or ReplicaRefusedException)
            {
                // Told, as it has to be.
                Assert.Equal(before, Digest(copy));
            }

            Assert.Equal(before, Digest(copy));
        }
    }

    [Fact]
    public void Renaming_deleting_and_cutting_happen_in_memory()
    {
        File.WriteAllText(Path.Combine(_root, "a"), "0123456789");
        var before = Digest(_root);
        var directory = new UnalteredDirectory(_root);
        using (var file = directory.Open("a", StorageOpen.Existing))
        {
            file.SetLength(4);
            file.SetLength(8);
            file.Write(6, "xy"u8);
            var bytes = new byte[10];
            Assert.Equal(8, file.Read(0, bytes));
            Assert.Equal("0123\0\0xy\0\0"u8, bytes);
        }

        directory.Rename("a", "b");
        Assert.False(directory.Exists("a"));
        using (var moved = directory.Open("b", StorageOpen.Existing))
        {
            Assert.Equal(8, moved.Length);
        }

        directory.Delete("b");
        Assert.DoesNotContain("b", directory.List());
        Assert.Throws<StorageException>(() => directory.Open("b", StorageOpen.Existing));
        using (var made = directory.Subdirectory("new").Open("c", StorageOpen.New))
        {
            made.Write(0, "z"u8);
        }

        Assert.Contains("new", directory.ListDirectories());
        Assert.Equal(before, Digest(_root));
        Assert.False(Directory.Exists(Path.Combine(_root, "new")));
    }

    private static void ReadRight(IBlockDevice device, byte[] expected, string what)
    {
        const int piece = 4096;
        var found = new byte[piece];
        for (var at = 0; at < expected.Length; at += piece)
        {
            var part = found.AsSpan(0, Math.Min(piece, expected.Length - at));
            try
            {
                device.Read(at, part);
            }
            catch (BlockDeviceException)
            {
                continue;
            }

            Assert.True(part.SequenceEqual(expected.AsSpan(at, part.Length)), $"{what} at {at}");
        }
    }

    private static void Damage(string path, Random random)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        if (file.Length > 0 && random.Next(3) == 0)
        {
            file.SetLength(random.NextInt64(file.Length));
        }
        else if (file.Length > 0)
        {
            var at = random.NextInt64(file.Length);
            file.Position = at;
            var old = file.ReadByte();
            file.Position = at;
            file.WriteByte((byte)(old ^ (1 << random.Next(8))));
        }
    }

    private static string Digest(string directory)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in Directory.GetFiles(directory).Order(StringComparer.Ordinal))
        {
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes(
                $"{Path.GetFileName(file)} {File.GetLastWriteTimeUtc(file):O}\n"));
            hash.AppendData(File.ReadAllBytes(file));
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private string Copy()
    {
        var copy = Directory.CreateDirectory(Path.Combine(_root, "copies", Path.GetRandomFileName())).FullName;
        foreach (var file in Directory.GetFiles(_root))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        return copy;
    }
}
