using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>What the volumes of an agent need of the process and machine they run on.</summary>
public interface IVolumeHost
{
    /// <summary>Holds one subdirectory per VM.</summary>
    IStorageDirectory Directory { get; }

    /// <summary>Tells this boot of the machine from every other: the page cache survives a process, not a
    /// boot.</summary>
    string BootId { get; }

    /// <summary>The clocks.</summary>
    TimeProvider Time { get; }

    /// <summary>For everything a volume has to say.</summary>
    ILogger Logger { get; }

    /// <summary>The most that one VM's replication log may take.</summary>
    long CacheLimitBytes { get; }

    /// <summary>The size of a file of that log.</summary>
    long SegmentBytes { get; }

    /// <summary>Returns the options under which a source volume is opened; the simulator adds to them.</summary>
    SourceVolumeOptions Opening(SourceVolumeOptions options) => options;

    /// <summary>Why a path cannot be a protected disk, as one sentence; null when it can.</summary>
    string? ProblemOf(string path);

    /// <summary>Why there are no descriptors left for one more VM with so many disks, as one sentence with the remedy;
    /// null when there are.</summary>
    string? NoRoomFor(int disks);

    /// <summary>Which disk a path leads to, with all that lies below it.</summary>
    /// <exception cref="StorageException">It leads to no disk.</exception>
    DiskIdentity IdentityOf(string path);

    /// <summary>What a path leads to now.</summary>
    /// <exception cref="StorageException">It leads to no disk.</exception>
    DiskObservation Look(string path);

    /// <summary>Opens a disk for reading and writing, against all other users.</summary>
    /// <exception cref="StorageException">It is not there, or cannot be opened.</exception>
    /// <exception cref="DiskInUseException">Somebody else uses it.</exception>
    /// <exception cref="VolumeException">The agent may not serve it.</exception>
    IHostDisk OpenDisk(string path);

    /// <summary>When this boot began, by the machine's clock.</summary>
    DateTimeOffset? BootedAt { get; }

    /// <summary>A new random name for an opening of a volume.</summary>
    Guid NewIncarnation();

    /// <summary>Serves a disk under a name, in the place of what was served under it; answers its URI.</summary>
    Task<string> ServeAsync(
        string name, IBlockDevice device, bool readOnly, string description, CancellationToken ct);

    /// <summary>Ends serving a name; afterwards its device is used no more.</summary>
    Task StopAsync(string name, CancellationToken ct);

    /// <summary>Who uses what is served under a name, and whether read-only.</summary>
    IReadOnlyList<(string Who, bool ReadOnly)> ClientsOf(string name) => [];

    /// <summary>Announces a name that will be served soon: its clients may wait for it.</summary>
    void Expect(string name)
    {
    }

    /// <summary>Whether there is a way to stop a VM's machine (<see cref="StopGuestAsync"/>).</summary>
    bool StopsGuests => false;

    /// <summary>Stops a VM's machine and waits until it has stopped; answers why it could not, or null.</summary>
    Task<string?> StopGuestAsync(string vm, CancellationToken ct) => Task.FromResult<string?>(null);

    /// <summary>Sends a source's changes to the service until it is disposed.</summary>
    IVolumeSession Send(VolumeDirective directive, IChangeSource source);

    /// <summary>Receives the service's changes into disks of these sizes until it is disposed.</summary>
    IVolumeSession Receive(VolumeDirective directive, IReplicaSink sink, IReadOnlyList<long> diskSizes);

    /// <summary>Whether there are hooks that freeze applications.</summary>
    bool HasHooks { get; }

    /// <summary>Freezes a VM's applications, runs the action (told whether they are frozen), and thaws them; answers
    /// the action's result and, when they were not frozen, why.</summary>
    Task<(T Result, string? Warning)> FreezeAroundAsync<T>(string vm, Func<bool, T> action, CancellationToken ct);
}

/// <summary>A data session with the service, kept going until it is disposed.</summary>
public interface IVolumeSession : IAsyncDisposable
{
    /// <summary>Why the last connection ended, while there is no other.</summary>
    VolumeProblem? Problem { get; }

    /// <summary>How the transfer stands.</summary>
    TransferStatus Status();
}
