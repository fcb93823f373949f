using System.Text.Json;
using ReplicationEngine.Agent.Control;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Agent.Volumes;

// What is reported, and the session that ships.
internal sealed partial class ProtectedVolume
{
    private static readonly Dictionary<SourceCause, string> Codes =
        Enum.GetValues<SourceCause>().ToDictionary(
            cause => cause, cause => JsonNamingPolicy.KebabCaseLower.ConvertName(cause.ToString()));

    /// <summary>The <see cref="VolumeStatus.Capture"/> of a volume whose disks are not open.</summary>
    public const string Closed = "closed";

    /// <summary>
    /// What there is to report; null while no directive was carried out. A volume that is not open reports the role
    /// that it remembers, serves nothing, and says why it could not be opened.
    /// </summary>
    public VolumeStatus? Status(DateTimeOffset now)
    {
        var state = _state;
        if (Remembered is not { } directive)
        {
            return null;
        }

        return state.Source is { } source ? OfSource(directive, state, source, now)
            : state.Reverse is { } reverse ? OfReverse(directive, state, reverse.Position, now)
            : OfClosed(directive, now);
    }

    /// <summary>The status of a volume of which nothing is left.</summary>
    public static VolumeStatus NoStatus(VolumeDirective directive, DateTimeOffset now) => new(
        directive.Vm, VolumeRole.Released, directive.Term, [], "none", "none", "", 0, 0, 0, 0, 0, null, 0, 0, 0, null,
            [], now);

    private VolumeStatus OfSource(
        VolumeDirective directive, OpenState state, SourceVolume source, DateTimeOffset now)
    {
        var counters = source.Counters();
        var condition = source.Condition;
        var seen = state.Watch.Last.SizeBytes;
        var disks = source.Disks.Select((d, i) => new ServedDisk(
            d.Path, i < seen.Count ? Math.Min(seen[i], d.SizeBytes) : d.SizeBytes, state.Uris.ElementAtOrDefault(i),
            state.Identities[i]));
        return new VolumeStatus(
            directive.Vm, directive.Role, directive.Term, [.. disks],
            counters.Mode == SourceMode.Logging ? "logging" : "dirty-map", CodeOf(condition.Cause),
            condition.Detail, counters.Tail.Generation.Value, counters.Tail.Lsn.Value,
            counters.Acknowledged.Generation.Value, counters.Acknowledged.Lsn.Value, counters.LagBytes,
            counters.Lag?.TotalSeconds, counters.DirtyBytes, counters.LogBytes,
                Divergent(directive, source, counters),
            state.Session?.Status(),
            Problems(state, condition), now)
        {
            Cut = directive.Cut,
            Clients = [.. Clients(directive)],
            StopsGuest = _host.StopsGuests,
        };
    }

    private VolumeStatus OfReverse(
        VolumeDirective directive, OpenState state, ReplicaPosition position, DateTimeOffset now)
    {
        var seen = state.Watch.Last.SizeBytes;
        var disks = state.Disks.Select((d, i) =>
            new ServedDisk(d.Path, i < seen.Count ? Math.Min(seen[i], d.Device.Length) : d.Device.Length, null,
                state.Identities[i]));
        return new VolumeStatus(
            directive.Vm, directive.Role, directive.Term, [.. disks], "none", "none", "",
            position.Durable.Generation.Value, position.Durable.Lsn.Value, position.Durable.Generation.Value,
            position.Durable.Lsn.Value, 0, null, 0, 0, 0, state.Session?.Status(), Problems(state, null), now);
    }

    private VolumeStatus OfClosed(VolumeDirective directive, DateTimeOffset now) => new(
        directive.Vm, directive.Role, directive.Term,
        [.. directive.Disks.Select(path => new ServedDisk(path, SizeNow(path), null))], Closed, "none", "", 0, 0, 0, 0,
        0, null, 0, 0, 0, null, _failure is { } failure ? [failure] : [], now);

    private long SizeNow(string path)
    {
        try
        {
            return _host.Look(path).SizeBytes;
        }
        catch (StorageException)
        {
            // It is away, which is what the problem says.
            return 0;
        }
    }

    // What only the source has (I16): the writes in the log behind the recovered machine's cut, and extents whose
    // writes it did not carry.
    private static long Divergent(VolumeDirective directive, SourceVolume source, SourceCounters counters)
    {
        if (directive is not { Role: VolumeRole.Fenced, Cut: { } told })
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
            // What cannot be read may all be the guest's.
            return source.BytesAfter(cut) + counters.DirtyBytes;
        }
    }

    private VolumeProblem[] Problems(OpenState state, SourceCondition? condition)
    {
        var problems = new List<VolumeProblem>();
        if (condition is { SyncFailed: true })
        {
            problems.Add(new VolumeProblem(
                "sync-failed", condition.Detail, "See the source's disk, then restart the agent.", false));
        }

        problems.AddRange(state.Watch.Last.Problems);
        if (_notGrown is { } growth)
        {
            problems.Add(growth);
        }

        if (state.Session?.Problem is { } problem)
        {
            problems.Add(problem);
        }

        return [.. problems];
    }

    private async Task ReplicateAsync(VolumeDirective directive, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var state = _state;
        if (!directive.Replicating)
        {
            await state.StopSessionAsync();
        }
        else if (state.Session is null)
        {
            state.Session = state.Source is { } source
                ? _host.Send(directive, source)
                : _host.Receive(directive, state.Reverse!, [.. state.Disks.Select(d => d.Device.Length)]);
        }
    }

    private static string CodeOf(SourceCause cause) => Codes[cause];
}
