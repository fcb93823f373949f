using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Benchmarks.Transport;

/// <summary>The two ends of a measured session, opened over an image and two directories.</summary>
/// <param name="Source">The sending end.</param>
/// <param name="Sink">The receiving end.</param>
/// <param name="SizeBytes">The disk's size.</param>
/// <param name="Close">Closes both ends.</param>
public sealed record CopyEnds(IChangeSource Source, IReplicaSink Sink, long SizeBytes, Action Close)
{
    private static readonly ProtectedVmId Vm = new("bench");

    /// <summary>Opens the real splitter's volume over the image, and the real replica store.</summary>
    public static CopyEnds Open(string image, string sourceDirectory, string replicaDirectory)
    {
        var device = FileBlockDevice.Open(image);
        Directory.CreateDirectory(sourceDirectory);
        Directory.CreateDirectory(replicaDirectory);
        var volume = SourceVolume.Open(new SourceVolumeOptions
        {
            Vm = Vm,
            Directory = new FileStorageDirectory(sourceDirectory),
            Disks = [new SourceDisk(image, device)],
            BootId = "bench",
            Time = TimeProvider.System,
        });
        var directory = new FileStorageDirectory(replicaDirectory);
        var store = ReplicaStore.Exists(directory)
            ? ReplicaStore.Open(directory)
            : ReplicaStore.Create(directory, Vm, [new DiskSpec(image, device.Length)], Term.First);
        return new CopyEnds(volume, store, device.Length, () =>
        {
            store.Dispose();
            volume.Close();
            device.Dispose();
        });
    }
}
