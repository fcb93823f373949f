using System.Text.Json;
using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.ReplicaStore.InPlace;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>
/// The source side of one VM, brought into whatever role the service's directive names. What it needs to know after a
/// restart is the last directive, in <c>directive.json</c> of its directory, and what the volume keeps in <c>source</c>
/// (or the reverse replica in <c>reverse</c>).
/// </summary>
/// <remarks>
/// Directives are carried out one at a time under <see cref="_turn"/>, the newest by
/// <see cref="VolumeDirective.Sequence"/> wins. Status and maintenance read <see cref="_state"/>, which is exchanged
/// whole.
/// </remarks>
public sealed partial class ProtectedVolume : IAsyncDisposable
{
    private const string DirectiveFile = "directive.json";
    private const string SourceDirectory = "source";
    private const string ReverseDirectory = "reverse";

    private readonly IVolumeHost _host;
    private readonly DiskClaims _claims;
    private readonly IStorageDirectory _directory;
    private readonly Action _changed;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile OpenState _state = OpenState.Closed;
    private VolumeDirective? _remembered;

    /// <summary>Takes the VM's directory up; opens and serves nothing yet.</summary>
    public ProtectedVolume(string vm, IVolumeHost host, DiskClaims claims, Action changed)
    {
        (Vm, _host, _claims, _changed) = (vm, host, claims, changed);
        _directory = host.Directory.Subdirectory(vm);
        _remembered = Recall();
    }

    /// <summary>The VM.</summary>
    public string Vm { get; }

    /// <summary>The last directive that was carried out, also before a restart.</summary>
    public VolumeDirective? Remembered => Volatile.Read(ref _remembered);

    /// <summary>The splitter; null while the disks are closed, or a replica of the machine at the target
    /// side.</summary>
    public SourceVolume? Source => _state.Source;

    /// <summary>The disks as a replica of the machine at the target side; null while they are not.</summary>
    public InPlaceReplica? Reverse => _state.Reverse;

    /// <summary>Whether a disk of this path is open here.</summary>
    public bool HasOpen(string path) => _state.Disks.Any(disk => disk.Path == path);

    /// <summary>Tells clients to wait for the disks that were served before the agent was restarted.</summary>
    public void Announce()
    {
        if (Remembered is { Role: SourceRole.Primary or SourceRole.Quiesced or SourceRole.Fenced } last)
        {
            for (var i = 0; i < last.Disks.Count; i++)
            {
                _host.Expect(ExportName(i));
            }
        }
    }

    /// <summary>Brings the volume into the directive's role; a directive older than the last changes nothing.</summary>
    /// <exception cref="VolumeException">It cannot be done.</exception>
    public async Task DirectAsync(VolumeDirective directive, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_remembered is { } last)
            {
                // Numbers of events begin again when a lost journal is made anew, under a term above all before.
                if (directive.Term <= last.Term && directive.Sequence < last.Sequence)
                {
                    return;
                }

                if (directive.Term < last.Term)
                {
                    throw new VolumeException(
                        "stale-term", $"Term {directive.Term} of '{Vm}' is over; this agent obeys term {last.Term}.",
                        "Let the service that gave the newer term direct this agent.", false);
                }
            }

