using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Simulation.Storage;
using ReplicationEngine.Tests.TestKit.Clocks;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Splitting;

/// <summary>A source volume over simulated storage, with its replica.</summary>
internal sealed class SourceWorld
{
    public const int Extent = DirtyExtent.Size;
    private readonly long[] _sizes;
    private readonly DiskObservation?[] _seen;
    private int _boot;

    public SourceWorld(int seed, params long[] sizes)
    {
        _sizes = sizes.Length == 0 ? [(3 * Extent) + 4096, 2 * Extent] : sizes;
        _seen = new DiskObservation?[_sizes.Length];
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

    public long SegmentBytes { get; set; } = 256 << 10;

    public double BacklogLimit { get; set; } = 100;

    public DateTimeOffset? BootedAt { get; set; }

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
                new SourceDisk(
                    $"/disks/d{i}", new TimedDevice(
                        new FileBlockDevice(disks.Open($"d{i}", StorageOpen.Existing)), () => Touch(i)),
                    () => _seen[i]))],
            BootId = $"boot-{_boot}",
            BootedAt = BootedAt,
            Time = Time,
            CacheLimitBytes = CacheLimit,
            SegmentBytes = SegmentBytes,
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

    /// <summary>From now on disks are looked at, as files of one machine are.</summary>
    public void LookAtDisks()
    {
        for (var i = 0; i < _seen.Length; i++)
        {
            _seen[i] = new DiskObservation($"file:8:1:{100 + i}", false, _sizes[i], Time.GetUtcNow(), Time.GetUtcNow());
        }
    }

    /// <summary>A disk is another one, or of another kind, from now on.</summary>
    public void Replace(int disk, Func<DiskObservation, DiskObservation> change) => _seen[disk] = change(_seen[disk]!);

    /// <summary>The disk's file changes now.</summary>
    public void Touch(int disk) => _seen[disk] = _seen[disk] is { } seen
        ? seen with { Changed = Time.GetUtcNow() } : null;

    /// <summary>Somebody else writes to a disk, while nothing is open.</summary>
    public void WriteOutside(int disk, long offset, int length, byte fill)
    {
        using var file = Storage.Root.Subdirectory("disks").Open($"d{disk}", StorageOpen.Existing);
        file.Write(offset, Enumerable.Repeat(fill, length).ToArray());
        file.Sync();
        Touch(disk);
    }

    /// <summary>Everything that the source's machine has on its disks.</summary>
    public IReadOnlyDictionary<string, SparseContent> Snapshot() =>
        Storage.Paths().ToDictionary(p => p, Saved, StringComparer.Ordinal);

    /// <summary>Puts files of a snapshot back: those whose path begins so. Nothing is open.</summary>
    public void PutBack(IReadOnlyDictionary<string, SparseContent> snapshot, string prefix = "")
    {
        foreach (var folder in new[] { "disks", "vm" }.Where(f => f.StartsWith(prefix, StringComparison.Ordinal)))
        {
            var directory = Storage.Root.Subdirectory(folder);
            foreach (var name in directory.List())
            {
                directory.Delete(name);
            }

            foreach (var (path, content) in snapshot.Where(s => s.Key.StartsWith(folder, StringComparison.Ordinal)))
            {
                using var file = directory.Open(path[(folder.Length + 1)..], StorageOpen.Any);
                content.WriteTo(file);
                file.Sync();
            }

            directory.Sync();
        }
    }

    public byte[] SourceDisk(int disk) => Storage.Content($"disks/d{disk}");

    /// <summary>Opens a source disk's file next to the volume.</summary>
    public IStorageFile OpenDisk(int disk) =>
        Storage.Root.Subdirectory("disks").Open($"d{disk}", StorageOpen.Existing);

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
            using var source = OpenDisk(disk);
            var replica = Replica.Disks[disk];
            for (var offset = 0; offset < replica.Length; offset += Extent)
            {
                var length = Math.Min(Extent, replica.Length - offset);
                Assert.True(
                    named.Contains((disk, offset))
                        || SparseContent.Holds(source, offset, replica.AsSpan(offset, length)),
                    $"disk {disk} differs in the extent at {offset}, which no mark names");
            }
        }
    }

    public void AssertInStep()
    {
        Assert.False(Replica.Resyncing);
        AssertEqualOutside([]);
    }

    private SparseContent Saved(string path)
    {
        var at = path.LastIndexOf('/');
        using var file = Storage.Root.Subdirectory(path[..at]).Open(path[(at + 1)..], StorageOpen.Existing);
        return SparseContent.Of(file);
    }
}

/// <summary>A device whose writes move its file's change time.</summary>
internal sealed class TimedDevice(IBlockDevice device, Action touched) : IBlockDevice
{
    public long Length => device.Length;

    public void Read(long offset, Span<byte> destination) => device.Read(offset, destination);

    public void Write(ReadOnlySpan<BlockChange> changes)
    {
        touched();
        device.Write(changes);
    }

    public void Flush() => device.Flush();

    public AllocatedRun NextRun(long offset, long length) => device.NextRun(offset, length);

    public void Dispose() => device.Dispose();
}
