using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Control;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>The volumes of one agent, by VM: answers the service's requests and gathers what there is to
/// report.</summary>
internal sealed partial class VolumeSet(IVolumeHost host, TimeProvider time) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, ProtectedVolume> _volumes = new(StringComparer.Ordinal);
    private readonly Signal _changed = new();

    /// <summary>
    /// Takes up the volumes that are on disk. They serve nothing until the service has said what they are, unless the
    /// agent may start alone (FOV-8).
    /// </summary>
    public async Task LoadAsync(bool startAlone, CancellationToken cancellationToken)
    {
        foreach (var vm in host.Directory.ListDirectories())
        {
            var volume = Obtain(vm);
            volume.Announce();
            if (startAlone && volume.Remembered is { Role: VolumeRole.Primary } directive)
            {
                await StartAloneAsync(volume, directive, cancellationToken);
            }
        }
    }

    /// <summary>A VM's volume; null when there is none.</summary>
    public ProtectedVolume? Find(string vm) => _volumes.GetValueOrDefault(vm);

    /// <summary>Answers one request; trouble with the outside is an answer too.</summary>
    public async Task<AgentReply> AnswerAsync(AgentRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return request switch
            {
                AgentRequest.Inspect inspect => Inspect(inspect),
                AgentRequest.Direct direct => await DirectAsync(direct.Directive, cancellationToken),
                AgentRequest.InsertMarker marker => await MarkAsync(marker, cancellationToken),
                _ => throw new InvalidOperationException($"Request {request.GetType().Name} has no one to answer it."),
            };
        }
        catch (VolumeException e)
        {
            return new AgentReply.Failed(e.Code, e.Message, e.Remedy, e.Recoverable);
        }
        catch (IOException e)
        {
            return new AgentReply.Failed("source-storage", e.Message, "See the storage of the agent's machine.", true);
        }
    }

    /// <summary>What there is to report of every volume.</summary>
    public IReadOnlyList<VolumeStatus> Status() =>
        [.. _volumes.Values.Select(v => v.Status(time.GetUtcNow())).OfType<VolumeStatus>()];

    /// <summary>Completes at the next change that should be reported at once.</summary>
    public Task NextChangeAsync(CancellationToken cancellationToken) => _changed.Next.WaitAsync(cancellationToken);

    /// <summary>Background work of every volume (lazy clearing, leaving dirty-map mode).</summary>
    public void Maintain()
    {
        foreach (var volume in _volumes.Values)
        {
            volume.Maintain();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // All at once: what each waits for is its disks and its clients, and the guest waits for all of it.
        await Task.WhenAll(_volumes.Values.Select(volume => volume.DisposeAsync().AsTask()));
    }

    // What cannot be served now, or must not, waits for the service; the other volumes do not wait for it.
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
        Message = "'{Vm}' is not served before the service has said what it is: {Reason}")]
    private static partial void NotStartedAlone(ILogger logger, string vm, string reason);

    private ProtectedVolume Obtain(string vm) =>
        _volumes.GetOrAdd(vm, name => new ProtectedVolume(name, host, _changed.Pulse));

    private async Task<AgentReply> DirectAsync(VolumeDirective directive, CancellationToken cancellationToken)
    {
        if (directive.Role == VolumeRole.Released && !_volumes.ContainsKey(directive.Vm))
        {
            return new AgentReply.Directed(ProtectedVolume.NoStatus(directive, time.GetUtcNow()));
        }

        var volume = Obtain(directive.Vm);
        await volume.DirectAsync(directive, cancellationToken);
        var status = volume.Status(time.GetUtcNow()) ?? ProtectedVolume.NoStatus(directive, time.GetUtcNow());
        if (directive.Role == VolumeRole.Released)
        {
            _volumes.TryRemove(directive.Vm, out _);
        }

        return new AgentReply.Directed(status);
    }

    private async Task<AgentReply> MarkAsync(AgentRequest.InsertMarker marker, CancellationToken cancellationToken) =>
        _volumes.TryGetValue(marker.Vm, out var volume)
            ? await volume.MarkAsync(marker.PointId, marker.App, cancellationToken)
            : throw new VolumeException(
                "unknown-volume", $"This agent does not hold '{marker.Vm}'.", "Wait until the agent has reconnected.",
                    true);

    private AgentReply.Inspected Inspect(AgentRequest.Inspect request)
    {
        var disks = new List<InspectedDisk>();
        var problems = new List<string>();
        foreach (var path in request.Disks)
        {
            if (host.ProblemOf(path) is { } problem)
            {
                problems.Add(problem);
            }
            else if (_volumes.Values.FirstOrDefault(v => v.Vm != request.Vm && v.Holds(path)) is { } other)
            {
                problems.Add($"Disk '{path}' is already protected as part of '{other.Vm}'; disable that protection "
                    + $"first.");
            }
            else
            {
                using var device = host.OpenDisk(path);
                disks.Add(new InspectedDisk(path, device.Length));
            }
        }

        foreach (var twice in request.Disks.GroupBy(p => p, StringComparer.Ordinal).Where(g => g.Count() > 1))
        {
            problems.Add($"Disk '{twice.Key}' is named {twice.Count()} times; name each disk once.");
        }

        return new AgentReply.Inspected(disks, problems);
    }
}
