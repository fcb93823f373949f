using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Overlays;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Simulation.Storage;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Replicas;

public sealed class Replica_store_in_trouble
{
    [Fact]
    [Trait("Req", "I27")]
    public void A_full_disk_refuses_changes_whole_and_the_store_recovers_when_there_is_space()
    {
        var (storage, driver) = Ready();
        var applied = driver.Store.Applied;
        var (content, at) = (driver.Copy(), driver.At);
        for (var i = 0; i < 10; i++)
        {
            storage.FullFromOperation = storage.Operations;
            Refused(ReplicaRefusal.Unavailable, () => driver.Write(5));
            Refused(ReplicaRefusal.Unavailable, () => driver.Store.Fence(new Term(9)));
            storage.FullFromOperation = long.MaxValue;
            Assert.Equal(applied, driver.Store.Applied);
            driver.GoTo(content, at);
        }

        driver.Write(20);
        var id = driver.Mark();
        Assert.Equal(driver.At, driver.Store.Sync());
        driver.CheckPoint(id);
        driver.Reopen();
        driver.CheckPoint(id);
        Assert.Equal(Term.First, driver.Store.Position.Term);
    }

    [Fact]
    [Trait("Req", "I2")]
    [Trait("Req", "I27")]
    public void Maintenance_that_runs_out_of_space_anywhere_loses_nothing_of_points_and_recovered_machines()
    {
        var failed = 0;
        for (var seed = 0; seed < 25; seed++)
        {
            var (storage, driver) = Ready(seed);
            var point = driver.Store.Points[0].Id;
            var machine = driver.Points[point].Select(d => d.ToArray()).ToArray();
            var overlay = driver.Store.CreateOverlay("live", point);
            for (var round = 0; round < 12; round++)
            {
                for (var i = 0; i < 40; i++)
                {
                    Replica_store_against_a_model.WriteOnce(driver.Random, machine, overlay.Disks);
                }

                overlay.Disks[0].Flush();
                driver.Write(20);
                driver.Mark();
                driver.Store.Sync();
                failed += MaintainUntilFull(storage, driver) ? 1 : 0;
                if (!TryMaintain(driver))
                {
                    // What a fold had begun in place is only repaired by an opening.
                    driver.Reopen();
                    overlay = driver.Store.OpenOverlay("live");
                }

                Check(driver, machine, overlay, $"seed {seed}, round {round}");
            }

            driver.Reopen();
            Check(driver, machine, driver.Store.OpenOverlay("live"), $"seed {seed}, opened again");
        }

        Assert.InRange(failed, 50, int.MaxValue);
    }

    [Fact]
    [Trait("Req", "I28")]
    public void A_failed_sync_poisons_the_store_until_it_is_opened_again()
    {
        var (storage, driver) = Ready();
        var durable = driver.Store.Sync();
        driver.Write(3);
        storage.FailsToSync = _ => true;
        Refused(ReplicaRefusal.Unavailable, () => driver.Store.Sync());
        storage.FailsToSync = _ => false;
        Refused(ReplicaRefusal.Unavailable, () => driver.Store.Sync());
        Refused(ReplicaRefusal.Unavailable, () => driver.Write());
        Assert.Equal(durable, driver.Store.Position.Durable);
        driver.CheckPoints();
        storage.Restart(powerCut: true);
        driver.Open();
        Assert.True(driver.Store.Position.Durable.CompareTo(durable) >= 0);
        driver.CheckPoints();
    }

    [Fact]
    [Trait("Req", "I28")]
    public void A_failed_sync_of_an_overlay_answers_EIO_for_good()
    {
        var (storage, driver) = Ready();
        var overlay = driver.Store.CreateOverlay("live", driver.Store.Points[0].Id);
        overlay.Disks[0].Write([BlockChange.Write(0, new byte[] { 1, 2, 3 })]);
        storage.FailsToSync = _ => true;
        Assert.Equal(BlockDeviceException.InputOutput,
            Assert.Throws<BlockDeviceException>(() => overlay.Disks[0].Flush()).Errno);
        storage.FailsToSync = _ => false;
        Assert.Equal(BlockDeviceException.InputOutput,
            Assert.Throws<BlockDeviceException>(() => overlay.Disks[0].Flush()).Errno);
    }

