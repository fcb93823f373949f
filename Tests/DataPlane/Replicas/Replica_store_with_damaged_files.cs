using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Simulation.Storage;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Replicas;

public sealed class Replica_store_with_damaged_files
{
    [Fact]
    [Trait("Req", "I7")]
    [Trait("Req", "S11")]
    public void A_flipped_bit_or_a_truncation_anywhere_gives_right_bytes_or_a_typed_error() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(120), Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            try
            {
                Run(seed);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}: {e.Message}", e);
            }
        }));

    [Fact]
    [Trait("Req", "I14")]
    [Trait("Req", "RCP-6")]
    public void Verify_reports_exactly_the_planted_differences()
    {
        var storage = new SimulatedStorage(4);
        var driver = Prepared(storage, new Random(4), out _);
        while (driver.Store.Maintain(TimeSpan.FromSeconds(1)))
        {
        }

        var content = driver.Points[driver.Store.Points[0].Id][0];
        var full = Enumerable.Range(0, content.Length / 4096)
            .Where(c => content.AsSpan(c * 4096, 4096).ContainsAnyExcept((byte)0)).ToList();
        int[] chunks = [full[0], full[5], full[^1]];
        foreach (var chunk in chunks)
        {
            storage.Flip("base-0", (chunk * 4096) + 99, 0);
        }

        var oldest = driver.Store.Points[0];
        var report = driver.Store.Verify(oldest.Id);
        Assert.Equal(chunks.Select(c => (c * 4096L, 4096L)), report.Damaged.Select(d => (d.Offset, d.Length)));
        Assert.False(report.IsSound);
        Assert.False(driver.Store.Points[0].Usable);
        Assert.Contains(driver.Store.FactsAfter(0), f => f.Fact is ReplicaFact.PointUnusable u && u.Id == oldest.Id);
        driver.Reopen();
        Assert.False(driver.Store.Points[0].Usable);
    }


    private static StoreDriver Prepared(SimulatedStorage storage, Random random, out byte[] overlay)
    {
        var driver = new StoreDriver(storage, random, 400 << 10);
        random.NextBytes(driver.Disks[0].AsSpan(40_000, 160_000));
        driver.Create();
        driver.StartGeneration();
        driver.CopyAll(writes: false);
        driver.Mark();
        driver.Store.Sync();
        driver.Store.Maintain(TimeSpan.FromMilliseconds(1));
        for (var i = 0; i < 4; i++)
        {
            driver.Write(6);
            driver.Mark();
            driver.Store.Sync();
        }

        var point = driver.Store.Points[1];
        overlay = driver.Points[point.Id][0].ToArray();
        var live = driver.Store.CreateOverlay("live", point.Id);
        for (var i = 0; i < 20; i++)
        {
            var data = new byte[random.Next(1, 9000)];
            random.NextBytes(data);
            var offset = random.Next(overlay.Length - data.Length);
            data.CopyTo(overlay.AsSpan(offset));
            live.Disks[0].Write([BlockChange.Write(offset, data)]);
        }

        live.Disks[0].Flush();
        driver.Store.Prune([driver.Store.Points[0].Id]);
        driver.Store.Maintain(TimeSpan.FromMilliseconds(random.Next(30)));
        driver.Write(3);
        driver.Store.Sync();
        return driver;
    }

    private static void Run(int seed)
    {
        var random = new Random(seed);
        var storage = new SimulatedStorage(seed);
        var driver = Prepared(storage, random, out var overlay);
        var before = driver.Store.Points.Select(p => p.Id).ToList();
        driver.Store.Dispose();
        Damage(storage, random);
        try
        {
            driver.Open();
        }
        catch (Exception e) when (e is ReplicaCorruptException or StorageException)
        {
            return;
        }

        Assert.Equal(before, driver.Store.Points.Select(p => p.Id));
        CheckPoints(driver);
        CheckOverlay(driver.Store, overlay);
        CheckComparison(driver);
        driver.Store.Maintain(TimeSpan.FromMilliseconds(200));
        CheckPoints(driver);
        driver.Store.Dispose();
    }

    private static void Damage(SimulatedStorage storage, Random random)
    {
        var names = storage.Paths();
        var name = names[random.Next(names.Count)];
        using var file = storage.Root.Open(name, StorageOpen.Existing);
        if (file.Length == 0)
        {
            return;
        }

        if (random.Next(4) == 0)
        {
            file.SetLength(random.Next((int)file.Length));
        }
        else
        {
            storage.Flip(name, random.Next((int)file.Length), random.Next(8));
        }
    }

    private static void CheckPoints(StoreDriver driver)
    {
        foreach (var point in driver.Store.Points.Where(p => p.Usable))
        {
            if (!driver.Store.Points.Single(p => p.Id == point.Id).Usable)
            {
                continue;
            }

            using var export = driver.Store.OpenPoint(point.Id);
            var expected = driver.Points[point.Id][0];
            var block = new byte[5000];
            for (var at = 0; at < expected.Length; at += block.Length)
            {
                var part = block.AsSpan(0, Math.Min(block.Length, expected.Length - at));
                try
                {
                    export.Disks[0].Read(at, part);
                }
                catch (BlockDeviceException e)
                {
                    Assert.Equal(BlockDeviceException.InputOutput, e.Errno);
                    Assert.False(driver.Store.Points.Single(p => p.Id == point.Id).Usable);
                    continue;
                }

                Assert.True(part.SequenceEqual(expected.AsSpan(at, part.Length)),
                    $"wrong bytes at {at} of point {point.Id}");
            }
        }
    }

    private static void CheckOverlay(ReplicaStore store, byte[] expected)
    {
        try
        {
            var overlay = store.OpenOverlay("live");
            StoreDriver.AssertSame(expected, StoreDriver.ReadAll(overlay.Disks[0]), "the overlay");
        }
        catch (Exception e) when (e is ReplicaCorruptException or BlockDeviceException or ReplicaRefusedException
            or StorageException)
        {
            Assert.NotEmpty(e.Message);
        }
    }

    private static void CheckComparison(StoreDriver driver)
    {
        var disk = driver.Disks[0];
        var blocks = (disk.Length + 65535) / 65536;
        var hashes = new byte[blocks * 32];
        for (var i = 0; i < blocks; i++)
        {
            var block = disk.AsSpan(i * 65536, Math.Min(65536, disk.Length - (i * 65536))).ToArray();
            block[7] ^= 1;
            System.Security.Cryptography.SHA256.HashData(block).CopyTo(hashes.AsSpan(i * 32));
        }

        var differs = new bool[blocks];
        driver.Store.CompareBlocks(0, 0, hashes, differs);
        Assert.DoesNotContain(false, differs);
    }
}
