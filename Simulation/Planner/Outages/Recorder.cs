using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>Samples the world at regular intervals and keeps the values that the reports need.</summary>
internal sealed class Recorder
{
    private const int MaxSlices = 480;
    private static readonly TimeSpan StoredEvery = TimeSpan.FromHours(1);
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(30);

    private readonly OutageWorld _world;
    private readonly TimeSpan _every;
    private readonly List<(TimeSpan At, LaneState State)>[] _lanes;
    private readonly Histogram[] _risks;
    private readonly double[] _stored;
    private readonly double[] _linkSent;
    private readonly long[] _linkBusy;
    private readonly HashSet<OutageRecord> _ended = [];
    private TimeSpan _storedAt = TimeSpan.MinValue;
    private long _samples;
    private long _unprotected;

    public Recorder(OutageWorld world)
    {
        _world = world;
        _every = world.Scenario.Assumptions.SampleEvery;
        _lanes = [.. world.Vms.Select(_ => new List<(TimeSpan, LaneState)>())];
        _risks = [.. world.Vms.Select(_ => new Histogram())];
        _stored = new double[world.Vms.Count];
        _linkSent = new double[world.Links.Count];
        _linkBusy = new long[world.Links.Count];
        var samples = Math.Max(1, (long)(world.Scenario.Duration / _every));
        Series = new RunSeries((int)Math.Min(MaxSlices, samples), world.Links.Count);
        world.Queue.After(_every, Sample);
    }

    public Histogram Risk { get; } = new();

    public Histogram PointAge { get; } = new();

    public RunSeries Series { get; }

    public double Unprotected => _samples == 0 ? 0 : (double)_unprotected / _samples;

    public Histogram RiskOf(VmModel vm) => _risks[vm.Index];

    public double StoredOf(VmModel vm) => _stored[vm.Index];

    public double SentOver(int link) => _linkSent[link];

    public double BusyShareOf(int link) => _samples == 0 ? 0 : _linkBusy[link] * _world.Vms.Count / (double)_samples;

    public IReadOnlyList<LanePart> LaneOf(VmModel vm)
    {
        var lane = _lanes[vm.Index];
        return [.. lane.Select((part, i) => new LanePart(
            part.At, i + 1 < lane.Count ? lane[i + 1].At : _world.Scenario.Duration, part.State))];
    }

    /// <summary>
    /// Returns the data that a failover would lose now, in seconds; null when no failover is possible. The newest
    /// recovery point counts where the replica equals no moment of the source.
    /// </summary>
    public static double? RiskNow(VmModel vm)
    {
        var state = vm.Core.State;
        if (vm.Target.ReplicaLost
            || state.Phase is not (Phase.Protected or Phase.FailingOver or Phase.ProtectedReverse))
        {
            return null;
        }

        var volume = vm.Active;
        if (state.Replication.Resync is null && !volume.ReplicaResyncing)
        {
            var replica = volume.Replica();
            var onItsWay = volume.LogRate > 0 ? vm.OnItsWay.TotalSeconds : 0;
            return onItsWay
                + (volume.Written - replica.Written < 1 ? 0 : (volume.LastWrite - replica.Time).TotalSeconds);
        }

        return vm.Target.Points.Points is [.., var newest]
            ? Math.Max(0, (volume.LastWrite - (newest.Point.Time - vm.World.Scenario.Start)).TotalSeconds) : null;
    }

    private void Sample()
    {
        var now = _world.Queue.Now;
        var slice = Math.Min(Series.Slices - 1, (int)(now / _world.Scenario.Duration * Series.Slices));
        var (backlog, risk, down) = (0.0, 0.0, 0);
        foreach (var vm in _world.Vms)
        {
            vm.Look();
            backlog += vm.Active.Backlog;
            risk = Math.Max(risk, SampleVm(vm, now));
            down += vm.Serves ? 0 : 1;
        }

        SampleStored(now, slice);
        SampleLinks(slice);
        Series.Risk[slice] = Math.Max(Series.Risk[slice], risk);
        Series.Backlog[slice] = Math.Max(Series.Backlog[slice], backlog);
        Series.Down[slice] = Math.Max(Series.Down[slice], down);
        SampleOutages(now);
        _world.Queue.After(_every, Sample);
    }

