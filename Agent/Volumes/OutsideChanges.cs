using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>
/// Deals with what others do to a VM's disks while they are open (A5): takes up growth, has a disk compared that was
/// cut and has its size back, and tells of changes.
/// </summary>
/// <remarks>
/// The maintenance loop alone calls <see cref="Look"/>; growth is taken up by one directive at a time. Everything else
/// may be called by any thread.
/// </remarks>
internal sealed partial class OutsideChanges(string vm, ILogger logger, Action changed)
{
    private volatile VolumeProblem? _notGrown;
    private volatile bool _hasGrown;
    private bool _comparisonDue;
    private string? _lastLogged;

    /// <summary>Whether the last look found a disk of the source larger than it is served.</summary>
    public bool HasGrown => _hasGrown;

    /// <summary>Why growth could not be taken up; null when it could.</summary>
    public VolumeProblem? Problem => _notGrown;

    /// <summary>Looks at the open disks.</summary>
    /// <exception cref="IOException">A comparison could not be begun; calling again goes on.</exception>
    public void Look(OpenVolume open)
    {
        var known = open.KnownBytes;
        var before = open.Watch.Last.Problems;
        DiskFindings now;
        try
        {
            now = open.Watch.Look(known);
        }
        catch (ObjectDisposedException)
        {
            // Closed meanwhile by a directive, which reports by itself.
            return;
        }

        if (!now.Problems.SequenceEqual(before))
        {
            changed();
        }

        _hasGrown = open.Source is not null && now.SizeBytes.Where((size, i) => size > known[i]).Any();
        _comparisonDue |= now.Restored;
        if (_comparisonDue && open.Source is { } source)
        {
            // What was cut off is gone, and the disk has zeroes, or anything, in its place.
            source.MarkAllDirty(DirtyCause.ChangedOutside);
            _comparisonDue = false;
        }
    }

    /// <summary>The growth that was found is being dealt with.</summary>
    public void ForgetGrowth() => _hasGrown = false;

    /// <summary>Resizes the source's disks to what they are now.</summary>
    /// <exception cref="IOException">It could not be done; calling again goes on.</exception>
    public void TakeUpGrowth(OpenVolume open, SourceVolume source)
    {
        try
        {
            for (var i = 0; i < open.Disks.Count; i++)
            {
                var device = open.Disks[i].Remeasured();
                if (device.Length > source.Disks[i].SizeBytes)
                {
                    source.Resize(i, device);
                }
            }

            _notGrown = null;
        }
        catch (IOException e)
        {
            _notGrown = new VolumeProblem(
                "disk-grown", $"A disk has grown and its new size cannot be used: {e.Message}",
                "Check the agent's data directory, then restart the agent.", true);
            throw;
        }
    }

    /// <summary>Tells of a source's new condition. A short comparison is over before a report tells of it, so it is
    /// logged.</summary>
    public void ConditionChanged(SourceCondition condition)
    {
        if (condition.Cause == DirtyCause.ChangedOutside && condition.Detail.Length > 0
            && condition.Detail != Interlocked.Exchange(ref _lastLogged, condition.Detail))
        {
            ChangedOutside(logger, vm, condition.Detail);
        }

        changed();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Vm}: {Detail}")]
    private static partial void ChangedOutside(ILogger logger, string vm, string detail);
}
