using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Agent.Volumes;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>An agent's machine with a fault built in.</summary>
internal sealed class FaultyHost(IVolumeHost machine) : IVolumeHost
{
    private const string SameForAll = "file:1";

    /// <summary>What is put before each source's disk.</summary>
    public Func<IBlockDevice, IBlockDevice>? Device { get; init; }

    /// <summary>Disks are told by nothing that tells one from another.</summary>
    public bool TellsNoDisks { get; init; }

    /// <summary>Applications are called frozen whether they are or not.</summary>
    public bool CallsFrozen { get; init; }

    /// <summary>What is to be served read-only is served for writing.</summary>
    public bool ServesForWriting { get; init; }

    public IStorageDirectory Directory => machine.Directory;

    public string BootId => machine.BootId;

    public TimeProvider Time => machine.Time;

    public ILogger Logger => machine.Logger;

    public long CacheLimitBytes => machine.CacheLimitBytes;

    public long SegmentBytes => machine.SegmentBytes;

    public DateTimeOffset? BootedAt => machine.BootedAt;

    public bool StopsGuests => machine.StopsGuests;

    public bool HasHooks => machine.HasHooks;

    public SourceVolumeOptions Opening(SourceVolumeOptions options) => machine.Opening(options);

    public string? ProblemOf(string path) => machine.ProblemOf(path);

    public string? NoRoomFor(int disks) => machine.NoRoomFor(disks);

    public DiskIdentity IdentityOf(string path) =>
        TellsNoDisks ? machine.IdentityOf(path) with { Own = SameForAll } : machine.IdentityOf(path);

    public DiskObservation Look(string path) => Told(machine.Look(path));

    public IHostDisk OpenDisk(string path) => new Disk(this, machine.OpenDisk(path));

    public Guid NewIncarnation() => machine.NewIncarnation();

    public Task<string> ServeAsync(
        string name, IBlockDevice device, bool readOnly, string description, CancellationToken ct) =>
        machine.ServeAsync(name, device, readOnly && !ServesForWriting, description, ct);

    public Task StopAsync(string name, CancellationToken ct) => machine.StopAsync(name, ct);

    public IReadOnlyList<(string Who, bool ReadOnly)> ClientsOf(string name) => machine.ClientsOf(name);

    public void Expect(string name) => machine.Expect(name);

    public Task<string?> StopGuestAsync(string vm, CancellationToken ct) => machine.StopGuestAsync(vm, ct);

    public IVolumeSession Send(VolumeDirective directive, IChangeSource source) => machine.Send(directive, source);

    public IVolumeSession Receive(VolumeDirective directive, IReplicaSink sink, IReadOnlyList<long> diskSizes) =>
        machine.Receive(directive, sink, diskSizes);

    public Task<(T Result, string? Warning)> FreezeAroundAsync<T>(
        string vm, Func<bool, T> action, CancellationToken ct) =>
        machine.FreezeAroundAsync(vm, frozen => action(frozen || CallsFrozen), ct);

    private DiskObservation Told(DiskObservation observation) => TellsNoDisks
        ? observation with { Identity = SameForAll, Birth = null, Changed = null } : observation;

    private sealed class Disk(FaultyHost host, IHostDisk disk) : IHostDisk
    {
        public string Path => disk.Path;

        public DiskIdentity Identity => host.TellsNoDisks ? disk.Identity with { Own = SameForAll } : disk.Identity;

        public IBlockDevice Device { get; } = host.Device?.Invoke(disk.Device) ?? disk.Device;

        public bool TimesAreItsOwn => disk.TimesAreItsOwn;

        public DiskObservation Look() => host.Told(disk.Look());

        public string OwnAtPath() => host.TellsNoDisks ? SameForAll : disk.OwnAtPath();

        public IBlockDevice Remeasured() => host.Device?.Invoke(disk.Remeasured()) ?? disk.Remeasured();

        public void Dispose() => disk.Dispose();
    }
}
