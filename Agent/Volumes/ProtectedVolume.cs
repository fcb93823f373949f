using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Replicas.InPlace;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>
/// The source side of one VM, which takes the role that the service's directive names. After a restart it needs only
/// the last directive (<see cref="DirectiveStore"/>) and the state that the source or the reverse replica stores in its
/// own directory (<see cref="VolumeOpener"/>).
/// </summary>
/// <remarks>
/// Directives are obeyed one at a time under <see cref="_turn"/>; the one with the highest
/// <see cref="VolumeDirective.Sequence"/> wins. The turn guards every change of the parts. Status and maintenance take
/// no lock: they read the reference <see cref="_open"/>, which is replaced atomically.
/// </remarks>
public sealed partial class ProtectedVolume : IAsyncDisposable
{
    private readonly IVolumeHost _host;
    private readonly Action _changed;
    private readonly DirectiveStore _directives;
    private readonly VolumeOpener _opener;
    private readonly OutsideChanges _outside;
    private readonly VolumeReport _report;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile OpenVolume? _open;
    private volatile VolumeProblem? _failure;

    /// <summary>Loads the VM's directory. Opens and serves nothing yet.</summary>
    internal ProtectedVolume(string vm, IVolumeHost host, DiskClaims claims, Action changed)
    {
        (Vm, _host, _changed) = (vm, host, changed);
        var directory = host.Directory.Subdirectory(vm);
        _directives = new DirectiveStore(vm, directory, host.Logger);
        _opener = new VolumeOpener(vm, host, claims, directory, _directives);
        _outside = new OutsideChanges(vm, host.Logger, changed);
        _report = new VolumeReport(host);
    }

    /// <summary>The name of the VM.</summary>
    public string Vm { get; }

    /// <summary>The last directive that was obeyed, including one from before a restart.</summary>
    public VolumeDirective? Remembered => _directives.Newest;

    /// <summary>The splitter; null while the disks are closed, or a replica of the machine at the target
    /// side.</summary>
    public SourceVolume? Source => _open?.Source;

    /// <summary>The disks as a replica of the machine at the target side; null while they are not.</summary>
    public InPlaceReplica? Reverse => _open?.Reverse;

    /// <summary>Whether a disk of this path is open here.</summary>
    public bool HasOpen(string path) => _open?.Disks.Any(disk => disk.Path == path) == true;

    /// <summary>
    /// Announces the disks that were served before the agent was restarted, so that clients wait for them.
    /// </summary>
    public void Announce()
    {
        if (Remembered is { Role: SourceRole.Primary or SourceRole.Quiesced or SourceRole.Fenced } last)
        {
            for (var i = 0; i < last.Disks.Count; i++)
            {
                _host.Expect(VolumeExports.NameOf(Vm, i));
            }
        }
    }

    /// <summary>Claims the disks that the volume had before a restart; see
    /// <see cref="VolumeOpener.ClaimRemembered"/>.</summary>
    public void ClaimRemembered() => _opener.ClaimRemembered();

    /// <summary>
    /// Returns the status to report; null while no directive was obeyed. A volume that is not open reports its stored
    /// role, serves nothing, and gives the reason why it could not be opened.
    /// </summary>
    public VolumeStatus? Status(DateTimeOffset now)
    {
        var open = _open;
        return Remembered is not { } directive ? null
            : open is null ? _report.OfClosed(directive, _failure, now)
            : _report.OfOpen(directive, open, _outside.Problem, now);
    }

