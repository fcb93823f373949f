using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Splitting;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>The exports of an open source: each disk is served under the VM's name and the disk's number.</summary>
/// <remarks>
/// Directives change the exports one at a time. The list is replaced atomically, so it may be read concurrently.
/// </remarks>
internal sealed class VolumeExports(string vm, IReadOnlyList<string> paths, IVolumeHost host)
{
    // A stopped machine releases its disks at once, but its process may take a moment to end.
    private static readonly TimeSpan LeaveWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookAgainEvery = TimeSpan.FromMilliseconds(100);
    private volatile IReadOnlyList<string> _uris = [];
    private bool? _readOnly;

    /// <summary>The URI of each disk that is served.</summary>
    public IReadOnlyList<string> Uris => _uris;

    /// <summary>The clients that use the disks now.</summary>
    public IReadOnlyList<VolumeClient> Clients => [.. paths.SelectMany((path, i) =>
        host.ClientsOf(NameOf(vm, i)).Select(client => new VolumeClient(path, client.Who, client.ReadOnly)))];

    private List<string> Writers =>
        [.. Clients.Where(client => !client.ReadOnly).Select(client => client.Who).Distinct(StringComparer.Ordinal)];

    /// <summary>Returns the export name of a VM's disk.</summary>
    public static string NameOf(string vm, int disk) => $"{vm}-{disk}";

    /// <summary>Serves the disks, replacing the earlier exports.</summary>
    /// <returns>False if the disks are already served in this way.</returns>
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

    /// <summary>Stops serving; afterwards the disks are no longer used.</summary>
    public async Task StopAsync(CancellationToken ct)
    {
        for (var i = 0; i < _uris.Count; i++)
        {
            await host.StopAsync(NameOf(vm, i), ct);
        }
    }

    /// <summary>
    /// Makes sure that the disks have no writers before they are withdrawn: stops the machine if a hook can, and
    /// refuses while a client may still be writing (B8).
    /// </summary>
    /// <exception cref="VolumeException">A client has the disks open for writing.</exception>
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