            await TakeRoleAsync(directive, cancellationToken);
            _failure = null;
        }
        catch (SourceVolumeException e)
        {
            var error = new VolumeException(
                e.Error == SourceVolumeError.DisksDiffer ? "disk-shrunk" : "source-volume", e.Message,
                "See the agent's data directory and the disks.", false);
            Failed(error.Problem);
            throw error;
        }
        catch (VolumeException e)
        {
            Failed(e.Problem);
            throw;
        }
        catch (IOException e)
        {
            Failed(new VolumeProblem("source-storage", e.Message, "See the storage of the agent's machine.", true));
            throw;
        }
        finally
        {
            _turn.Release();
            _changed();
        }
    }

    /// <summary>Marks a recovery point in the stream, with the applications frozen around it when asked (RCP-2,
    /// RCP-3).</summary>
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

    /// <summary>Background work: clears quiet extents, leaves dirty-map mode when there is room again.</summary>
    /// <exception cref="StorageException">The volume's directory refuses; calling again goes on.</exception>
    public void Maintain()
    {
        Watch();
        if (_state.Source is { } source)
        {
            source.Maintain();
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
                await OpenSourceAsync(directive, ct);
                await FreeOfWritersAsync(directive, ct);
                _state.Source!.Quiesce();
                await ServeAsync(directive, readOnly: true, ct);
                await ReplicateAsync(directive, ct);
                Remember(directive);
                break;
            case SourceRole.Fenced:
                if (IsReplica)
                {
                    // Only the recovery of a lost journal fences a source that was brought to equality before.
                    await DropLogsAsync(ct);
                }

                Remember(directive);
                await _state.StopSessionAsync();
                await OpenSourceAsync(directive, ct);
                _state.Source!.Fence(new Term(directive.Term));
                await ServeAsync(directive, readOnly: true, ct);
                break;
            case SourceRole.ReverseReplica:
                await BecomeReverseReplicaAsync(directive, ct);
                break;
            case SourceRole.Released:
                await LetGoAsync(ct);
                _claims.Release(Vm);
                _host.Directory.DeleteSubdirectory(Vm);
                Volatile.Write(ref _remembered, null);
                break;
            default:
                throw new InvalidOperationException($"Role {directive.Role} cannot be taken.");
        }
    }

    private async Task BecomePrimaryAsync(VolumeDirective directive, CancellationToken ct)
    {
        if (IsReplica || _remembered is null)
        {
            // What a release that was cut short has left says as little about the disks.
            await DropLogsAsync(ct);
        }

        await OpenSourceAsync(directive, ct);
        var source = _state.Source!;
        source.Unfence(new Term(directive.Term), disksUnchanged: true);
        source.Resume();
        if (directive.CopyId is { } copy && copy != _remembered?.CopyId)
        {
            source.MarkAllDirty(DirtyCause.UserRequest);
        }

        Remember(directive with { CopyId = directive.CopyId ?? _remembered?.CopyId });
        await ServeAsync(directive, readOnly: false, ct);
        await ReplicateAsync(directive, ct);
    }

    private bool IsReplica => _remembered?.Role == SourceRole.ReverseReplica || _state.Reverse is not null;

    // The disks were written below the old log, which says nothing about them any more: a new volume is all dirty.
    private async Task DropLogsAsync(CancellationToken ct)
    {
        await CloseAsync(ct);
        _directory.DeleteSubdirectory(SourceDirectory);
        _directory.DeleteSubdirectory(ReverseDirectory);
    }

    private async Task BecomeReverseReplicaAsync(VolumeDirective directive, CancellationToken ct)
    {
        Remember(directive);
        if (_state.Reverse is null)
        {
            await CloseAsync(ct);
            OpenReverse(directive);
        }

        await ReplicateAsync(directive, ct);
    }

    private MarkerOutcome Insert(AgentRequest.InsertMarker asked, PointKind kind) =>
        _state.Source is { } source
            ? source.InsertMarker(new RecoveryPointId(asked.PointId), kind, asked.AskedAt)
            : throw new VolumeException(
                "not-primary", $"The source of '{Vm}' takes no writes, so it marks no points.",
                "Wait until it is the primary.", true);

    private static AgentReply Marked(MarkerOutcome outcome, PointKind kind, string? warning) => outcome switch
    {
        MarkerOutcome.Inserted inserted => new AgentReply.MarkerInserted(
            inserted.Position.Generation.Value, inserted.Position.Lsn.Value, inserted.Time, kind, warning),
        MarkerOutcome.Refused refused => throw new VolumeException(
            "no-point-now", refused.Message, "The next point is made when replication has caught up.", true),
        _ => throw new InvalidOperationException($"A marker cannot end as {outcome.GetType().Name}."),
    };

    /// <summary>
    /// Stores the directive. On a full disk, one that changes nothing of weight (neither role, term, disks nor copy) is
    /// obeyed unstored: a guest must not lose its disks because the agent's data directory is full (I27), and after a
    /// restart the service says again what holds.
    /// </summary>
    private void Remember(VolumeDirective directive)
    {
        try
        {
            Store(directive);
        }
        catch (StorageException e) when (e.Errno == StorageException.NoSpace && _remembered is { } last
            && last.Role == directive.Role && last.Term == directive.Term && last.CopyId == directive.CopyId
            && last.Disks.SequenceEqual(directive.Disks, StringComparer.Ordinal))
        {
            NotStored(_host.Logger, Vm, e.Message);
        }

        Volatile.Write(ref _remembered, directive);
    }

    private void Store(VolumeDirective directive)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(directive, ControlJson.Default.VolumeDirective);
        const string next = DirectiveFile + ".new";
        using (var file = _directory.Open(next, StorageOpen.Any))
        {
            file.SetLength(0);
            file.Write(0, bytes);
            file.Sync();
        }

        _directory.Rename(next, DirectiveFile);
        _directory.Sync();
    }

    private VolumeDirective? Recall()
    {
        if (!_directory.Exists(DirectiveFile))
        {
            return null;
        }

        using var file = _directory.Open(DirectiveFile, StorageOpen.Existing);
        var bytes = new byte[file.Length];
        file.Read(0, bytes);
        return JsonSerializer.Deserialize(bytes, ControlJson.Default.VolumeDirective);
    }

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "the directive of '{Vm}' is obeyed but was not stored: {Reason}")]
    private static partial void NotStored(ILogger logger, string vm, string reason);
}
