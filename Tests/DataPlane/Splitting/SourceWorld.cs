using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Simulation.Storage;
using ReplicationEngine.Tests.TestKit.Storage;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Splitting;

/// <summary>A source volume over simulated storage, with its replica.</summary>
internal sealed class SourceWorld
{
    public const int Extent = DirtyExtent.Size;
    private readonly long[] _sizes;
    private int _boot;

    public SourceWorld(int seed, params long[] sizes)
    {
        _sizes = sizes.Length == 0 ? [(3 * Extent) + 4096, 2 * Extent] : sizes;
        Storage = new SimulatedStorage(seed);
        Replica = new FakeReplica(_sizes);
        foreach (var (size, i) in _sizes.Select((s, i) => (s, i)))
        {
            var file = Storage.Root.Subdirectory("disks").Open($"d{i}", StorageOpen.New);
            file.Allocate(0, size);
            file.Sync();
        }

        Storage.Root.Subdirectory("disks").Sync();
    }

    public SimulatedStorage Storage { get; }

    public FakeReplica Replica { get; }

    public ManualTime Time { get; } = new();

    public List<SourceCondition> Conditions { get; } = [];

    public SourceVolume Volume { get; private set; } = null!;

    public long CacheLimit { get; set; } = 64 << 20;

    public double BacklogLimit { get; set; } = 100;

    public static BlockChange Write(long offset, int length, byte fill) =>
        BlockChange.Write(offset, Enumerable.Repeat(fill, length).ToArray());

    public SourceVolume Open()
    {
        var disks = Storage.Root.Subdirectory("disks");
        Volume = SourceVolume.Open(new SourceVolumeOptions
        {
            Vm = new ProtectedVmId("vm"),
            Directory = Storage.Root.Subdirectory("vm"),
            Disks = [.. _sizes.Select((_, i) =>
                new SourceDisk($"/disks/d{i}", new FileBlockDevice(disks.Open($"d{i}", StorageOpen.Existing))))],
            BootId = $"boot-{_boot}",
            Time = Time,
            CacheLimitBytes = CacheLimit,
            SegmentBytes = 256 << 10,
            BacklogLimit = BacklogLimit,
            ConditionChanged = Conditions.Add,
        });
        return Volume;
    }

    /// <summary>Opens the volume and brings the replica into step.</summary>
    public SourceVolume OpenInStep()
    {
        Open();
        Replica.Attach(Volume);
        Replica.CatchUp(Volume);
        return Volume;
    }

    /// <summary>The process dies, or the machine; nothing is opened yet.</summary>
    public void Crash(bool powerCut)
    {
        Storage.Kill();
        Storage.Restart(powerCut);
        _boot += powerCut ? 1 : 0;
    }

    public byte[] SourceDisk(int disk) => Storage.Content($"disks/d{disk}");

    /// <summary>Lets bits be cleared and lowered.</summary>
    public void Settle()
    {
        for (var i = 0; i < 4; i++)
        {
            Volume.Maintain();
            Time.Advance(TimeSpan.FromMinutes(1));
        }
    }

    /// <summary>I13: outside the extents named, source and replica are equal.</summary>
    public void AssertEqualOutside(IEnumerable<DirtyExtent> extents)
    {
        var named = extents.Select(e => (e.Disk, e.Offset)).ToHashSet();
        for (var disk = 0; disk < _sizes.Length; disk++)
        {
            var (source, replica) = (SourceDisk(disk), Replica.Disks[disk]);
            for (var offset = 0; offset < replica.Length; offset += Extent)
            {
                var length = Math.Min(Extent, replica.Length - offset);
                Assert.True(
                    named.Contains((disk, offset))
                        || source.AsSpan(offset, length).SequenceEqual(replica.AsSpan(offset, length)),
                    $"disk {disk} differs in the extent at {offset}, which no mark names");
            }
        }
    }

    public void AssertInStep()
    {
        Assert.False(Replica.Resyncing);
        AssertEqualOutside([]);
    }
}
