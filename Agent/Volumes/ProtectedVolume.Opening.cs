using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.ReplicaStore.InPlace;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Agent.Volumes;

// Opening, serving and closing. Disks are served under the VM's name and the disk's number.
public sealed partial class ProtectedVolume
{
    // A machine that was stopped leaves its disks at once; its process may take a moment to end.
    private static readonly TimeSpan LeaveWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookAgainEvery = TimeSpan.FromMilliseconds(100);

    private async Task OpenSourceAsync(VolumeDirective directive, CancellationToken ct)
    {
        if (_state.Source is not null)
        {
            return;
        }

        await CloseAsync(ct);
        var disks = OpenDisks(directive);
        try
        {
            var source = SourceVolume.Open(_host.Opening(new SourceVolumeOptions
            {
                Vm = new ProtectedVmId(Vm),
                Directory = _directory.Subdirectory(SourceDirectory),
                Disks = [.. directive.Disks.Select((path, i) =>
                    new SourceDisk(path, disks[i].Device, disks[i].Look)
                    {
                        TimesAreItsOwn = disks[i].TimesAreItsOwn,
                    })],
                BootId = _host.BootId,
                BootedAt = _host.BootedAt,
                NewIncarnation = _host.NewIncarnation,
                Time = _host.Time,
                FirstTerm = new Term(directive.Term),
                CacheLimitBytes = _host.CacheLimitBytes,
                SegmentBytes = _host.SegmentBytes,
                ConditionChanged = Changed,
            }));
            _state = new OpenState(disks, source, null);
        }
        catch
        {
            Dispose(disks);
            throw;
        }
    }

    private void OpenReverse(VolumeDirective directive)
    {
        var disks = OpenDisks(directive);
        try
        {
            var reverse = InPlaceReplica.Open(
                _directory.Subdirectory(ReverseDirectory), new ProtectedVmId(Vm),
                [.. disks.Select(d => new SourceDisk(d.Path, d.Device, d.Look))], new Term(directive.Term));
            _state = new OpenState(disks, null, reverse);
        }
        catch
        {
            Dispose(disks);
            throw;
        }
    }

    private async Task ServeAsync(VolumeDirective directive, bool readOnly, CancellationToken ct)
    {
        if (_state.ServedReadOnly == readOnly)
        {
            return;
        }

        var uris = new List<string>();
        for (var i = 0; i < directive.Disks.Count; i++)
        {
            uris.Add(await _host.ServeAsync(
                ExportName(i), _state.Source!.Disk(i), readOnly, $"disk {i} of {Vm}", ct));
        }

        (_state.Uris, _state.ServedReadOnly) = (uris, readOnly);
        _changed();
    }

    /// <summary>
    /// Closes the disks for good. After a failed sync the log still has what may not be on them: an opening writes it
    /// once more, before the log goes (I28).
    /// </summary>
    private async Task LetGoAsync(CancellationToken ct)
    {
        if (await CloseAsync(ct) || _remembered is not { } last)
        {
            return;
        }

        try
        {
            await OpenSourceAsync(last, ct);
            await CloseAsync(ct);
        }
        catch (Exception e) when (e is VolumeException or IOException)
        {
            ReleasedUnclean(_host.Logger, Vm, e.Message);
        }
    }

    /// <summary>Closes what is open; false when the source's last writes may not be durable on its disks.</summary>
    private async Task<bool> CloseAsync(CancellationToken ct)
    {
        var state = _state;
        await state.StopSessionAsync();
        for (var i = 0; i < state.Uris.Count; i++)
        {
            await _host.StopAsync(ExportName(i), ct);
        }

        _state = OpenState.Closed;
        var clean = true;
        try
        {
            state.Source?.Close();
        }
        catch (IOException e)
        {
            clean = false;
            ClosedUnclean(_host.Logger, Vm, e.Message);
        }

        state.Reverse?.Close();
        Dispose(state.Disks);
        return clean;
    }

