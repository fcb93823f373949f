using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Simulation.Storage;
using Xunit;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Tests.DataPlane.Replicas;

public sealed class Replica_store_against_a_model
{
    [Fact]
    [Trait("Req", "I4")]
    [Trait("Req", "I5")]
    [Trait("Req", "I6")]
    [Trait("Req", "I25")]
    public void Every_point_is_the_base_folded_with_exactly_the_changes_up_to_its_cut() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(12),
            Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
            {
                try
                {
                    Run(seed, steps: 120);
                }
                catch (Exception e)
                {
                    throw new InvalidOperationException($"seed {seed}: {e.Message}", e);
                }
            }));

    private static void Run(int seed, int steps)
    {
        var driver = new StoreDriver(new SimulatedStorage(seed), new Random(seed), (900 << 10) + 1234, 300 << 10);
        driver.Random.NextBytes(driver.Disks[0].AsSpan(100_000, 300_000));
        driver.Random.NextBytes(driver.Disks[1].AsSpan(0, 70_000));
        driver.Create();
        driver.StartGeneration();
        driver.CopyAll(writes: true);
        for (var i = 0; i < steps; i++)
        {
            Step(driver);
        }

        driver.CheckPoints();
        while (driver.Store.Maintain(TimeSpan.FromSeconds(1)))
        {
        }

        driver.CheckPoints();
        Assert.All(driver.Store.Points, p => Assert.True(driver.Store.Verify(p.Id).IsSound));
        driver.Reopen();
        driver.CheckPoints();
        driver.Store.Dispose();
    }

    private static void Step(StoreDriver driver)
    {
        var store = driver.Store;
        switch (driver.Random.Next(16))
        {
            case < 5:
                driver.Write(driver.Random.Next(1, 30));
                break;
            case < 8:
                driver.Mark();
                break;
            case 8:
                Assert.Equal(driver.At, store.Sync());
                break;
            case 9 or 10:
                store.Maintain(TimeSpan.FromMilliseconds(driver.Random.Next(20)));
                break;
            case 11:
                Prune(driver);
                break;
            case 12:
                driver.Reopen();
                Assert.Equal(driver.At, driver.Store.Position.Durable);
                break;
            case 13:
                driver.Repeat();
                break;
            case 14:
                Other(driver);
                break;
            default:
                WriteToAnOverlay(driver);
                break;
        }
    }

    private static void Other(StoreDriver driver)
    {
        var points = driver.Store.Points;
        switch (driver.Random.Next(5))
        {
            case 0 when points.Count > 0:
                var point = points[driver.Random.Next(points.Count)];
                driver.Store.Rewind(point.Id);
                driver.GoTo(driver.Points[point.Id], point.Cut);
                break;
            case 1:
                driver.Grow(1, driver.Disks[1].Length + driver.Random.Next(1, 50_000));
                break;
            case 2:
                driver.StartGeneration();
                driver.Write(3);
                driver.Random.NextBytes(driver.Disks[0].AsSpan(driver.Random.Next(100_000), 5000));
                driver.CopyAll(writes: true);
                break;
            case 3:
                driver.Store.Sync();
                CheckComparison(driver);
                break;
            default:
                if (!driver.Store.Position.Resyncing)
                {
                    var id = driver.NewId();
                    driver.Points[id] = driver.Copy();
                    driver.Store.SealNow(id, DateTimeOffset.UnixEpoch, PointKind.Crash);
                }

                break;
        }
    }

    private static void Prune(StoreDriver driver)
    {
        var before = driver.Store.Points;
        var ids = before.Where(_ => driver.Random.Next(2) == 0).Select(p => p.Id).ToList();
        var result = driver.Store.Prune(ids);
        Assert.Equal(ids.Count, result.Pruned.Count + result.Kept.Count);
        Assert.Equal(before.Count - result.Pruned.Count, driver.Store.Points.Count);
    }

    private static void CheckComparison(StoreDriver driver)
    {
        var disk = driver.Disks[0];
        var blocks = (disk.Length + 65535) / 65536;
        var hashes = new byte[blocks * 32];
        var changed = driver.Random.Next(blocks);
        for (var i = 0; i < blocks; i++)
        {
            var block = disk.AsSpan(i * 65536, Math.Min(65536, disk.Length - (i * 65536))).ToArray();
            block[0] ^= (byte)(i == changed ? 1 : 0);
            System.Security.Cryptography.SHA256.HashData(block).CopyTo(hashes.AsSpan(i * 32));
        }

        var differs = new bool[blocks];
        driver.Store.CompareBlocks(0, 0, hashes, differs);
        Assert.Equal([changed], differs.Index().Where(d => d.Item).Select(d => d.Index));
    }

    private static void WriteToAnOverlay(StoreDriver driver)
    {
        var points = driver.Store.Points;
        if (points.Count == 0)
        {
            return;
        }

        var point = points[driver.Random.Next(points.Count)];
        var model = driver.Points[point.Id].Select(d => d.ToArray()).ToArray();
        var overlay = driver.Store.CreateOverlay("test", point.Id);
        for (var i = driver.Random.Next(40); i > 0; i--)
        {
            WriteOnce(driver.Random, model, overlay.Disks);
            if (driver.Random.Next(10) == 0)
            {
                driver.Store.Maintain(TimeSpan.Zero);
            }
        }

        if (driver.Random.Next(2) == 0)
        {
            driver.Reopen();
            overlay = driver.Store.OpenOverlay("test");
        }

        for (var disk = 0; disk < model.Length; disk++)
        {
            StoreDriver.AssertSame(model[disk], StoreDriver.ReadAll(overlay.Disks[disk]), $"overlay disk {disk}");
        }

        driver.CheckPoint(point.Id);
        if (driver.Random.Next(4) == 0)
        {
            var at = new ChangePosition(driver.Store.Applied.Generation.Next(), driver.Store.Applied.Lsn.Next());
            driver.Store.AdoptOverlay("test", at);
            driver.GoTo(model, at);
            var id = driver.Mark();
            driver.Store.Sync();
            driver.CheckPoint(id);
        }
        else
        {
            driver.Store.DeleteOverlay("test");
        }
    }

    internal static void WriteOnce(Random random, byte[][] model, IReadOnlyList<IBlockDevice> disks)
    {
        var disk = random.Next(model.Length);
        var length = random.Next(1, 20_000);
        var offset = random.Next(model[disk].Length - length);
        var data = new byte[length];
        if (random.Next(4) > 0)
        {
            random.NextBytes(data);
            disks[disk].Write([BlockChange.Write(offset, data)]);
        }
        else
        {
            disks[disk].Write([BlockChange.Zeroes(offset, length, true)]);
        }

        data.CopyTo(model[disk].AsSpan(offset));
        if (random.Next(8) == 0)
        {
            disks[disk].Flush();
        }
    }
}