    /// <summary>Brings the volume into the directive's role; a directive older than the last changes nothing.</summary>
    /// <exception cref="VolumeException">The directive cannot be obeyed.</exception>
    public async Task DirectAsync(VolumeDirective directive, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (Remembered is { } last)
            {
                // Event numbers start again when a lost journal is recreated, under a term above all earlier ones.
                if (directive.Term <= last.Term && directive.Sequence < last.Sequence)
                {
                    return;
                }

                if (directive.Term < last.Term)
                {
                    throw new VolumeException(
                        "stale-term", $"Term {directive.Term} of '{Vm}' is over; this agent obeys term {last.Term}.",
                        "Connect this agent to the service that issued the newer term.", false);
                }
            }

            await TakeRoleAsync(directive, cancellationToken);
            _failure = null;
        }
        catch (SourceVolumeException e)
        {
            var error = new VolumeException(
                e.Error == SourceVolumeError.DisksDiffer ? "disk-shrunk" : "source-volume", e.Message,
                "Check the agent's data directory and the disks.", false);
            _failure = error.Problem;
            throw error;
        }
        catch (VolumeException e)
        {
            _failure = e.Problem;
            throw;
        }
        catch (IOException e)
        {
            _failure = new VolumeProblem(
                "source-storage", e.Message, "Check the storage of the agent's machine.", true);
            throw;
        }
        finally
        {
            _turn.Release();
            _changed();
        }
    }

    /// <summary>
    /// Inserts a recovery point's marker into the stream, with the applications frozen around it if requested (RCP-2,
    /// RCP-3).
    /// </summary>
    public async Task<AgentReply> MarkAsync(AgentRequest.InsertMarker asked, CancellationToken cancellationToken)
    {
        if (asked.Kind is PointKind.Crash)
        {
            return Marked(Insert(asked, PointKind.Crash), PointKind.Crash, null);
        }

        var reached = PointKind.Crash;
        var (outcome, warning) = await _host.FreezeAroundAsync(
            Vm,
            isFrozen =>
            {
                reached = isFrozen ? PointKind.App : PointKind.Crash;
                return Insert(asked, reached);
            },
            cancellationToken);
        return Marked(outcome, reached, warning);
    }

    /// <summary>
    /// Runs background work: clears quiet extents, and leaves dirty-map mode when there is room again.
    /// </summary>
    /// <exception cref="IOException">
    /// The volume's directory could not be written. A repeated call continues.
    /// </exception>
    public void Maintain()
    {
        if (_open is { } open)
        {
            _outside.Look(open);
            open.Source?.Maintain();
        }
    }

    /// <summary>
    /// Extends the volume when disks have grown: the new part is dirty, and clients that connect later see the new
    /// size. The data session is restarted, because a replica grows only at the start of a session.
    /// </summary>
    /// <exception cref="IOException">The volume could not be extended. A repeated call continues.</exception>
    public async Task TakeUpGrowthAsync(CancellationToken cancellationToken)
    {
        if (!_outside.HasGrown || !await _turn.WaitAsync(TimeSpan.Zero, cancellationToken))
        {
            return;
        }

        try
        {
            _outside.ForgetGrowth();
            if (_open is not { Source: { } source } open || Remembered is not { Role: SourceRole.Primary } directive)
            {
                return;
            }

            await open.StopSessionAsync();
            try
            {
                _outside.TakeUpGrowth(open, source);
            }
            finally
            {
                await open.ReplicateAsync(directive, cancellationToken);
            }
        }
        finally
        {
            _turn.Release();
            _changed();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync();
        try
        {
            await CloseAsync(CancellationToken.None);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task TakeRoleAsync(VolumeDirective directive, CancellationToken ct)
    {
        switch (directive.Role)
        {
            case SourceRole.Primary:
                await BecomePrimaryAsync(directive, ct);
                break;
            case SourceRole.Quiesced:
                await QuiesceAsync(directive, ct);
                break;
            case SourceRole.Fenced:
                await FenceAsync(directive, ct);
                break;
            case SourceRole.ReverseReplica:
                await BecomeReverseReplicaAsync(directive, ct);
                break;
            case SourceRole.Released:
                await CloseForGoodAsync(ct);
                _opener.Release();
                break;
            default:
                throw new InvalidOperationException($"Role {directive.Role} is not supported.");
        }
    }

    private async Task BecomePrimaryAsync(VolumeDirective directive, CancellationToken ct)
    {
        if (IsReplica || Remembered is null)
        {
            // The files left by an interrupted release are just as unreliable about the disks.
            await DropLogsAsync(ct);
        }

        var (open, source) = await OpenSourceAsync(directive, ct);
        source.Unfence(new Term(directive.Term), disksUnchanged: true);
        source.Resume();
        if (directive.CopyId is { } copy && copy != Remembered?.CopyId)
        {
            source.MarkAllDirty(DirtyCause.UserRequest);
        }

        _directives.Remember(directive with { CopyId = directive.CopyId ?? Remembered?.CopyId });
        await ServeAsync(open, source, readOnly: false, ct);
        await open.ReplicateAsync(directive, ct);
    }

    private async Task QuiesceAsync(VolumeDirective directive, CancellationToken ct)
    {
        var (open, source) = await OpenSourceAsync(directive, ct);
        if (!directive.Force)
        {
            await open.Exports.FreeOfWritersAsync(ct);
        }

        source.Quiesce();
        await ServeAsync(open, source, readOnly: true, ct);
        await open.ReplicateAsync(directive, ct);
        _directives.Remember(directive);
    }

    private async Task FenceAsync(VolumeDirective directive, CancellationToken ct)
    {
        if (IsReplica)
        {
            // Only the recovery of a lost journal fences a source that was brought to equality before.
            await DropLogsAsync(ct);
        }

        _directives.Remember(directive);
        if (_open is { } before)
        {
            await before.StopSessionAsync();
        }

        var (open, source) = await OpenSourceAsync(directive, ct);
        source.Fence(new Term(directive.Term));
        await ServeAsync(open, source, readOnly: true, ct);
    }

    private async Task BecomeReverseReplicaAsync(VolumeDirective directive, CancellationToken ct)
    {
        _directives.Remember(directive);
        var open = _open;
        if (open?.Reverse is null)
        {
            await CloseAsync(ct);
            _open = open = _opener.OpenReverse(directive);
        }

        await open.ReplicateAsync(directive, ct);
    }

    private bool IsReplica => Remembered?.Role == SourceRole.ReverseReplica || Reverse is not null;

    private async Task<(OpenVolume Open, SourceVolume Source)> OpenSourceAsync(
        VolumeDirective directive, CancellationToken ct)
    {
        if (_open is { Source: { } source } open)
        {
            return (open, source);
        }

        await CloseAsync(ct);
        var opened = _opener.OpenSource(directive, _outside.ConditionChanged);
        _open = opened;
        return (opened, opened.Source!);
    }

    private async Task ServeAsync(OpenVolume open, SourceVolume source, bool readOnly, CancellationToken ct)
    {
        if (await open.Exports.ServeAsync(source, readOnly, ct))
        {
            _changed();
        }
    }

    // The disks were written below the old log, so the log is no longer valid for them. A new volume starts all dirty.
    private async Task DropLogsAsync(CancellationToken ct)
    {
        await CloseAsync(ct);
        _opener.DropLogs();
    }

    /// <summary>
    /// Closes the disks permanently. After a failed sync the log still holds writes that may be missing on the disks,
    /// so an opening writes them again before the log is deleted (I28).
    /// </summary>
    private async Task CloseForGoodAsync(CancellationToken ct)
    {
        if (await CloseAsync(ct) || Remembered is not { } last)
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

    /// <summary>Closes the open volume; false if the source's last writes may not be durable on its disks.</summary>
    private async Task<bool> CloseAsync(CancellationToken ct)
    {
        if (_open is not { } open)
        {
            return true;
        }

        await open.StopSessionAsync();
        await open.Exports.StopAsync(ct);
        _open = null;
        return open.Close();
    }

    private MarkerOutcome Insert(AgentRequest.InsertMarker asked, PointKind kind) =>
        Source is { } source
            ? source.InsertMarker(new RecoveryPointId(asked.PointId), kind, asked.AskedAt)
            : throw new VolumeException(
                "not-primary", $"The source of '{Vm}' accepts no writes, so it marks no points.",
                "Wait until it is the primary.", true);

    private static AgentReply Marked(MarkerOutcome outcome, PointKind kind, string? warning) => outcome switch
    {
        MarkerOutcome.Inserted inserted => new AgentReply.MarkerInserted(
            inserted.Position.Generation.Value, inserted.Position.Lsn.Value, inserted.Time, kind, warning),
        MarkerOutcome.Refused refused => throw new VolumeException(
            "no-point-now", refused.Message, "The next point is made when replication has caught up.", true),
        _ => throw new InvalidOperationException($"A marker cannot end as {outcome.GetType().Name}."),
    };

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "'{Vm}' was released, but its guest's last writes may not be durable on its disks: {Reason}")]
    private static partial void ReleasedUnclean(ILogger logger, string vm, string reason);
}
