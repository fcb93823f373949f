using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>Builds the reported status of a VM's volume from its open parts. Stateless.</summary>
internal sealed class VolumeReport(IVolumeHost host)
{
    /// <summary>Returns the status of a volume that was released.</summary>
    public static VolumeStatus Released(VolumeDirective directive, DateTimeOffset now) => new(
        directive.Vm, SourceRole.Released, directive.Term, [], CaptureMode.None, DirtyCause.None, "",
        0, 0, 0, 0, 0, null, 0, 0, 0, null, [], now);

    /// <summary>Returns the status of an open volume.</summary>
    /// <param name="directive">The directive that the volume obeys.</param>
    /// <param name="open">The open volume.</param>
    /// <param name="growth">The reason why growth could not be taken up; null if there is none.</param>
    /// <param name="now">The time of the report.</param>
    public VolumeStatus OfOpen(
        VolumeDirective directive, OpenVolume open, VolumeProblem? growth, DateTimeOffset now) =>
        open.Source is { } source ? OfSource(directive, open, source, growth, now)
            : OfReverse(directive, open, open.Reverse!.Position, growth, now);

    /// <summary>
    /// Returns the status of a volume that is not open: its stored role, and the reason why it could not be opened.
    /// </summary>
    public VolumeStatus OfClosed(VolumeDirective directive, VolumeProblem? failure, DateTimeOffset now) => new(
        directive.Vm, directive.Role, directive.Term,
        [.. directive.Disks.Select(path => new ServedDisk(path, SizeNow(path), null))], CaptureMode.Closed,
        DirtyCause.None, "", 0, 0, 0, 0, 0, null, 0, 0, 0, null, failure is not null ? [failure] : [], now);

    private VolumeStatus OfSource(
        VolumeDirective directive, OpenVolume open, SourceVolume source, VolumeProblem? growth, DateTimeOffset now)
    {
        var counters = source.Counters();
        var condition = source.Condition;
        var uris = open.Exports.Uris;
        var disks = source.Disks.Select((disk, i) => new ServedDisk(
            disk.Path, SizeSeen(open, i, disk.SizeBytes), uris.ElementAtOrDefault(i), open.Identities[i]));
        return new VolumeStatus(
            directive.Vm, directive.Role, directive.Term, [.. disks],
            counters.Mode, condition.Cause, condition.Detail, counters.Tail.Generation.Value, counters.Tail.Lsn.Value,
            counters.Acknowledged.Generation.Value, counters.Acknowledged.Lsn.Value, counters.LagBytes,
            counters.Lag?.TotalSeconds, counters.DirtyBytes, counters.LogBytes,
            Divergent(directive, source, counters), open.Session?.Status(), Problems(open, condition, growth), now)
        {
            Cut = directive.Cut,
            Clients = open.Exports.Clients,
            StopsGuest = host.StopsGuests,
        };
    }

    private static VolumeStatus OfReverse(
        VolumeDirective directive, OpenVolume open, ReplicaPosition position, VolumeProblem? growth,
        DateTimeOffset now)
    {
        var disks = open.Disks.Select((disk, i) => new ServedDisk(
            disk.Path, SizeSeen(open, i, disk.Device.Length), null, open.Identities[i]));
        return new VolumeStatus(
            directive.Vm, directive.Role, directive.Term, [.. disks], CaptureMode.None, DirtyCause.None, "",
            position.Durable.Generation.Value, position.Durable.Lsn.Value, position.Durable.Generation.Value,
            position.Durable.Lsn.Value, 0, null, 0, 0, 0, open.Session?.Status(), Problems(open, null, growth),
            now);
    }

    private static long SizeSeen(OpenVolume open, int disk, long served)
    {
        var seen = open.Watch.Last.SizeBytes;
        return disk < seen.Count ? Math.Min(seen[disk], served) : served;
    }

    private long SizeNow(string path)
    {
        try
        {
            return host.Look(path).SizeBytes;
        }
        catch (StorageException)
        {
            // The disk is absent, which the problem reports.
            return 0;
        }
    }

    // Returns the bytes that only the source has (I16): writes in the log behind the recovered machine's cut, and dirty
    // extents whose writes the log does not hold.
    private static long Divergent(VolumeDirective directive, SourceVolume source, SourceCounters counters)
    {
        if (directive is not { Role: SourceRole.Fenced, Cut: { } told })
        {
            return 0;
        }

        var cut = new ChangePosition(new Generation(told.Generation), new Lsn(told.Lsn));
        try
        {
            return source.WrittenAfter(cut) + counters.DirtyBytes;
        }
        catch (IOException)
        {
            // Unreadable data may all be the guest's.
            return source.BytesAfter(cut) + counters.DirtyBytes;
        }
    }

    private static VolumeProblem[] Problems(OpenVolume open, SourceCondition? condition, VolumeProblem? growth)
    {
        var problems = new List<VolumeProblem>();
        if (condition is { SyncFailed: true })
        {
            problems.Add(new VolumeProblem(
                "sync-failed", condition.Detail, "Check the source's disk, then restart the agent.", false));
        }

        problems.AddRange(open.Watch.Last.Problems);
        if (growth is not null)
        {
            problems.Add(growth);
        }

        if (open.Session?.Problem is { } problem)
        {
            problems.Add(problem);
        }

        return [.. problems];
    }
}
