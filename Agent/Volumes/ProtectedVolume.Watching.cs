using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Agent.Volumes;

// What happens to the disks from outside while they are open (A5), and what went wrong with the last directive.
public sealed partial class ProtectedVolume
{
    private volatile VolumeProblem? _failure;
    private volatile VolumeProblem? _notGrown;
    private volatile bool _grown;
    private bool _comparisonOwed;
    private string? _toldOf;

    /// <summary>
    /// Takes up disks that have grown: what is new is dirty, and clients that connect from now on see the new size. The
    /// data session is begun again, as the replica grows at its beginning.
    /// </summary>
    /// <exception cref="IOException">It could not be done; calling again goes on.</exception>
    public async Task TakeUpGrowthAsync(CancellationToken cancellationToken)
    {
        if (!_grown || !await _turn.WaitAsync(TimeSpan.Zero, cancellationToken))
        {
            return;
        }

        try
        {
            _grown = false;
            var state = _state;
            if (state.Source is not { } source || Remembered is not { Role: SourceRole.Primary } directive)
            {
                return;
            }

            await state.StopSessionAsync();
            try
            {
                Resize(state, source);
                _notGrown = null;
            }
            catch (IOException e)
            {
                _notGrown = new VolumeProblem(
                    "disk-grown", $"A disk has grown and cannot be taken up: {e.Message}",
                    "See the agent's data directory, then restart the agent.", true);
                throw;
            }
            finally
            {
                await ReplicateAsync(directive, cancellationToken);
            }
        }
        finally
        {
            _turn.Release();
            _changed();
        }
    }

    /// <summary>
    /// Claims the disks of the directive that is remembered before any of them is opened, so that none is given to
    /// another VM meanwhile. What is away, or another's, is told when it is opened.
    /// </summary>
    public void ClaimRemembered()
    {
        if (Remembered is not { } directive)
        {
            return;
        }

        try
        {
            _claims.Take(
                Vm, [.. directive.Disks.Select(path => new DiskClaim(path, _host.IdentityOf(path), false))]);
        }
        catch (Exception e) when (e is StorageException or VolumeException)
        {
            NotClaimed(_host.Logger, Vm, e.Message);
        }
    }

    private static void Resize(OpenState state, SourceVolume source)
    {
        for (var i = 0; i < state.Disks.Count; i++)
        {
            var device = state.Disks[i].Remeasured();
            if (device.Length > source.Disks[i].SizeBytes)
            {
                source.Resize(i, device);
            }
        }
    }

    private void Watch()
    {
        var state = _state;
        if (state.Disks.Count == 0)
        {
            return;
        }

        IReadOnlyList<long> known = state.Source is { } served
            ? [.. served.Disks.Select(d => d.SizeBytes)] : [.. state.Disks.Select(d => d.Device.Length)];
        var before = state.Watch.Last.Problems;
        DiskFindings now;
        try
        {
            now = state.Watch.Look(known);
        }
        catch (ObjectDisposedException)
        {
            // Closed meanwhile by a directive, which reports by itself.
            return;
        }

        if (!now.Problems.SequenceEqual(before))
        {
            _changed();
        }

        _grown = state.Source is not null && now.SizeBytes.Where((size, i) => size > known[i]).Any();
        _comparisonOwed |= now.Restored;
        if (_comparisonOwed && state.Source is { } source)
        {
            // What was cut off is gone, and the disk has zeroes, or anything, in its place.
            source.MarkAllDirty(DirtyCause.ChangedOutside);
            _comparisonOwed = false;
        }
    }

    // A short comparison is over before a report tells of it.
    private void Changed(SourceCondition condition)
    {
        if (condition.Cause == DirtyCause.ChangedOutside && condition.Detail.Length > 0
            && condition.Detail != Interlocked.Exchange(ref _toldOf, condition.Detail))
        {
            ChangedOutside(_host.Logger, Vm, condition.Detail);
        }

        _changed();
    }

    /// <summary>Notes why a directive could not be carried out, for the reports until one can.</summary>
    private void Failed(VolumeProblem problem) => _failure = problem;

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Vm}: {Detail}")]
    private static partial void ChangedOutside(ILogger logger, string vm, string detail);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the disks of '{Vm}' are not as they were: {Reason}")]
    private static partial void NotClaimed(ILogger logger, string vm, string reason);
}