    private double SampleVm(VmModel vm, TimeSpan now)
    {
        var risk = RiskNow(vm);
        _samples++;
        if (risk is { } seconds)
        {
            Risk.Add(seconds);
            _risks[vm.Index].Add(seconds);
            if (vm.Target.Points.Points is [.., var newest])
            {
                PointAge.Add((now - (newest.Point.Time - vm.World.Scenario.Start)).TotalSeconds);
            }
        }
        else
        {
            _unprotected++;
        }

        var lane = _lanes[vm.Index];
        var state = LaneNow(vm, risk);
        if (lane.Count == 0 || lane[^1].State != state)
        {
            lane.Add((now - _every, state));
        }

        return risk ?? 0;
    }

    private static LaneState LaneNow(VmModel vm, double? risk)
    {
        var state = vm.Core.State;
        return !vm.Serves ? LaneState.Down
            : WritablePrimary.Of(state.Phase) == PrimarySide.Target ? LaneState.AtTarget
            : risk is null ? LaneState.Unprotected
            : !vm.Session ? LaneState.Disconnected
            : state.Replication.Resync is not null || !vm.Forward.Logging ? LaneState.Resync
            : risk > state.Enrollment.Policy.RpoThreshold.TotalSeconds ? LaneState.Behind
            : LaneState.Protected;
    }

    private void SampleStored(TimeSpan now, int slice)
    {
        if (now - StoredEvery >= _storedAt)
        {
            _storedAt = now;
            foreach (var vm in _world.Vms)
            {
                var held = vm.Target.ReplicaLost || !vm.Agent.Replicating ? 0 : vm.Plan.Used;
                _stored[vm.Index] = held + vm.Target.Points.RedoBytes(vm.Forward.Written, vm.Forward.Spread);
            }
        }

        Series.Stored[slice] = _stored.Sum();
        Series.Points[slice] = _world.Vms.Sum(vm => vm.Target.Points.Points.Count);
    }

    private void SampleLinks(int slice)
    {
        for (var i = 0; i < _world.Links.Count; i++)
        {
            var link = _world.Links[i];
            var sent = link.Users.Sum(vm => (vm.Forward.Sent + vm.Reverse.Sent) * vm.Plan.CompressTo);
            var sliceSeconds = _world.Scenario.Duration.TotalSeconds / Series.Slices;
            Series.Links[i][slice] += (sent - _linkSent[i]) / sliceSeconds;
            _linkBusy[i] += link.Flowing > 0.98 * link.Quality.Bandwidth * (1 - link.Quality.Loss) ? 1 : 0;
            _linkSent[i] = sent;
        }
    }

    private void SampleOutages(TimeSpan now)
    {
        foreach (var outage in _world.Outages)
        {
            if (_ended.Contains(outage))
            {
                continue;
            }

            var normal = outage.Over;
            for (var i = 0; i < outage.Vms.Length; i++)
            {
                var vm = outage.Vms[i];
                var risk = RiskNow(vm);
                outage.WorstLag[i] = Math.Max(outage.WorstLag[i], risk ?? 0);
                outage.DownAfter[i] = vm.Log.DownUntil(now);
                normal &= IsNormal(vm, risk);
            }

            outage.WorstBacklog = Math.Max(outage.WorstBacklog, outage.Vms.Sum(vm => vm.Active.Backlog));
            if (normal)
            {
                outage.NormalAt = now;
                _ended.Add(outage);
            }
        }
    }

    private static bool IsNormal(VmModel vm, double? risk) => vm.Serves && (vm.Core.State.Phase is Phase.Protected
        ? vm.Session && vm.Core.State.Replication.Resync is null && risk <= Settled.TotalSeconds
            && !vm.Core.State.Causes.Any(cause => cause.Kind == HealthKind.AgentDisconnected)
        : WritablePrimary.Of(vm.Core.State.Phase) == PrimarySide.Target);
}
