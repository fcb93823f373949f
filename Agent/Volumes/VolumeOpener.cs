using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Replicas.InPlace;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>
/// Claims and opens the disks of one VM, as its source (state in <c>source</c> of the VM's directory) or as the replica
/// of a failback (state in <c>reverse</c>). Used by one directive at a time.
/// </summary>
internal sealed partial class VolumeOpener
{
    private const string SourceDirectory = "source";
    private const string ReverseDirectory = "reverse";
    private readonly string _vm;
    private readonly IVolumeHost _host;
    private readonly DiskClaims _claims;
    private readonly IStorageDirectory _directory;
    private readonly DirectiveStore _directives;

    /// <summary>Creates the opener. Opens nothing yet.</summary>
    public VolumeOpener(
        string vm, IVolumeHost host, DiskClaims claims, IStorageDirectory directory, DirectiveStore directives) =>
        (_vm, _host, _claims, _directory, _directives) = (vm, host, claims, directory, directives);

    /// <summary>
    /// Claims the disks of the stored directive before any of them is opened, so that none is assigned to another VM
    /// meanwhile. A disk that is absent or belongs to another VM is reported when it is opened.
    /// </summary>
    public void ClaimRemembered()
    {
        if (_directives.Newest is not { } directive)
        {
            return;
        }

        try
        {
            ClaimAtPaths(directive);
        }
        catch (Exception e) when (e is StorageException or VolumeException)
        {
            NotClaimed(_host.Logger, _vm, e.Message);
        }
    }

    /// <summary>Opens the disks as the source.</summary>
    /// <exception cref="VolumeException">A disk cannot be opened or claimed.</exception>
    /// <exception cref="SourceVolumeException">The source cannot be opened.</exception>
    public OpenVolume OpenSource(VolumeDirective directive, Action<SourceCondition> conditionChanged)
    {
        var disks = OpenDisks(directive);
        try
        {
            var source = SourceVolume.Open(_host.Opening(new SourceVolumeOptions
            {
                Vm = new ProtectedVmId(_vm),
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
                ConditionChanged = conditionChanged,
            }));
            return OpenVolume.OfSource(_vm, _host, disks, source);
        }
        catch
        {
            Dispose(disks);
            throw;
        }
    }

    /// <summary>Opens the disks as a replica of the machine at the target side.</summary>
    /// <exception cref="VolumeException">A disk cannot be opened or claimed.</exception>
    public OpenVolume OpenReverse(VolumeDirective directive)
    {
        var disks = OpenDisks(directive);
        try
        {
            var reverse = InPlaceReplica.Open(
                _directory.Subdirectory(ReverseDirectory), new ProtectedVmId(_vm),
                [.. disks.Select(d => new SourceDisk(d.Path, d.Device, d.Look))], new Term(directive.Term));
            return OpenVolume.OfReverse(_vm, _host, disks, reverse);
        }
        catch
        {
            Dispose(disks);
            throw;
        }
    }

    /// <summary>
    /// Deletes the stored state of the disks while they are closed, so the next opening starts all dirty.
    /// </summary>
    public void DropLogs()
    {
        _directory.DeleteSubdirectory(SourceDirectory);
        _directory.DeleteSubdirectory(ReverseDirectory);
    }

    /// <summary>Releases the disks' claims and deletes the VM's directory, while the disks are closed.</summary>
    public void Release()
    {
        _claims.Release(_vm);
        _host.Directory.DeleteSubdirectory(_vm);
        _directives.Forget();
    }

    /// <summary>
    /// Opens the disks. Claims them before and after opening, because a path may change its disk in between.
    /// </summary>
    private IHostDisk[] OpenDisks(VolumeDirective directive)
    {
        var disks = new List<IHostDisk>();
        var isKnown = _directives.Newest is not null;
        try
        {
            if (_host.NoRoomFor(directive.Disks.Count) is { } full)
            {
                throw new VolumeException("no-descriptors", full, "Raise the limit of open files.", isKnown);
            }

            ClaimAtPaths(directive);
            foreach (var path in directive.Disks)
            {
                disks.Add(_host.OpenDisk(path));
            }

            _claims.Take(_vm, [.. disks.Select(disk => new DiskClaim(disk.Path, disk.Identity, true))]);
            return [.. disks];
        }
        catch (StorageException e)
        {
            LetGo(disks, isKnown);
            throw new VolumeException(
                "disk-missing", e.Message + ".", "Restore the disk to the path it had when it was protected.", true);
        }
        catch (DiskInUseException e)
        {
            // During the first protection the wrong disk was chosen; later the conflict is temporary.
            LetGo(disks, isKnown);
            throw new VolumeException("disk-in-use", e.Message, "Stop the other user of the disk.", isKnown);
        }
        catch (VolumeException)
        {
            LetGo(disks, isKnown);
            throw;
        }
    }

    private void ClaimAtPaths(VolumeDirective directive) => _claims.Take(
        _vm, [.. directive.Disks.Select(path => new DiskClaim(path, _host.IdentityOf(path), false))]);

    private void LetGo(List<IHostDisk> disks, bool isKnown)
    {
        Dispose(disks);
        if (!isKnown)
        {
            _claims.Release(_vm);
        }
    }

    private static void Dispose(IEnumerable<IHostDisk> disks)
    {
        foreach (var disk in disks)
        {
            disk.Dispose();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "the disks of '{Vm}' have changed: {Reason}")]
    private static partial void NotClaimed(ILogger logger, string vm, string reason);
}
