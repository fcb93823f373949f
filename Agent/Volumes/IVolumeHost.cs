using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>The services that an agent's volumes need from their process and machine.</summary>
public interface IVolumeHost
{
    /// <summary>The directory that holds one subdirectory per VM.</summary>
    IStorageDirectory Directory { get; }

    /// <summary>
    /// A value that identifies the current boot of the machine: the page cache survives a process, not a boot.
    /// </summary>
    string BootId { get; }

    /// <summary>The source of time for the volumes.</summary>
    TimeProvider Time { get; }

    /// <summary>The logger of the volumes.</summary>
    ILogger Logger { get; }

    /// <summary>The maximum size in bytes of one VM's replication log.</summary>
    long CacheLimitBytes { get; }

    /// <summary>The size in bytes of a segment file of the replication log.</summary>
    long SegmentBytes { get; }

    /// <summary>Returns the options under which a source volume is opened; the simulator adds to them.</summary>
    SourceVolumeOptions Opening(SourceVolumeOptions options) => options;

    /// <summary>Returns the reason why a path cannot be a protected disk, as one sentence; null if it can.</summary>
    string? ProblemOf(string path);

    /// <summary>
    /// Returns the reason why too few file descriptors are left for one more VM with so many disks, as one sentence
    /// with the remedy; null if there are enough.
    /// </summary>
    string? NoRoomFor(int disks);

    /// <summary>Returns the identity of the disk at a path, including the devices below it.</summary>
    /// <exception cref="StorageException">The path leads to no disk.</exception>
    DiskIdentity IdentityOf(string path);

    /// <summary>Returns an observation of the disk that a path leads to now.</summary>
    /// <exception cref="StorageException">The path leads to no disk.</exception>
    DiskObservation Look(string path);

    /// <summary>Opens a disk for reading and writing, and locks it against all other users.</summary>
    /// <exception cref="StorageException">The disk does not exist or cannot be opened.</exception>
    /// <exception cref="DiskInUseException">Another process uses the disk.</exception>
    /// <exception cref="VolumeException">The agent may not serve the disk.</exception>
    IHostDisk OpenDisk(string path);

    /// <summary>The time of the machine's latest boot, by the machine's clock.</summary>
    DateTimeOffset? BootedAt { get; }

    /// <summary>Returns a new random name for an opening of a volume.</summary>
    Guid NewIncarnation();

    /// <summary>Serves a disk under a name, replacing the export of that name. Returns the export's URI.</summary>
    Task<string> ServeAsync(
        string name, IBlockDevice device, bool readOnly, string description, CancellationToken ct);

    /// <summary>Stops serving a name; afterwards its device is no longer used.</summary>
    Task StopAsync(string name, CancellationToken ct);

    /// <summary>Returns the clients of the export with a name, and whether each is read-only.</summary>
    IReadOnlyList<(string Who, bool ReadOnly)> ClientsOf(string name) => [];

    /// <summary>Announces a name that will be served soon, so that its clients may wait for it.</summary>
    void Expect(string name)
    {
    }

    /// <summary>Whether there is a way to stop a VM's machine (<see cref="StopGuestAsync"/>).</summary>
    bool StopsGuests => false;

    /// <summary>
    /// Stops a VM's machine and waits until it has stopped. Returns the reason if it could not be stopped, otherwise
    /// null.
    /// </summary>
    Task<string?> StopGuestAsync(string vm, CancellationToken ct) => Task.FromResult<string?>(null);

    /// <summary>Sends a source's changes to the service until it is disposed.</summary>
    IVolumeSession Send(VolumeDirective directive, IChangeSource source);

    /// <summary>Receives the service's changes into disks of these sizes until it is disposed.</summary>
    IVolumeSession Receive(VolumeDirective directive, IReplicaSink sink, IReadOnlyList<long> diskSizes);

    /// <summary>Whether there are hooks that freeze applications.</summary>
    bool HasHooks { get; }

    /// <summary>
    /// Freezes a VM's applications, runs the action (whose argument is whether they are frozen) and thaws the
    /// applications. Returns the action's result and, if they were not frozen, the reason.
    /// </summary>
    Task<(T Result, string? Warning)> FreezeAroundAsync<T>(string vm, Func<bool, T> action, CancellationToken ct);
}

/// <summary>A data session with the service that reconnects until it is disposed.</summary>
public interface IVolumeSession : IAsyncDisposable
{
    /// <summary>The reason why the latest connection ended; null while another connection is open.</summary>
    VolumeProblem? Problem { get; }

    /// <summary>Returns the progress of the transfer.</summary>
    TransferStatus Status();
}
