using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>
/// The volumes of one agent, by VM. Handles the service's requests and collects the volumes' reports.
/// </summary>
public sealed partial class VolumeSet(IVolumeHost host, TimeProvider time) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, ProtectedVolume> _volumes = new(StringComparer.Ordinal);
    private readonly DiskClaims _claims = new(host);
    private readonly Signal _changed = new();
    private long _probe;

    /// <summary>
    /// Loads the stored volumes. They serve nothing until the service has confirmed their roles, unless the agent may
    /// start alone (FOV-8).
    /// </summary>
    public async Task LoadAsync(bool startAlone, CancellationToken cancellationToken)
    {
        var found = host.Directory.ListDirectories().Select(Obtain).ToList();
        found.ForEach(volume => volume.ClaimRemembered());
        foreach (var volume in found)
        {
            volume.Announce();
            if (startAlone && volume.Remembered is { Role: SourceRole.Primary } directive)
            {
                await StartAloneAsync(volume, directive, cancellationToken);
            }
        }
    }

    /// <summary>Returns a VM's volume; null if there is none.</summary>
    public ProtectedVolume? Find(string vm) => _volumes.GetValueOrDefault(vm);

    /// <summary>Runs one request and returns its reply. I/O failures are replies too.</summary>
    public async Task<AgentReply> AnswerAsync(AgentRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return request switch
            {
                AgentRequest.Inspect inspect => Inspect(inspect),
                AgentRequest.Direct direct => await DirectAsync(direct.Directive, cancellationToken),
                AgentRequest.InsertMarker marker => await MarkAsync(marker, cancellationToken),
                AgentRequest.ProbeClock probe => ReadClock(probe),
                _ => throw new InvalidOperationException($"No handler exists for request {request.GetType().Name}."),
            };
        }
        catch (VolumeException e)
        {
            return new AgentReply.Failed(e.Code, e.Message, e.Remedy, e.Recoverable);
        }
        catch (IOException e)
        {
            return new AgentReply.Failed(
                "source-storage", e.Message, "Check the storage of the agent's machine.", true);
        }
    }

    /// <summary>Returns the status of every volume.</summary>
    public IReadOnlyList<VolumeStatus> Status()
    {
        // Read the probe first: observations made afterwards are newer than the probe.
        var probe = Volatile.Read(ref _probe);
        return [.. _volumes.Values.Select(v => v.Status(time.GetUtcNow())).OfType<VolumeStatus>()
            .Select(status => Told(status, probe))];
    }

    /// <summary>Returns a task that completes at the next change that should be reported at once.</summary>
    public Task NextChangeAsync(CancellationToken cancellationToken) => _changed.Next.WaitAsync(cancellationToken);

    /// <summary>
    /// Runs the background work of every volume: watching its disks, lazy clearing, leaving dirty-map mode.
    /// </summary>
    /// <exception cref="IOException">The work of one volume failed. A repeated call continues.</exception>
    public void Maintain()
    {
        IOException? failed = null;
        foreach (var volume in _volumes.Values)
        {
            try
            {
                volume.Maintain();
            }
            catch (IOException e)
            {
                // The other volumes' work still runs.
                failed = e;
            }
        }

        if (failed is not null)
        {
            throw new IOException(failed.Message, failed);
        }
    }

    /// <summary>Extends the volumes whose disks <see cref="Maintain"/> found grown.</summary>
    public async Task TakeUpGrowthAsync(CancellationToken cancellationToken)
    {
        foreach (var volume in _volumes.Values)
        {
            await volume.TakeUpGrowthAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // All at once: each volume waits for its own disks and clients, and the guest waits for all of them.
        await Task.WhenAll(_volumes.Values.Select(volume => volume.DisposeAsync().AsTask()));
    }

    // A volume that cannot or must not be served now waits for the service; the other volumes do not wait for it.
    private async Task StartAloneAsync(
        ProtectedVolume volume, VolumeDirective directive, CancellationToken cancellationToken)
    {
        try
        {
            await volume.DirectAsync(directive, cancellationToken);
        }
        catch (Exception e) when (e is VolumeException or IOException)
        {
            NotStartedAlone(host.Logger, volume.Vm, e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "'{Vm}' is not served until the service has confirmed its role: {Reason}")]
    private static partial void NotStartedAlone(ILogger logger, string vm, string reason);

    private ProtectedVolume Obtain(string vm) =>
        _volumes.GetOrAdd(vm, name => new ProtectedVolume(name, host, _claims, _changed.Pulse));

    private VolumeStatus Told(VolumeStatus status, long probe) =>
        status with { Probe = probe == 0 ? null : probe, HasHooks = host.HasHooks };

    private AgentReply.ClockRead ReadClock(AgentRequest.ProbeClock probe)
    {
        Volatile.Write(ref _probe, probe.Number);
        return new AgentReply.ClockRead(time.GetUtcNow());
    }

    private async Task<AgentReply> DirectAsync(VolumeDirective directive, CancellationToken cancellationToken)
    {
        if (directive.Role == SourceRole.Released && !_volumes.ContainsKey(directive.Vm))
        {
            return new AgentReply.Directed(VolumeReport.Released(directive, time.GetUtcNow()));
        }

        // A released volume stays in the set, empty: this directive may be an old one, which changes nothing, or a
        // newer one may be waiting for the same volume.
        var volume = Obtain(directive.Vm);
        await volume.DirectAsync(directive, cancellationToken);
        var probe = Volatile.Read(ref _probe);
        var status = volume.Status(time.GetUtcNow()) ?? VolumeReport.Released(directive, time.GetUtcNow());
        return new AgentReply.Directed(Told(status, probe));
    }

    private async Task<AgentReply> MarkAsync(AgentRequest.InsertMarker marker, CancellationToken cancellationToken) =>
        _volumes.TryGetValue(marker.Vm, out var volume)
            ? await volume.MarkAsync(marker, cancellationToken)
            : throw new VolumeException(
                "unknown-volume", $"This agent does not have '{marker.Vm}'.", "Wait until the agent has reconnected.",
                    true);

    private AgentReply.Inspected Inspect(AgentRequest.Inspect request) =>
        new DiskInspection(host, _claims, Find(request.Vm)).Inspect(request);
}
