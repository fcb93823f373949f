using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Agent.Hooks;
using ReplicationEngine.Agent.Hosting;
using ReplicationEngine.DataPlane.Nbd;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>The agent's process, as its volumes use it.</summary>
/// <param name="Settings">The agent's settings.</param>
/// <param name="Server">The server of the disks.</param>
/// <param name="Hooks">The hooks that freeze and thaw applications.</param>
/// <param name="Time">The source of time for volumes.</param>
/// <param name="Logger">The logger of the volumes.</param>
internal sealed record VolumeSurroundings(
    AgentSettings Settings, DiskServer Server, ApplicationHooks Hooks, TimeProvider Time, ILogger Logger) : IVolumeHost
{
    // Measured: state, log, readers of the log, data session, and files that are open briefly.
    private const int PerVolumeFiles = 12;

    // The disk, its map, a client's connection, and one spare for a client that reconnects.
    private const int PerDiskFiles = 4;

    /// <summary>The control session with the service.</summary>
    public ServiceContact Service { get; } = new();

    /// <summary>The disks that may be served.</summary>
    public AllowedPaths Allowed { get; } = new(Settings.Allowed);

    /// <inheritdoc/>
    public IStorageDirectory Directory { get; } =
        new FileStorageDirectory(Path.Combine(Settings.DataDirectory, "volumes"));

    /// <inheritdoc/>
    public string BootId { get; } = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    /// <inheritdoc/>
    public long CacheLimitBytes => Settings.CacheLimitBytes;

    /// <inheritdoc/>
    public long SegmentBytes => 64L << 20;

    /// <inheritdoc/>
    public string? ProblemOf(string path) => Allowed.ProblemOf(path) ?? DiskInspection.Problem(path);

    /// <inheritdoc/>
    public string? NoRoomFor(int disks) => OpenFileLimit.Problem(
        PerVolumeFiles + (disks * PerDiskFiles), $"A VM with {disks} disks");

    /// <inheritdoc/>
    public DateTimeOffset? BootedAt { get; } = Booted();

    /// <inheritdoc/>
    public Guid NewIncarnation() => new(RandomNumberGenerator.GetBytes(16));

    /// <inheritdoc/>
    public DiskIdentity IdentityOf(string path) => DiskProbe.IdentityOf(path);

    /// <inheritdoc/>
    public DiskObservation Look(string path) => DiskProbe.Look(path);

    /// <inheritdoc/>
    public IHostDisk OpenDisk(string path)
    {
        Allowed.Check(path);
        return LocalDisk.Open(path, handle => Allowed.CheckOpened(path, handle));
    }

    /// <inheritdoc/>
    public Task<string> ServeAsync(
        string name, IBlockDevice device, bool readOnly, string description, CancellationToken ct) =>
        Server.ServeAsync(name, device, readOnly, description, ct);

    /// <inheritdoc/>
    public Task StopAsync(string name, CancellationToken ct) => Server.StopAsync(name, ct);

    /// <inheritdoc/>
    public IReadOnlyList<(string Who, bool ReadOnly)> ClientsOf(string name) =>
        [.. Server.ClientsOf(name).Select(client => (client.Who, client.ReadOnly))];

    /// <inheritdoc/>
    public void Expect(string name) => Server.Expect(name);

    /// <inheritdoc/>
    public bool StopsGuests => Hooks.Has(ApplicationHooks.Stop);

    /// <inheritdoc/>
    public Task<string?> StopGuestAsync(string vm, CancellationToken ct) => Hooks.StopAsync(vm, ct);

    /// <inheritdoc/>
    public IVolumeSession Send(VolumeDirective directive, IChangeSource source) =>
        new VolumeSession(this, directive, source);

    /// <inheritdoc/>
    public IVolumeSession Receive(VolumeDirective directive, IReplicaSink sink, IReadOnlyList<long> diskSizes) =>
        new VolumeSession(this, directive, sink, diskSizes);

    /// <summary>Reads the boot time from the line <c>btime</c> of /proc/stat: seconds since 1970.</summary>
    private static DateTimeOffset? Booted()
    {
        const string name = "btime ";
        var line = File.ReadLines("/proc/stat").FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal));
        return long.TryParse(line?[name.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
    }

    /// <inheritdoc/>
    public bool HasHooks => Hooks.Exist;

    /// <inheritdoc/>
    public Task<(T Result, string? Warning)> FreezeAroundAsync<T>(
        string vm, Func<bool, T> action, CancellationToken ct) => Hooks.AroundAsync(vm, action, ct);
}