    [Fact]
    [Trait("Req", "I15")]
    [Trait("Req", "FOV-8")]
    public void A_stale_term_is_refused_by_every_way_in_and_after_a_restart()
    {
        var (storage, driver) = Ready();
        driver.Store.Fence(new Term(5));
        Refused(ReplicaRefusal.StaleTerm, () => driver.Write());
        Refused(ReplicaRefusal.StaleTerm, () => driver.Store.AcceptTerm(new Term(4)));
        Refused(ReplicaRefusal.StaleTerm, () => driver.Store.Fence(new Term(4)));
        driver.Store.Dispose();
        storage.Restart(powerCut: true);
        driver.Open();
        Assert.Equal(new Term(5), driver.Store.Position.Term);
        Refused(ReplicaRefusal.StaleTerm, () => driver.Store.AcceptTerm(new Term(4)));
        driver.Store.AcceptTerm(new Term(6));
        Assert.Equal(new Term(6), driver.Store.Position.Term);
    }

    [Fact]
    [Trait("Req", "I5")]
    public void A_gap_a_foreign_disk_and_a_damaged_record_are_refused_and_change_nothing()
    {
        var (_, driver) = Ready();
        var applied = driver.Store.Applied;
        var gap = driver.Encode(ChangeKind.Write, 0, 0, 3, [1, 2, 3], new Lsn(driver.At.Lsn.Value + 2));
        var next = new Lsn(driver.At.Lsn.Value + 1);
        Refused(ReplicaRefusal.Gap, () => driver.Store.Apply(gap));
        Refused(ReplicaRefusal.OutOfRange, () =>
            driver.Store.Apply(driver.Encode(ChangeKind.Write, 7, 0, 3, [1, 2, 3], next)));
        Refused(ReplicaRefusal.OutOfRange, () => driver.Store.Apply(
            driver.Encode(ChangeKind.Write, 0, driver.Disks[0].Length - 2, 3, [1, 2, 3], next)));
        var damaged = driver.Encode(ChangeKind.Write, 0, 0, 3, [1, 2, 3], next);
        damaged[^6] ^= 1;
        Assert.Throws<ReplicaCorruptException>(() => driver.Store.Apply(damaged));
        Assert.Equal(applied, driver.Store.Applied);
    }

    [Fact]
    [Trait("Req", "S11")]
    public void A_manifest_that_was_rolled_back_is_refused()
    {
        var (storage, driver) = Ready();
        driver.Store.Sync();
        var old = storage.LengthOf("manifest");
        driver.Store.Fence(new Term(8));
        driver.Store.Dispose();
        using (var manifest = storage.Root.Open("manifest", StorageOpen.Existing))
        {
            manifest.SetLength(old);
        }

        Assert.Throws<ReplicaCorruptException>(driver.Open);
    }

    private static bool MaintainUntilFull(SimulatedStorage storage, StoreDriver driver)
    {
        storage.FullFromOperation = storage.Operations + driver.Random.Next(2, 31);
        var failed = !TryMaintain(driver);
        storage.FullFromOperation = long.MaxValue;
        return failed;
    }

    private static bool TryMaintain(StoreDriver driver)
    {
        try
        {
            while (driver.Store.Maintain(TimeSpan.Zero))
            {
            }

            return true;
        }
        catch (ReplicaRefusedException)
        {
            return false;
        }
    }

    private static void Check(StoreDriver driver, byte[][] machine, ReplicaOverlay overlay, string when)
    {
        driver.CheckPoints();
        for (var disk = 0; disk < machine.Length; disk++)
        {
            StoreDriver.AssertSame(machine[disk], StoreDriver.ReadAll(overlay.Disks[disk]), when);
        }
    }

    private static (SimulatedStorage Storage, StoreDriver Driver) Ready(int seed = 17)
    {
        var storage = new SimulatedStorage(seed);
        var driver = new StoreDriver(storage, new Random(seed), 300_000, 100_000);
        driver.Random.NextBytes(driver.Disks[0].AsSpan(0, 150_000));
        driver.Create();
        driver.StartGeneration();
        driver.CopyAll(writes: true);
        driver.Mark();
        driver.Store.Sync();
        return (storage, driver);
    }

    private static void Refused(ReplicaRefusal reason, Action action) =>
        Assert.Equal(reason, Assert.Throws<ReplicaRefusedException>(action).Reason);
}
