using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Splitting;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>What is served of an open source, each disk under the VM's name and the disk's number.</summary>
/// <remarks>
/// Changed by one directive at a time; what is served may be read next to it, as the list is exchanged whole.
/// </remarks>
internal sealed class VolumeExports(string vm, IReadOnlyList<string> paths, IVolumeHost host)
{
    // A machine that was stopped leaves its disks at once; its process may take a moment to end.
    private static readonly TimeSpan LeaveWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookAgainEvery = TimeSpan.FromMilliseconds(100);
    private volatile IReadOnlyList<string> _uris = [];
    private bool? _readOnly;

    /// <summary>The URI of each disk that is served.</summary>
    public IReadOnlyList<string> Uris => _uris;

    /// <summary>Those who use the disks now.</summary>
    public IReadOnlyList<VolumeClient> Clients => [.. paths.SelectMany((path, i) =>
        host.ClientsOf(NameOf(vm, i)).Select(client => new VolumeClient(path, client.Who, client.ReadOnly)))];

    private List<string> Writers =>
        [.. Clients.Where(client => !client.ReadOnly).Select(client => client.Who).Distinct(StringComparer.Ordinal)];

    /// <summary>The name under which a disk of a VM is served.</summary>
    public static string NameOf(string vm, int disk) => $"{vm}-{disk}";

    /// <summary>Serves the disks, in the place of what was served before.</summary>
    /// <returns>False when they are served so already.</returns>
    public async Task<bool> ServeAsync(SourceVolume source, bool readOnly, CancellationToken ct)
    {
        if (_readOnly == readOnly)
        {
            return false;
        }

        var uris = new List<string>();
        for (var i = 0; i < paths.Count; i++)
        {
            uris.Add(await host.ServeAsync(NameOf(vm, i), source.Disk(i), readOnly, $"disk {i} of {vm}", ct));
        }

        (_uris, _readOnly) = (uris, readOnly);
        return true;
    }

    /// <summary>Ends serving; afterwards the disks are used no more.</summary>
    public async Task StopAsync(CancellationToken ct)
    {
        for (var i = 0; i < _uris.Count; i++)
        {
            await host.StopAsync(NameOf(vm, i), ct);
        }
    }

    /// <summary>
    /// Before the disks of a running machine are taken away: has the machine stopped when there is a way, and refuses
    /// while somebody may still be writing (B8).
    /// </summary>
    /// <exception cref="VolumeException">Somebody has the disks open for writing.</exception>
    public async Task FreeOfWritersAsync(CancellationToken ct)
    {
        if (_readOnly != false || Writers.Count == 0)
        {
            return;
        }

        var failure = host.StopsGuests ? await host.StopGuestAsync(vm, ct) : null;
        var began = host.Time.GetTimestamp();
        while (Writers is { Count: > 0 } writers)
        {
            if (!host.StopsGuests || failure is not null || host.Time.GetElapsedTime(began) > LeaveWithin)
            {
                throw new VolumeException(
                    "source-has-writers",
                    $"The disks of '{vm}' are open for writing by {string.Join(", ", writers)}"
                        + (failure is null ? "." : $", and the machine could not be stopped: {failure}."),
                    "Shut the machine down and retry, or use --force; its writes fail from then on.", false);
            }

            await Task.Delay(LookAgainEvery, host.Time, ct);
        }
    }
}
