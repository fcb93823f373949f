using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Tests.DataPlane.Replicas;

namespace ReplicationEngine.Tests.DataPlane.Nbd;

/// <summary>A disk to serve.</summary>
/// <param name="Device">The disk.</param>
/// <param name="Close">Closes what stands under it.</param>
public sealed record ServedDisk(IBlockDevice Device, Action Close);

/// <summary>A plain file.</summary>
public sealed class Outside_clients_of_a_file()
    : Outside_clients(directory => new ServedDisk(FileBlockDevice.Open(MakeDisk(directory)), () => { }));

/// <summary>A protected disk at the source: every write goes through the splitter into the log.</summary>
public sealed class Outside_clients_of_a_source() : Outside_clients(Open)
{
    private static ServedDisk Open(string directory)
    {
        var device = FileBlockDevice.Open(MakeDisk(directory));
        var disk = new SourceDisk("/dev/vda", device);
        var volume = SourceVolume.Open(new SourceVolumeOptions
        {
            Vm = new ProtectedVmId("vm"),
            Directory = new FileStorageDirectory(Path.Combine(directory, "volume")),
            Disks = [disk],
            BootId = "boot",
            Time = TimeProvider.System,
            BacklogLimit = 1000,
        });
        return new ServedDisk(volume.Disk(0), () =>
        {
            volume.Close();
            volume.Dispose();
            device.Dispose();
        });
    }
}

/// <summary>A recovered disk: a recovery point made writable.</summary>
public sealed class Outside_clients_of_a_recovered_disk() : Outside_clients(Open)
{
    private static ServedDisk Open(string directory)
    {
        var store = new FileStorageDirectory(Path.Combine(directory, "store"));
        var driver = new StoreDriver(store, new Random(5), Size);
        driver.Create();
        driver.StartGeneration();
        driver.CopyAll(writes: false);
        var point = driver.Mark();
        driver.Store.Sync();
        var overlay = driver.Store.CreateOverlay("test", point);
        return new ServedDisk(overlay.Disks[0], () =>
        {
            overlay.Dispose();
            driver.Store.Dispose();
        });
    }
}
