using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>
/// Handles changes that others make to a VM's disks while they are open (A5): extends the volume when a disk grows, has
/// a disk compared that was truncated and has its size again, and reports changes.
/// </summary>
/// <remarks>
/// Only the maintenance loop calls <see cref="Look"/>; only one directive at a time takes up growth. All other members
/// may be called by any thread.
/// </remarks>
internal sealed partial class OutsideChanges(string vm, ILogger logger, Action changed)
{
    private volatile VolumeProblem? _notGrown;
    private volatile bool _hasGrown;
    private bool _comparisonDue;
    private string? _lastLogged;

    /// <summary>Whether the latest check found a source disk that is larger than its export.</summary>
    public bool HasGrown => _hasGrown;

    /// <summary>The reason why growth could not be taken up; null if there is none.</summary>
    public VolumeProblem? Problem => _notGrown;

    /// <summary>Checks the open disks for changes from outside.</summary>
    /// <exception cref="IOException">A comparison could not be started. A repeated call continues.</exception>
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
            // A directive has closed the volume meanwhile and reports on its own.
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
            // The content of the truncated part is lost, and the disk has zeroes or arbitrary data there.
            source.MarkAllDirty(DirtyCause.ChangedOutside);
            _comparisonDue = false;
        }
    }

    /// <summary>Clears the growth that was found, because it is being handled.</summary>
    public void ForgetGrowth() => _hasGrown = false;

    /// <summary>Resizes the source to the current sizes of its disks.</summary>
    /// <exception cref="IOException">The source could not be resized. A repeated call continues.</exception>
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

    /// <summary>
    /// Reports a source's new condition. A short comparison ends before a report shows it, so it is logged.
    /// </summary>
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
