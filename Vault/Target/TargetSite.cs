using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using ReplicationEngine.DataPlane.Nbd;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Vault.Target;

/// <summary>
/// The target side: one <see cref="TargetVolume"/> per VM, each in a directory of its own under <c>vms/NAME</c> of the
/// data directory, with the VM's data key in <c>vms/NAME/key</c> (readable by its owner only).
/// </summary>
internal sealed class TargetSite(string dataDirectory, DiskServer server, TimeProvider time, ILoggerFactory loggers)
    : ITargetSite, IAsyncDisposable
{
    private const int KeyBytes = 32;

    // Measured: head, manifest, journal of the base, log, data session. The rest is for layers and logs, which grow in
    // number until they are merged, and for a test or recovered machine.
    private const int PerReplicaFiles = 24;

    // The base with its sums, and hashes; twice that for a recovered machine.
    private const int PerDiskFiles = 8;
    private readonly ConcurrentDictionary<string, TargetVolume> _volumes = new(StringComparer.Ordinal);
    private readonly Lock _identities = new();
    private readonly string _bootId = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    /// <summary>Raised with a VM's name when its target side changes.</summary>
    public event Action<string>? Changed;

    /// <summary>The VMs that have a target side.</summary>
    public IReadOnlyList<string> Vms => [.. _volumes.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Returns a VM's target side over its store; null when there is none.</summary>
    public TargetVolume? Find(string vm) => _volumes.GetValueOrDefault(vm);

    /// <inheritdoc/>
    ITargetVolume? ITargetSite.Find(string vm) => Find(vm);

    /// <summary>Returns a VM's data sessions; null when it has no target side.</summary>
    public TargetSessions? SessionsOf(string vm) => (TargetSessions?)Find(vm)?.Sessions;

    /// <summary>Returns a VM's target side over its store; creates it if there is none.</summary>
    public TargetVolume Obtain(string vm) => _volumes.GetOrAdd(vm, Make);

    /// <inheritdoc/>
    ITargetVolume ITargetSite.Obtain(string vm) => Obtain(vm);

    /// <summary>Returns whether the data directory holds anything of a VM's replica.</summary>
    public bool Exists(string vm) => Directory.Exists(Path.Combine(DirectoryOf(vm), TargetVolume.StoreDirectory));

    /// <inheritdoc/>
    public string? WhyNotOwn(ProtectedVmState state, IReadOnlyList<ProtectedDisk> disks)
    {
        var vm = state.Enrollment.Vm.Value;
        return Directory.Exists(DirectoryOf(vm)) ? OwnershipOf(vm).WhyNot(state, disks) : null;
    }

    /// <inheritdoc/>
    public void Begin(ProtectedVmState state, ProtectedVmEffect effect)
    {
        // Recovery points are made concurrently with other effects.
        lock (_identities)
        {
            var vm = state.Enrollment.Vm.Value;
            if (effect is ProtectedVmEffect.PrepareTarget || Directory.Exists(DirectoryOf(vm)))
            {
                OwnershipOf(vm).Begin(state, effect);
            }
        }
    }

    /// <summary>Returns the VM's data key in base64; creates it at the first call.</summary>
    public string KeyOf(string vm)
    {
        var path = Path.Combine(DirectoryOf(vm), "key");
        lock (_volumes)
        {
            if (!File.Exists(path))
            {
                Directory.CreateDirectory(DirectoryOf(vm));
                var options = new FileStreamOptions
                {
                    Mode = FileMode.Create,
                    Access = FileAccess.Write,
                    UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                    Options = FileOptions.WriteThrough,
                };
                using var file = new FileStream(path + ".new", options);
                file.Write(RandomNumberGenerator.GetBytes(KeyBytes));
                file.Close();
                File.Move(path + ".new", path);
            }

            return Convert.ToBase64String(File.ReadAllBytes(path));
        }
    }

    /// <inheritdoc/>
    public async Task ReleaseAsync(string vm, bool keep)
    {
        if (_volumes.TryRemove(vm, out var volume))
        {
            await volume.DisposeAsync();
        }

        if (!keep && Directory.Exists(DirectoryOf(vm)))
        {
            ReplicaStore.Delete(new FileStorageDirectory(DirectoryOf(vm)), TargetVolume.StoreDirectory);
            Directory.Delete(DirectoryOf(vm), recursive: true);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // Recovered machines may reconnect meanwhile; they must not be informed that their disks do not exist.
        await server.StopAcceptingAsync();
        foreach (var volume in _volumes.Values)
        {
            await volume.DisposeAsync();
        }
    }

    private TargetVolume Make(string vm)
    {
        var changed = () => Changed?.Invoke(vm);
        var surroundings = new TargetSurroundings
        {
            Vm = vm,
            Directory = new FileStorageDirectory(DirectoryOf(vm)),
            BootId = _bootId,
            NoRoomFor = disks => OpenFileLimit.Problem(
                PerReplicaFiles + (disks * PerDiskFiles), $"The replica of a VM with {disks} disks"),
            Time = time,
            Server = new MachineServer(vm, server),
            Changed = changed,
            Room = Room,
        };
        var key = Convert.FromBase64String(KeyOf(vm));
        var logger = loggers.CreateLogger<TargetSessions>();
        return new TargetVolume(
            surroundings, volume => new TargetSessions(volume, vm, key, time, (logger, changed)));
    }

    private ReplicaOwnership OwnershipOf(string vm) => new(new FileStorageDirectory(DirectoryOf(vm)));

    private TargetRoom? Room()
    {
        var drive = new DriveInfo(dataDirectory);
        return drive.IsReady ? new TargetRoom(drive.AvailableFreeSpace, drive.TotalSize) : null;
    }

    private string DirectoryOf(string vm) => Path.Combine(dataDirectory, "vms", vm);
}
