using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Replicas.InPlace;
using ReplicationEngine.DataPlane.Splitting;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>
/// The open disks of one VM, as its source or as a replica of the machine at the target side, with their exports and
/// the data session. Owns the disks and everything built on them.
/// </summary>
/// <remarks>
/// Directives open, serve, replicate and close the volume one at a time. Status and maintenance read it concurrently:
/// the parts passed at opening never change, and the session reference is replaced atomically.
/// </remarks>
internal sealed partial class OpenVolume
{
    private readonly string _vm;
    private readonly IVolumeHost _host;
    private volatile IVolumeSession? _session;

    private OpenVolume(
        string vm, IVolumeHost host, IReadOnlyList<IHostDisk> disks, SourceVolume? source, InPlaceReplica? reverse)
    {
        (_vm, _host, Disks, Source, Reverse) = (vm, host, disks, source, reverse);
        Identities = [.. disks.Select(disk => disk.Identity.ToString())];
        Watch = new DiskWatch(disks);
        Exports = new VolumeExports(vm, [.. disks.Select(disk => disk.Path)], host);
    }

    /// <summary>The open disks.</summary>
    public IReadOnlyList<IHostDisk> Disks { get; }

    /// <summary>The identity of each disk, as text.</summary>
    public IReadOnlyList<string> Identities { get; }

    /// <summary>The watch for changes to the disks from outside.</summary>
    public DiskWatch Watch { get; }

    /// <summary>The exports of the disks; empty while the disks are a replica.</summary>
    public VolumeExports Exports { get; }

    /// <summary>The splitter; null while the disks are a replica.</summary>
    public SourceVolume? Source { get; }

    /// <summary>The disks as a replica of the machine at the target side; null while they are the source.</summary>
    public InPlaceReplica? Reverse { get; }

    /// <summary>The data session; null while nothing is replicated.</summary>
    public IVolumeSession? Session => _session;

    /// <summary>The sizes under which the disks are used.</summary>
    public IReadOnlyList<long> KnownBytes => Source is { } source
        ? [.. source.Disks.Select(disk => disk.SizeBytes)] : [.. Disks.Select(disk => disk.Device.Length)];

    /// <summary>Takes ownership of disks and the source that uses them.</summary>
    public static OpenVolume OfSource(
        string vm, IVolumeHost host, IReadOnlyList<IHostDisk> disks, SourceVolume source) =>
        new(vm, host, disks, source, null);

    /// <summary>Takes ownership of disks and the replica that uses them.</summary>
    public static OpenVolume OfReverse(
        string vm, IVolumeHost host, IReadOnlyList<IHostDisk> disks, InPlaceReplica reverse) =>
        new(vm, host, disks, null, reverse);

    /// <summary>Starts or ends the data session, as the directive requires.</summary>
    public async Task ReplicateAsync(VolumeDirective directive, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        if (!directive.Replicating)
        {
            await StopSessionAsync();
        }
        else if (_session is null)
        {
            _session = Source is { } source
                ? _host.Send(directive, source)
                : _host.Receive(directive, Reverse!, [.. Disks.Select(disk => disk.Device.Length)]);
        }
    }

    /// <summary>Ends the data session.</summary>
    public async Task StopSessionAsync()
    {
        if (_session is { } session)
        {
            _session = null;
            await session.DisposeAsync();
        }
    }

    /// <summary>Closes the source or replica and then the disks, after their last use.</summary>
    /// <returns>False if the source's last writes may not be durable on its disks.</returns>
    public bool Close()
    {
        var clean = true;
        try
        {
            Source?.Close();
        }
        catch (IOException e)
        {
            clean = false;
            ClosedUnclean(_host.Logger, _vm, e.Message);
        }

        Reverse?.Close();
        foreach (var disk in Disks)
        {
            disk.Dispose();
        }

        return clean;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "the source of '{Vm}' was not shut down cleanly: {Reason}")]
    private static partial void ClosedUnclean(ILogger logger, string vm, string reason);
}