    /// <summary>
    /// Before the disks of a running machine are taken away: has the machine stopped when there is a way, and refuses
    /// while somebody may still be writing, unless the directive insists (B8).
    /// </summary>
    /// <exception cref="VolumeException">Somebody has the disks open for writing.</exception>
    private async Task FreeOfWritersAsync(VolumeDirective directive, CancellationToken ct)
    {
        if (directive.Force || _state.ServedReadOnly != false || Writers(directive).Count == 0)
        {
            return;
        }

        var failure = _host.StopsGuests ? await _host.StopGuestAsync(Vm, ct) : null;
        var began = _host.Time.GetTimestamp();
        while (Writers(directive) is { Count: > 0 } writers)
        {
            if (!_host.StopsGuests || failure is not null || _host.Time.GetElapsedTime(began) > LeaveWithin)
            {
                throw new VolumeException(
                    "source-has-writers",
                    $"The disks of '{Vm}' are open for writing by {string.Join(", ", writers)}"
                        + (failure is null ? "." : $", and the machine could not be stopped: {failure}."),
                    "Shut the machine down and try again, or insist (--force): its writes fail from then on.", false);
            }

            await Task.Delay(LookAgainEvery, _host.Time, ct);
        }
    }

    private List<string> Writers(VolumeDirective directive) =>
        [.. Clients(directive).Where(client => !client.ReadOnly).Select(client => client.Who)
            .Distinct(StringComparer.Ordinal)];

    private IEnumerable<VolumeClient> Clients(VolumeDirective directive) => directive.Disks.SelectMany((path, i) =>
        _host.ClientsOf(ExportName(i)).Select(client => new VolumeClient(path, client.Who, client.ReadOnly)));

    private string ExportName(int disk) => $"{Vm}-{disk}";

    /// <summary>
    /// Opens the disks: claimed before and after, since a path may come to lead to another disk in between.
    /// </summary>
    private IHostDisk[] OpenDisks(VolumeDirective directive)
    {
        var disks = new List<IHostDisk>();
        try
        {
            if (_host.NoRoomFor(directive.Disks.Count) is { } full)
            {
                throw new VolumeException(
                    "no-descriptors", full, "Raise the limit of open files.", _remembered is not null);
            }

            _claims.Take(Vm, [.. directive.Disks.Select(path => new DiskClaim(path, _host.IdentityOf(path), false))]);
            foreach (var path in directive.Disks)
            {
                disks.Add(_host.OpenDisk(path));
            }

            _claims.Take(Vm, [.. disks.Select(disk => new DiskClaim(disk.Path, disk.Identity, true))]);
            return [.. disks];
        }
        catch (StorageException e)
        {
            LetGo(disks);
            throw new VolumeException(
                "disk-missing", e.Message + ".", "Bring the disk back to where it was when it was protected.", true);
        }
        catch (DiskInUseException e)
        {
            // While it is first protected, the choice of the disk is wrong; later it is a matter of time.
            LetGo(disks);
            throw new VolumeException(
                "disk-in-use", e.Message, "End the other use of the disk.", _remembered is not null);
        }
        catch (VolumeException)
        {
            LetGo(disks);
            throw;
        }
    }

    private void LetGo(List<IHostDisk> disks)
    {
        Dispose(disks);
        if (_remembered is null)
        {
            _claims.Release(Vm);
        }
    }

    private static void Dispose(IEnumerable<IHostDisk> disks)
    {
        foreach (var disk in disks)
        {
            disk.Dispose();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "the source of '{Vm}' was not closed clean: {Reason}")]
    private static partial void ClosedUnclean(ILogger logger, string vm, string reason);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "'{Vm}' was let go, but what its guest wrote last may not be durable on its disks: {Reason}")]
    private static partial void ReleasedUnclean(ILogger logger, string vm, string reason);

    /// <summary>What is open now. Exchanged whole; the lists in it grow only while a directive is carried
    /// out.</summary>
    private sealed class OpenState(IReadOnlyList<IHostDisk> disks, SourceVolume? source, InPlaceReplica? reverse)
    {
        public static OpenState Closed { get; } = new([], null, null);

        public IReadOnlyList<IHostDisk> Disks { get; } = disks;

        public IReadOnlyList<string> Identities { get; } = [.. disks.Select(disk => disk.Identity.ToString())];

        public DiskWatch Watch { get; } = new(disks);

        public SourceVolume? Source { get; } = source;

        public InPlaceReplica? Reverse { get; } = reverse;

        public volatile IVolumeSession? Session;

        public IReadOnlyList<string> Uris { get; set; } = [];

        public bool? ServedReadOnly { get; set; }

        public async Task StopSessionAsync()
        {
            if (Session is { } session)
            {
                Session = null;
                await session.DisposeAsync();
            }
        }
    }
}
