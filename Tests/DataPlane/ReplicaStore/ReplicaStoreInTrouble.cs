using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Replicas;

public sealed class ReplicaStoreInTrouble
{
    [Fact]
    [Trait("Req", "I27")]
    public void A_full_disk_refuses_changes_whole_and_the_store_recovers_when_there_is_space()
    {
        var (directory, driver) = Ready();
        var applied = driver.Store.Applied;
        var (content, at) = (driver.Copy(), driver.At);
        for (var i = 0; i < 10; i++)
        {
            directory.IsFull = true;
            Refused(ReplicaRefusal.Unavailable, () => driver.Write(5));
            Refused(ReplicaRefusal.Unavailable, () => driver.Store.Fence(new Term(9)));
            directory.IsFull = false;
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
    [Trait("Req", "I28")]
    public void A_failed_sync_poisons_the_store_until_it_is_opened_again()
    {
        var (directory, driver) = Ready();
        var durable = driver.Store.Sync();
        driver.Write(3);
        directory.SyncsFail = true;
        Refused(ReplicaRefusal.Unavailable, () => driver.Store.Sync());
        directory.SyncsFail = false;
        Refused(ReplicaRefusal.Unavailable, () => driver.Store.Sync());
        Refused(ReplicaRefusal.Unavailable, () => driver.Write());
        Assert.Equal(durable, driver.Store.Position.Durable);
        driver.CheckPoints();
        directory.CutPower(new Random(3));
        driver.Open();
        Assert.True(driver.Store.Position.Durable.CompareTo(durable) >= 0);
        driver.CheckPoints();
    }

    [Fact]
    [Trait("Req", "I28")]
    public void A_failed_sync_of_an_overlay_answers_EIO_for_good()
    {
        var (directory, driver) = Ready();
        var overlay = driver.Store.CreateOverlay("live", driver.Store.Points[0].Id);
        overlay.Disks[0].Write([BlockChange.Write(0, new byte[] { 1, 2, 3 })]);
        directory.SyncsFail = true;
        Assert.Equal(BlockDeviceException.InputOutput,
            Assert.Throws<BlockDeviceException>(() => overlay.Disks[0].Flush()).Errno);
        directory.SyncsFail = false;
        Assert.Equal(BlockDeviceException.InputOutput,
            Assert.Throws<BlockDeviceException>(() => overlay.Disks[0].Flush()).Errno);
    }

    [Fact]
    [Trait("Req", "I15")]
    [Trait("Req", "FOV-8")]
    public void A_stale_term_is_refused_by_every_way_in_and_after_a_restart()
    {
        var (directory, driver) = Ready();
        driver.Store.Fence(new Term(5));
        Refused(ReplicaRefusal.StaleTerm, () => driver.Write());
        Refused(ReplicaRefusal.StaleTerm, () => driver.Store.AcceptTerm(new Term(4)));
        Refused(ReplicaRefusal.StaleTerm, () => driver.Store.Fence(new Term(4)));
        driver.Store.Dispose();
        directory.CutPower(new Random(1));
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
        var (directory, driver) = Ready();
        driver.Store.Sync();
        var old = directory.FileNamed("manifest").Content.ToArray();
        driver.Store.Fence(new Term(8));
        driver.Store.Dispose();
        directory.FileNamed("manifest").SetLength(old.Length);
        Assert.Throws<ReplicaCorruptException>(driver.Open);
    }

    private static (CrashableDirectory Directory, StoreDriver Driver) Ready()
    {
        var directory = new CrashableDirectory();
        var driver = new StoreDriver(directory, new Random(17), 300_000, 100_000);
        driver.Random.NextBytes(driver.Disks[0].AsSpan(0, 150_000));
        driver.Create();
        driver.StartGeneration();
        driver.CopyAll(writes: true);
        driver.Mark();
        driver.Store.Sync();
        return (directory, driver);
    }

    private static void Refused(ReplicaRefusal reason, Action action) =>
        Assert.Equal(reason, Assert.Throws<ReplicaRefusedException>(action).Reason);
}
